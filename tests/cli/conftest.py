"""Commands as their user types them: in a workspace made by `mailer init`, each run to its end in this process."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from mailer import cli
from mailer.cli import context
from tests.conftest import NOW
from tests.drafts import fill_in

BEGAN = time.monotonic()

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


class StartedOn(datetime):
    """A clock that goes on as usual from the tests' own day, so that no date of a test passes and no midnight comes."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # pyright: ignore[reportIncompatibleMethodOverride]
        return (NOW + timedelta(seconds=time.monotonic() - BEGAN)).astimezone(tz)


@pytest.fixture
def own_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands of this process believe that it is the morning of `NOW`."""
    monkeypatch.setattr(context, "datetime", StartedOn)


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
