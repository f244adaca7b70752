"""`mailer imports`: what was imported is listed with what can still be done about it, and one is taken back once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mailer.errors import MailerError
from mailer.workspace import Workspace
from tests.cli.people.test_people import mailer

pytestmark = pytest.mark.sqlite


@pytest.fixture(autouse=True)
def imported(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILER_WORKSPACE", str(workspace.root))
    file = tmp_path / "fair.csv"
    file.write_text("email,first_name\nada@example.org,Ada\nbo@example.org,Bo\n", encoding="utf-8")
    mailer("import", "supporters", str(file))


def test_imports_are_listed_and_one_is_taken_back() -> None:
    line = next(line for line in mailer("imports").output.splitlines() if "fair.csv" in line)
    assert line.split()[0] == "1"
    assert "can be taken back" in line
    assert "2 people added by it and not used since: deleted again." in mailer("imports", "--undo", "1").output
    (told,) = json.loads(mailer("imports", "--json").output)
    assert told["undone"]["deleted"] == 2
    line = next(line for line in mailer("imports").output.splitlines() if "fair.csv" in line)
    assert line.rstrip().endswith("taken back")
    assert "can be" not in line


def test_what_cannot_be_taken_back_says_why() -> None:
    assert json.loads(mailer("imports", "--undo", "1", "--json").output)["deleted"] == 2
    for number, why in (("1", "was taken back by terminal"), ("9", "there is no import 9")):
        error = mailer("imports", "--undo", number).exception
        assert isinstance(error, MailerError)
        assert why in error.message
