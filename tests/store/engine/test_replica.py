"""A standby that follows the server: figures that staff look at come from it, and nothing is written through it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import Connection, delete, func, select, text

from mailer.doctor.postgres import gather_postgres, judge_postgres
from mailer.store.engine.database import Database, DatabaseTrouble, migrate_database, open_database
from mailer.store.engine.dialects import parse_url, reached, replica_of, server
from mailer.store.tables.core import people
from tests.conftest import NOW
from tests.databases import on_postgresql
from tests.delivery.world import add_people
from tests.patience import until
from tests.servers.postgres import FOLLOWED, Cluster, Standby, server_programs

pytestmark = on_postgresql


@pytest.fixture
def standby() -> Iterator[tuple[Standby, Database, str]]:
    """A standby, and the database of the server that it follows, opened with both in its address; the address."""
    programs = server_programs()
    if programs is None or not (programs / "pg_basebackup").exists():
        pytest.skip("a standby is made by pg_basebackup, which isn't installed here")
    with ExitStack() as stack:
        followed = stack.enter_context(Cluster(settings=FOLLOWED))
        url = followed.create("mailer")
        migrate_database(url)
        standby = stack.enter_context(Standby(followed))
        both = f"{url}?replica=127.0.0.1:{standby.port}"
        database = open_database(both)
        stack.callback(database.close)
        yield standby, database, both


def known(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(people)).scalar_one()


def follows(connection: Connection) -> bool:
    return bool(connection.execute(text("SELECT pg_is_in_recovery()")).scalar())


def test_figures_come_from_the_replica_and_else_from_the_server(standby: tuple[Standby, Database, str]) -> None:
    replica, database, url = standby
    add_people(database, 3, now=NOW)

    def arrived() -> bool:
        with database.look() as connection:
            return follows(connection) and known(connection) == 3

    until(arrived)
    with database.read() as connection:
        assert not follows(connection), "what decides anything is read from the server"
    with pytest.raises(DatabaseTrouble, match="read"), database.look() as connection:
        connection.execute(delete(people))
    found = judge_postgres(gather_postgres(url, clock=lambda: NOW), today=NOW.date(), connections=1)
    assert not [one for one in found if "replica" in one.message]
    replica.stop()
    for _ in range(2):  # also with connections that it had before
        with database.look() as connection:
            assert not follows(connection)
            assert known(connection) == 3
    found = judge_postgres(gather_postgres(url, clock=lambda: NOW), today=NOW.date(), connections=1)
    assert [one for one in found if "the replica can't be read" in one.message]


def test_the_address_names_server_pooler_and_replica() -> None:
    address = parse_url("postgresql://mailer@db.example.org/mailer?pooler=db.example.org:6432&replica=[::1]:5433")
    assert (reached(address).host, reached(address).port) == ("db.example.org", 6432)
    replica = replica_of(address)
    assert replica is not None
    assert (replica.host, replica.port, dict(replica.query)) == ("::1", 5433, {})
    assert not server(address).query
    with pytest.raises(DatabaseTrouble, match="replica in the address"):
        parse_url("postgresql://mailer@db.example.org/mailer?replica=nowhere")
