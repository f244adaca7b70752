"""Reports from a database with a replica: who counts, and as of when the figures are."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mailer.cli import cli
from mailer.workspace import Workspace
from tests.databases import on_postgresql
from tests.patience import until
from tests.replicated import Replicated, replicated
from tests.reports.builders import add_campaign, add_deliveries, add_people, make_message

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
