"""All newsletters beside each other say what the report of each says; pages, and who acted, are counted from rows."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from sqlalchemy import insert

from mailer.cli import cli
from mailer.delivery.campaigns.status import sent_counts
from mailer.reports.acting import DAYS, acting_within, count_acting
from mailer.reports.compared import PER_THOUSAND, ComparedCounts, by_list, by_month, compared, together
from mailer.reports.figures import figures
from mailer.reports.sign_pages import SignPageFigures, sign_page_figures
from mailer.store.engine.database import Database
from mailer.store.tables.inbound import statements
from mailer.workspace import Workspace
from tests.reports.builders import (
    add_campaign,
    add_deliveries,
    add_event,
    add_hit,
    add_people,
    make_message,
)
from tests.reports.test_after_sending import sign

LONDON = ZoneInfo("Europe/London")
OLD, NEW = 77, 78


@pytest.fixture
def two(workspace: Workspace, database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Two newsletters, a month apart: of the new one two signed, two left and one came back, one bounced."""
    monkeypatch.setenv("MAILER_WORKSPACE", str(workspace.root))
    with database.write() as connection:
        add_people(connection, 30, now=now)
        connection.execute(insert(statements).values(id=1, page="library", text="I ask."))
        before = now - timedelta(days=40)
        for number, slug, at, lists in ((OLD, "old", before, ("supporters",)), (NEW, "new", now, ("supporters", "x"))):
            links = None if number == NEW else ()
            message = replace(make_message(links=links), slug=slug)
            add_campaign(connection, message, now=at, campaign_id=number, include=lists,
                         counts={"total": 20, "chosen": 20}, launched_at=at)  # fmt: skip
            add_deliveries(connection, range(1, 21), now=at, campaign_id=number)
        sign(connection, 1, now, page="library", campaign_id=NEW)
        sign(connection, 2, now - timedelta(hours=30), page="library", campaign_id=NEW)
        told = ((3, "unsubscribed"), (4, "unsubscribed"), (4, "undone"), (5, "bounced"), (6, "complained"))
        for person, kind in told:
            add_event(connection, person, kind, now=now, campaign_id=NEW)
    return database


def test_they_say_what_the_report_of_each_says(two: Database) -> None:
    with two.read() as connection:
        found = compared(connection, sent_counts(connection))
        assert [one.slug for one in found] == ["new", "old"]
        for one in found:
            alone, counts = figures(connection, one.slug), one.counts
            assert (counts.sent, counts.signed, counts.unsubscribed, counts.complained, counts.bounced) == (
                alone.delivered.sent, alone.signed.people, alone.unsubscribed, alone.came_back.complained,
                alone.came_back.bounced,
            )  # fmt: skip
    new, old = found
    assert new.counts == ComparedCounts(1, 20, 20, 2, 1, 1, 1)
    assert new.counts.per_thousand("signed") == 100
    assert old.counts.per_thousand("signed") is None, "it asked nobody to sign"
    assert old.counts.per_thousand("unsubscribed") == 0


def test_they_are_put_together_by_list_and_by_month(two: Database) -> None:
    with two.read() as connection:
        found = compared(connection, sent_counts(connection))
    assert together(found).sent == 40
    assert {name: one.newsletters for name, one in by_list(found).items()} == {"supporters": 2, "x": 1}
    months = by_month(found, LONDON)
    assert list(months) == ["2026-11", "2026-10"]
    assert sum(months.values(), ComparedCounts()) == together(found)
    assert months["2026-11"].per_thousand("signed") == 100, "of those who were asked"


@pytest.mark.usefixtures("two")
def test_the_command_compares() -> None:
    run = CliRunner().invoke
    rows = json.loads(run(cli, ["report", "--all", "--json"], catch_exceptions=False).output)
    assert [(one["newsletter"], one["signed"]) for one in rows] == [("new", 2), ("old", 0)]
    text = run(cli, ["report", "--all", "--by", "list", "--csv"], catch_exceptions=False).output
    table = list(csv.DictReader(io.StringIO(text)))
    assert [(one["list"], one["sent"], one["signed per 1,000"]) for one in table] == [
        ("supporters", "40", "100.000"), ("x", "20", "100.000"),
    ]  # fmt: skip
    assert "100.0" in run(cli, ["report", "--all", "--by", "month"], catch_exceptions=False).output
    for wrong in (["report"], ["report", "new", "--all"], ["report", "new", "--by", "list"]):
        assert run(cli, wrong).exit_code == 2, wrong


def test_sign_pages_and_who_acted_lately(two: Database, now: datetime) -> None:
    with two.write() as connection:
        add_hit(connection, 7, 1, now=now - timedelta(days=100), campaign_id=NEW)
    with two.read() as connection:
        assert sign_page_figures(connection, now=now + timedelta(hours=1)) == {
            "library": SignPageFigures(2, 1, 2, now),
        }  # fmt: skip
        assert count_acting(connection, now=now) == {0: 30, 30: 2, 60: 2, 180: 3, 365: 3}
    assert all(acting_within(days) for days in DAYS)
    assert len(PER_THOUSAND) == 4
