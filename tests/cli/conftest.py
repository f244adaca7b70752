"""Commands as their user types them: in a workspace made by `mailer init`, each run to its end in this process."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mailer import cli
from tests.drafts import fill_in

PEOPLE = """\
email,first_name,country
ada@example.org,Ada,GB
bo@example.org,Bo,DE
cai@example.org,,GB
"""


@dataclass(frozen=True)
class Done:
    """A finished command."""

    code: int
    out: str
    err: str


Mailer = Callable[..., Done]


@pytest.fixture
def mailer(
    tmp_path: Path, migrated_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Mailer:
    """`mailer("send", "appeal", "--yes", "3")`: run it, and see its exit code and what it printed."""

    def run(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["mailer", *arguments])
        capsys.readouterr()
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(bool(end.code))
        printed = capsys.readouterr()
        return Done(code, printed.out, printed.err)

    root = tmp_path / "ours"
    monkeypatch.chdir(tmp_path)
    assert run("init", str(root)).code == 0
    # With its mode. The first command would make it, which takes a fifth of a second.
    shutil.copy(migrated_file, root / "mailer.db")
    monkeypatch.chdir(root)
    return run


@pytest.fixture
def campaign(mailer: Mailer, tmp_path: Path) -> str:
    """A newsletter of our own, and three people on the list; its slug."""
    (tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")
    assert mailer("import", "supporters", str(tmp_path / "people.csv")).code == 0
    assert mailer("new", "save-the-library").code == 0
    fill_in(Path("newsletters/save-the-library/message.md"))
    return "save-the-library"
