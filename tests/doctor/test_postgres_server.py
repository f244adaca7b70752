"""What is gathered from a real PostgreSQL server: its clock, room, permissions and schema, with nothing changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mailer.diagnostics import Level
from mailer.doctor.database import examine_database
from mailer.doctor.postgres import gather_postgres
from mailer.store.engine.database import open_database
from mailer.store.engine.version import SCHEMA
from tests.servers.postgres import Cluster


def clock() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def url(cluster: Cluster) -> str:
    url = cluster.create("doctor")
    open_database(url).close()
    return url


def troubles(url: str, connections: int = 4) -> list[tuple[Level, str]]:
    found = examine_database(url, clock=clock, connections=connections)
    return [(one.level, one.message) for one in found.findings if one.level is not Level.OK]


def test_a_server_that_is_well(url: str) -> None:
    assert troubles(url) == []
    facts = gather_postgres(url, clock=clock)
    assert facts.schema == SCHEMA
    assert facts.version >= 120000
    assert facts.is_local
    assert abs(facts.skew) < timedelta(seconds=1)  # it reads the same clock
    assert 0 < facts.used_connections < facts.most_connections


def test_a_clock_that_is_wrong(url: str) -> None:
    found = examine_database(url, clock=lambda: clock() - timedelta(seconds=90), connections=4)
    ((level, words),) = [(one.level, one.message) for one in found.findings if one.level is not Level.OK]
    assert level is Level.ERROR
    assert "90.0 s behind the database server's" in words


def test_an_empty_database_stays_empty(cluster: Cluster) -> None:
    url = cluster.create("doctor_empty")
    for _ in range(2):
        ((level, words),) = troubles(url)
        assert level is Level.WARNING
        assert "is empty" in words


def test_a_user_who_may_only_read(cluster: Cluster, url: str) -> None:
    with cluster.administrate("doctor") as connection:
        connection.execute("CREATE ROLE reader LOGIN")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
        connection.execute("GRANT INSERT, UPDATE, DELETE ON people, subscriptions TO reader")
    ((level, words),) = troubles(url.replace("//mailer@", "//reader@"))
    assert level is Level.ERROR
    assert "(campaigns, deliveries, workers, events, hits)" in words


def test_a_database_set_to_reading_only(cluster: Cluster, url: str) -> None:
    with cluster.administrate() as connection:
        connection.execute("ALTER DATABASE doctor SET default_transaction_read_only = on")
    try:
        ((level, words),) = troubles(url)
    finally:
        with cluster.administrate() as connection:
            connection.execute("ALTER DATABASE doctor RESET default_transaction_read_only")
    assert level is Level.ERROR
    assert "(it is read-only)" in words


def test_more_connections_than_there_is_room_for(url: str) -> None:
    ((level, words),) = troubles(url, connections=64)
    assert level is Level.WARNING
    assert "wants 74" in words


def test_another_schema(cluster: Cluster, url: str) -> None:
    with cluster.administrate("doctor") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        ((level, words),) = troubles(url)
        connection.execute("UPDATE alembic_version SET version_num = %s", (SCHEMA,))
    assert level is Level.ERROR
    assert "newer than this program's" in words


def test_a_database_that_is_not_there(cluster: Cluster) -> None:
    ((level, words),) = troubles(cluster.url("nowhere"))
    assert level is Level.ERROR
    assert "nowhere" in words
