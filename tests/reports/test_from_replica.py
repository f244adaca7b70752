"""Reports from a database with a replica: who counts, and as of when the figures are."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Connection, text

from mailer.cli import cli
from mailer.reports import current
from mailer.reports.acting import count_acting
from mailer.reports.figures import CampaignFigures, figures
from mailer.reports.sign_pages import sign_page_figures
from mailer.store.engine import replica
from mailer.tracking.hits import make_hit, record_hits
from mailer.workspace import Workspace
from tests.databases import on_postgresql
from tests.patience import HANG_SECONDS, until
from tests.replicated import Replicated, replicated
from tests.reports.builders import CAMPAIGN, SLUG, add_campaign, add_deliveries, add_people, delivery_id, make_message

pytestmark = on_postgresql
OTHER, NUMBER = "other", 78
COUNTS = {"total": 10, "chosen": 10}
AS_OF = "These figures are as of "


@pytest.fixture
def both(workspace: Workspace, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Replicated]:
    """Two newsletters, each to ten people."""
    monkeypatch.setenv("MAILER_WORKSPACE", str(workspace.root))
    with replicated() as both:
        monkeypatch.setenv("MAILER_DATABASE", both.url)
        with both.database.write() as connection:
            add_people(connection, 10, now=now)
            add_campaign(connection, make_message(), now=now, launched_at=now, counts=COUNTS)
            add_deliveries(connection, range(1, 11), now=now)
            other = replace(make_message(links=()), slug=OTHER)
            add_campaign(connection, other, now=now, campaign_id=NUMBER, launched_at=now, counts=COUNTS)
            add_deliveries(connection, range(1, 11), now=now, campaign_id=NUMBER)
        yield both


def report(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["report", *arguments], catch_exceptions=False)


def rows() -> list[dict[str, Any]]:
    return json.loads(report("--all", "--json").output)


def test_a_comparison_says_as_of_when_it_is_where_a_replica_counted(both: Replicated) -> None:
    until(lambda: len(rows()) == 2)
    both.on_standby("SELECT pg_wal_replay_pause()")
    before = datetime.now().astimezone()
    both.on_server("UPDATE deliveries SET state = 'failed'")
    found = rows()
    assert [one["sent"] for one in found] == [10, 10]
    assert all(datetime.fromisoformat(one["as_of"]) < before for one in found)
    assert report("--all").output.count(AS_OF) == 1
    table = report("--all", "--csv")
    assert {one["sent"] for one in csv.DictReader(io.StringIO(table.stdout))} == {"10"}
    assert AS_OF not in table.stdout
    assert AS_OF in table.stderr
    both.standby.kill()
    assert [(one["sent"], one["as_of"]) for one in rows()] == [(0, None)] * 2
    assert AS_OF not in report("--all").output


def click(both: Replicated, number: int, now: datetime) -> None:
    """One that nobody has judged."""
    hit = make_hit(
        campaign_id=CAMPAIGN, delivery_id=delivery_id(number), n=1, at=now + timedelta(hours=1), method="GET",
        headers={"user-agent": "Mozilla/5.0", "accept": "text/html"}, address="192.0.2.1", key=b"key",
    )  # fmt: skip
    with both.database.write() as connection:
        record_hits(connection, [hit])


def test_the_report_of_one_has_every_click_whoever_counts(
    both: Replicated, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_replica: list[bool] = []

    def counted(connection: Connection, slug: str) -> CampaignFigures:
        by_replica.append(bool(connection.execute(text("SELECT pg_is_in_recovery()")).scalar()))
        return figures(connection, slug)

    def clicks() -> int:
        return json.loads(report(SLUG, "--json").output)["action"]["raw"]

    monkeypatch.setattr(current, "figures", counted)
    monkeypatch.setattr(replica, "CATCH_UP_SECONDS", HANG_SECONDS)
    for number in range(1, 4):
        click(both, number, now)
        assert clicks() == number
    assert by_replica == [True] * 3
    monkeypatch.setattr(replica, "CATCH_UP_SECONDS", 0.0)
    both.on_standby("SELECT pg_wal_replay_pause()")
    click(both, 4, now)
    assert clicks() == 4
    assert by_replica == [True] * 3 + [False]


def test_what_rooms_of_the_studio_count_can_be_counted_on_a_standby(both: Replicated, now: datetime) -> None:
    def rooms(connection: Connection) -> int:
        sign_page_figures(connection, now=now)
        return count_acting(connection, now=now)[0]

    until(lambda: (looked := both.database.look(rooms)).as_of is not None and looked.figures == 10)
