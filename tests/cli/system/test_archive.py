"""A sent campaign on another disk of the server: everything about it is found as before, and it can come back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from mailer.delivery.campaigns import freeze
from mailer.delivery.ledger.outcomes import Done
from mailer.delivery.subscriptions.unsubscribe import leave_campaign
from mailer.errors import MailerError
from mailer.staff.audit import AuditFilter, entries
from mailer.store.admin.archive import archive
from mailer.store.admin.backup import back_up
from mailer.store.engine import parts
from mailer.store.engine.by_campaign import NUMBERS_PER_CAMPAIGN
from mailer.store.engine.database import Database, open_database
from mailer.store.tables.core import deliveries, events
from tests.cli.conftest import Mailer
from tests.conftest import NOW
from tests.databases import NewDatabase, on_postgresql
from tests.delivery.world import ACCEPTED, Clock, add_people, launch, states, worker
from tests.servers.postgres import ROLE, Cluster

PEOPLE = 5
OTHER_DISK = "other_disk"


@dataclass(frozen=True)
class Sent:
    """A campaign that went to a few people, in parts of its own."""

    database: Database
    url: str
    campaign: int


@pytest.fixture
def sent(new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sent]:
    monkeypatch.setattr(freeze, "LARGE", PEOPLE)
    url = new_database("postgresql")
    database = open_database(url)
    add_people(database, PEOPLE, now=NOW)
    campaign = launch(database, count=PEOPLE, now=NOW, slug="appeal")
    at_work = worker(database, campaign, Clock(NOW))
    claims = at_work.exchange([], at_work.claim(PEOPLE)).claims
    at_work.release([Done(claim, ACCEPTED) for claim in claims])
    yield Sent(database, url, campaign)
    database.close()


@pytest.fixture
def other_disk(cluster: Cluster) -> Iterator[str]:
    """A tablespace that the role may not use before it is allowed to."""
    folder = cluster.folder / OTHER_DISK
    folder.mkdir()
    shutil.chown(folder, cluster.folder.owner())
    with cluster.administrate() as connection:
        connection.execute(f"CREATE TABLESPACE {OTHER_DISK} LOCATION '{folder}'".encode())
        yield OTHER_DISK
        connection.execute(f"DROP TABLESPACE {OTHER_DISK}".encode())
    folder.rmdir()


@pytest.fixture
def allowed(cluster: Cluster, other_disk: str) -> str:
    with cluster.administrate() as connection:
        connection.execute(f"GRANT CREATE ON TABLESPACE {other_disk} TO {ROLE}".encode())
    return other_disk


def lies_in(database: Database, tablespace: str) -> set[str]:
    """The tables and indexes that are there."""
    with database.read() as connection:
        named = text(
            "SELECT relname FROM pg_class JOIN pg_tablespace ON pg_tablespace.oid = reltablespace WHERE spcname = :name"
        )
        return set(connection.execute(named, {"name": tablespace}).scalars())


@on_postgresql
def test_what_was_sent_lies_on_the_other_disk_and_is_found_as_before(allowed: str, sent: Sent) -> None:
    assert archive(sent.database, sent.campaign, tablespace=allowed) > 0
    there = lies_in(sent.database, allowed)
    assert {parts.part_name(name, sent.campaign) for name in parts.TABLES} < there
    with sent.database.read() as connection:
        own = text("SELECT relname FROM pg_class WHERE relkind IN ('r', 'i') AND relname ~ :number")
        assert set(connection.execute(own, {"number": f"_{sent.campaign}(_|$)"}).scalars()) <= there
    with sent.database.write() as connection:  # the link of an old mail
        leave_campaign(connection, delivery_id=sent.campaign * NUMBERS_PER_CAMPAIGN + 1, how="link", at=NOW)
        left = select(events.c.kind).where(events.c.campaign_id == sent.campaign)
        assert connection.execute(left).scalars().all() == ["unsubscribed"]
    assert states(sent.database) == {"sent": PEOPLE}
    archive(sent.database, sent.campaign, tablespace="pg_default")
    assert lies_in(sent.database, allowed) == set()


@on_postgresql
def test_a_backup_is_put_back_on_a_server_without_that_disk(allowed: str, sent: Sent, tmp_path: Path) -> None:
    archive(sent.database, sent.campaign, tablespace=allowed)
    written = back_up(sent.url, tmp_path / "copy.sql", now=NOW).read_text(encoding="utf-8")
    assert f"deliveries_{sent.campaign}" in written
    assert allowed not in written
    archive(sent.database, sent.campaign, tablespace="pg_default")


@on_postgresql
def test_it_says_what_is_missing_and_moves_nothing(
    other_disk: str, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MailerError, match="may put nothing into the tablespace other_disk") as refused:
        archive(sent.database, sent.campaign, tablespace=other_disk)
    assert "GRANT CREATE ON TABLESPACE other_disk" in refused.value.remedy
    with pytest.raises(MailerError, match='no tablespace no"where') as refused:
        archive(sent.database, sent.campaign, tablespace='no"where')
    assert "CREATE TABLESPACE" in refused.value.remedy
    monkeypatch.setattr(freeze, "LARGE", PEOPLE + 1)
    small = launch(sent.database, count=PEOPLE, now=NOW, slug="small")
    with pytest.raises(MailerError, match="shares those of the small ones"):
        archive(sent.database, small, tablespace=other_disk)
    assert lies_in(sent.database, other_disk) == set()


@on_postgresql
def test_a_command_archives_what_is_over_and_says_so(
    allowed: str, sent: Sent, mailer: Mailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILER_DATABASE", sent.url)
    early = mailer("db", "archive", "appeal", "--tablespace", allowed)
    assert (early.code, "only what is over can be archived" in early.err) == (1, True)
    assert mailer("cancel", "appeal", "--yes").code == 0
    done = mailer("db", "archive", "appeal", "--tablespace", allowed)
    assert (done.code, "MB moved to other_disk" in done.out) == (0, True), done
    assert mailer("report", "appeal").code == 0
    with sent.database.read() as connection:
        newest = entries(connection, AuditFilter(subject="newsletter appeal"), limit=1)[0]
        assert (newest.action, newest.detail) == ("newsletter archived", allowed)
        assert connection.execute(select(func.count()).select_from(deliveries)).scalar_one() == PEOPLE
    mailer("db", "archive", "appeal", "--tablespace", "pg_default")


@pytest.mark.sqlite
def test_sqlite_says_that_it_can_not(mailer: Mailer, campaign: str) -> None:
    assert mailer("send", campaign, "--yes", "3").code == 0
    refused = mailer("db", "archive", campaign, "--tablespace", "x")
    assert refused.code == 1
    assert "SQLite keeps all newsletters in one file" in refused.err
