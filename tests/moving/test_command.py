"""`mailer moving`, as somebody at a terminal uses it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailer.cli import cli
from mailer.moving.origins import ORIGINS
from mailer.workspace import Workspace
from tests.moving.listmonk_server import TOKEN, USER, many, serving

pytestmark = pytest.mark.sqlite
ACTIVE = "Subscriber,Sent,Opens,Clicks,Subscribed\nada@example.org,3,1,0,2024-01-02\nbob@example.org,3,1,0,2024-01-02\n"
BOUNCED = "Subscriber,Sent,Opens,Clicks,Subscribed\nbob@example.org,3,1,0,2024-01-02\nbad,0,0,0,\n"


@pytest.fixture(autouse=True)
def here(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workspace.root)


def run(*arguments: str | Path, fails: bool = False, env: dict[str, str] | None = None) -> Result:
    result = CliRunner().invoke(cli, ["moving", *map(str, arguments)], env=env, catch_exceptions=True)
    assert (result.exit_code != 0) == fails, (result.output, result.exception)
    return result


def test_files_that_say_what_they_are_by_name_alone(tmp_path: Path) -> None:
    active, bounced = tmp_path / "active.csv", tmp_path / "bounced.csv"
    active.write_text(ACTIVE)
    bounced.write_text(BOUNCED)
    move = ("files", "mailerlite", "supporters", active, bounced, "--status", "active.csv=subscribed")
    assert "how they agreed" in str(run(*move, fails=True).exception)
    assert "nothing in it says who left" in str(run(*move, "--agreed", "Their form", fails=True).exception)
    said = (*move, "--status", "bounced.csv=bounced")
    assert "dry run: nothing was changed" in run(*said, "--dry-run").output
    found = run(
        *said, "--agreed", "Their form", "--report", tmp_path / "report.json", "--left-out", tmp_path / "out.csv"
    )
    assert "4 there = 1 in + 2 left out + 1 merged" in found.output
    assert "bob@example.org,active.csv,3,subscribed,bounced" in (tmp_path / "out.csv").read_text(encoding="utf-8")
    assert "Signed by this workspace: move 1 from MailerLite" in run("verify", tmp_path / "report.json").output
    changed = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    changed["report"]["people"]["in"] = 2
    (tmp_path / "report.json").write_text(json.dumps(changed))
    assert "was changed" in str(run("verify", tmp_path / "report.json", fails=True).exception)
    assert "MailerLite" in run("report").output
    assert json.loads(run("report", "1", "--json").output)["report"]["people"]["in"] == 1


def test_listmonk_by_its_api(workspace: Workspace, tmp_path: Path) -> None:
    with serving(many(60)) as fake:
        asked = ("listmonk", fake.url, "--user", USER, "--onto", "Old list=-")
        wrong = run(*asked, "--dry-run", env={"LISTMONK_TOKEN": "wrong"}, fails=True)
        assert "doesn’t take this user and token" in str(wrong.exception)
        found = run(*asked, "--dry-run", env={"LISTMONK_TOKEN": TOKEN})
        assert "left out" in found.output
        assert TOKEN not in found.output
        assert not (workspace.lists / "river-news.toml").exists()
        read = len(fake.asked)
        found = run(*asked, "--agreed", "Their form", "--report", tmp_path / "report.json")
        assert len(fake.asked) == read, "what was read for the rehearsal is what is brought"
    assert "60 there = " in found.output
    assert "Signed by this workspace" in run("verify", tmp_path / "report.json").output
    assert workspace.list_definition("river-news").opt_in == "double"


def test_the_guide_knows_every_program() -> None:
    assert len(ORIGINS) == 10
    found = run("from").output
    assert all(one.title in found for one in ORIGINS)
    assert "Deleted" not in run("from", "mailerlite").output
    assert "no program to move from" in str(run("from", "mailchump", fails=True).exception)
