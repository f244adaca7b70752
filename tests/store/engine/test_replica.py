"""A standby that follows the server: figures that staff look at come from it, and nothing is written through it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, delete, func, select, text
from sqlalchemy.exc import DBAPIError

from mailer.store.engine import replica
from mailer.store.engine.database import DatabaseTrouble
from mailer.store.engine.dialects import parse_url, reached, replica_of, server
from mailer.store.engine.errors import TAKEN_BACK, trouble
from mailer.store.tables.core import people
from tests.conftest import NOW
from tests.databases import on_postgresql
from tests.delivery.world import add_people
from tests.patience import HANG_SECONDS, until
from tests.replicated import Replicated, replicated

pytestmark = on_postgresql


@pytest.fixture(scope="module")
def kept() -> Iterator[Replicated]:
    with replicated() as both:
        yield both


@pytest.fixture
def both(kept: Replicated, monkeypatch: pytest.MonkeyPatch) -> Replicated:
    """With three people on the server and on the standby, which is asked again at once whatever befell it."""
    monkeypatch.setattr(replica, "AWAY_SECONDS", 0.0)
    with kept.database.write() as connection:
        connection.execute(delete(people))
    add_people(kept.database, 3, now=NOW)
    until(lambda: kept.database.look(counted).figures == (True, 3))
    return kept


def counted(connection: Connection) -> tuple[bool, int]:
    """Whether the standby counted, and how many people there are."""
    return follows(connection), connection.execute(select(func.count()).select_from(people)).scalar_one()


def follows(connection: Connection) -> bool:
    return bool(connection.execute(text("SELECT pg_is_in_recovery()")).scalar())


def test_figures_come_from_the_replica_and_say_as_of_when(both: Replicated) -> None:
    before = datetime.now(UTC)
    until(lambda: (as_of := both.database.look(counted).as_of) is not None and as_of >= before)  # nothing is missing
    with both.database.read() as connection:
        assert not follows(connection), "what decides anything is read from the server"
    both.on_standby("SELECT pg_wal_replay_pause()")
    try:
        before = datetime.now(UTC)
        add_people(both.database, 2, now=NOW, first=3)
        looked = both.database.look(counted)
        assert looked.figures == (True, 3)
        assert looked.as_of is not None
        assert before - timedelta(hours=1) < looked.as_of < before
    finally:
        both.on_standby("SELECT pg_wal_replay_resume()")


def test_nothing_can_be_written_through_it(both: Replicated) -> None:
    with pytest.raises(DatabaseTrouble, match="can't be written"):
        both.database.look(lambda connection: connection.execute(delete(people)))
    assert both.database.look(counted).figures == (True, 3)
    with both.database.write() as connection:  # by the connection that just mightn't
        connection.execute(delete(people))


def test_figures_up_to_now_wait_for_the_replica_and_else_come_from_the_server(
    both: Replicated, monkeypatch: pytest.MonkeyPatch
) -> None:
    both.on_standby("SELECT pg_wal_replay_pause()")
    try:
        add_people(both.database, 2, now=NOW, first=3)
        looked = both.database.look(counted, up_to_now=True)
        assert (looked.figures, looked.as_of) == ((False, 5), None)
    finally:
        both.on_standby("SELECT pg_wal_replay_resume()")
    monkeypatch.setattr(replica, "CATCH_UP_SECONDS", HANG_SECONDS)
    for number in range(5, 15):
        add_people(both.database, 1, now=NOW, first=number)
        assert both.database.look(counted, up_to_now=True).figures == (True, number + 1)


def test_the_server_counts_when_the_standby_breaks_off(both: Replicated) -> None:
    """The server clears away what the count reads, and the standby was told to wait for nobody."""
    both.on_standby("ALTER SYSTEM SET max_standby_streaming_delay = 0")
    both.on_standby("SELECT pg_reload_conf()")
    said: list[str] = []

    def count(connection: Connection) -> tuple[bool, int]:
        found = counted(connection)
        if not follows(connection):
            return found
        with both.database.write() as writing:
            writing.execute(delete(people))
        both.on_server("VACUUM people")
        try:
            until(lambda: counted(connection) != found, why="the end of this count")
        except DBAPIError as error:
            said.append(trouble(error).message)
            raise
        return found

    looked = both.database.look(count)
    assert (looked.figures, looked.as_of) == ((False, 0), None)
    assert said == [TAKEN_BACK]


def test_one_that_left_its_server_or_does_not_answer_counts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica, "AWAY_SECONDS", 0.0)
    with replicated() as both:
        until(lambda: both.database.look(counted).figures == (True, 0))
        both.on_standby("SELECT pg_promote()")
        assert both.database.look(counted).figures == (False, 0)
        with both.standby.administrate("mailer") as connection:
            assert connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)
        for gone in (False, True):
            if gone:
                both.standby.stop()
            looked = both.database.look(lambda it: it.execute(text("SHOW port")).scalar())
            assert looked.figures == str(both.server.port)
            assert looked.as_of is None


def test_the_address_names_server_pooler_and_replica() -> None:
    address = parse_url("postgresql://mailer@db.example.org/mailer?pooler=db.example.org:6432&replica=[::1]:5433")
    assert (reached(address).host, reached(address).port) == ("db.example.org", 6432)
    replica = replica_of(address)
    assert replica is not None
    assert (replica.host, replica.port, dict(replica.query)) == ("::1", 5433, {})
    assert not server(address).query
    with pytest.raises(DatabaseTrouble, match="replica in the address"):
        parse_url("postgresql://mailer@db.example.org/mailer?replica=nowhere")
