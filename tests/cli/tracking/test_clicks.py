"""`mailer clicks recompute` and `mailer run` as staff use them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from mailer.cli import cli
from mailer.store.engine.database import Database
from mailer.store.tables.core import hits
from mailer.store.tables.states import Verdict
from mailer.workspace import Workspace
from tests.reports.builders import SLUG, add_campaign, add_deliveries, add_hit, add_people, make_message


@pytest.fixture
def followed(workspace: Workspace, database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Somebody followed three links within seconds, somebody else one; an older version judged them one by one."""
    monkeypatch.setenv("MAILER_WORKSPACE", str(workspace.root))
    with database.write() as connection:
        add_people(connection, 2, now=now)
        add_campaign(connection, make_message(), now=now)
        add_deliveries(connection, [1, 2], now=now, changed_at=now - timedelta(hours=1))
        for number, n in ((1, 1), (1, 2), (1, 3), (2, 1)):
            add_hit(connection, number, n, now=now)
    return database


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def verdicts(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(select(hits.c.verdict).order_by(hits.c.id)).scalars())


def test_it_says_first_and_then_does(followed: Database) -> None:
    planned = run("clicks", "recompute", SLUG, "--dry-run")
    assert "4 hits judged; 3 would go from human to machine." in planned.output
    assert set(verdicts(followed)) == {Verdict.HUMAN}
    done = run("clicks", "recompute", "--json")
    assert json.loads(done.output) == {
        SLUG: {"hits": 4, "changed": [{"from": "human", "to": "machine", "hits": 3}], "reasons_changed": 0}
    }
    assert verdicts(followed) == ["machine", "machine", "machine", "human"]
    assert "4 hits judged; nothing changes." in run("clicks", "recompute", SLUG).output


def test_a_run_and_a_report_judge_what_came(followed: Database, now: datetime) -> None:
    assert run("run").exit_code == 0
    assert verdicts(followed) == ["machine", "machine", "machine", "human"]
    with followed.write() as connection:
        for n in (2, 3):
            add_hit(connection, 2, n, now=now)
    assert json.loads(run("report", SLUG, "--json").output)["action"]["people"] == 0
    assert set(verdicts(followed)) == {"machine"}


def test_an_unknown_newsletter_is_refused(followed: Database) -> None:
    done = run("clicks", "recompute", "2026-12-other")
    assert done.exit_code != 0
    assert "neither sent nor scheduled" in str(done.exception)
