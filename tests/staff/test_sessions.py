"""Sessions: how long they last, who ends them, and that the database keeps no token."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from mailer.delivery.sending.cleanup import tidy
from mailer.staff.sessions import (
    IDLE,
    LONGEST,
    NOTED_EVERY,
    actor_of,
    end_session,
    open_session,
    prune_sessions,
    revoke,
    revoke_others,
    sessions_of,
    signed_in,
)
from mailer.store.engine.database import Database
from mailer.store.tables.staff import staff_sessions
from tests.staff.world import AMINA, an_account

NUMBERS = count()


def test_a_session_is_found_by_its_token_alone(database: Database, now: datetime) -> None:
    with database.write() as connection:
        token = open_session(
            connection, an_account(connection, at=now), now=now, network="192.0.2.7", browser="x" * 999
        )
        actor = signed_in(connection, token, now, via="studio, 192.0.2.7")
        assert actor is not None
        assert (actor.name, actor.via) == (AMINA, "studio, 192.0.2.7")
        for wrong in ("", token[:-1], token.swapcase(), "\0"):
            assert signed_in(connection, wrong, now) is None
        row = connection.execute(select(staff_sessions)).one()
        assert token not in str(tuple(row))
        assert len(row.browser) == 200


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.lists(st.integers(1, 20 * 60), min_size=1, max_size=30))
def test_a_session_ends_12_hours_after_its_last_use_and_14_days_after_its_first(
    database: Database, now: datetime, pauses: list[int]
) -> None:
    """The last use is known to within five minutes, never as later than it was."""
    with database.write() as connection:
        account = an_account(connection, f"p{next(NUMBERS)}@example.org", at=now)
        token = open_session(connection, account, now=now)
    at = seen = now
    for minutes in pauses:
        at += timedelta(minutes=minutes)
        found = actor_of(database, token, now=at) is not None
        if at - seen >= IDLE or at - now >= LONGEST:
            assert not found
            break
        if at - seen < IDLE - NOTED_EVERY and at - now < LONGEST:
            assert found
        if not found:
            break
        seen = at
    with database.write() as connection:
        prune_sessions(connection, now=at + LONGEST)
        assert sessions_of(connection, account.id, now=now) == []


def test_signing_in_leaves_the_token_the_browser_came_with(database: Database, now: datetime) -> None:
    with database.write() as connection:
        amina = an_account(connection, at=now)
        before = open_session(connection, amina, now=now)
        after = open_session(connection, amina, now=now, before=before)
        assert before != after
        assert signed_in(connection, before, now) is None
        assert signed_in(connection, after, now)


def test_sessions_are_listed_and_ended_by_their_owner_alone(database: Database, now: datetime) -> None:
    with database.write() as connection:
        amina, tom = (an_account(connection, name, at=now) for name in (AMINA, "tom@example.org"))
        here, phone, other = (open_session(connection, amina, now=now) for _ in range(3))
        toms = open_session(connection, tom, now=now)
        listed = sessions_of(connection, amina.id, now=now, token=here)
        assert [one.is_this for one in listed] == [False, False, True]
        (his,) = sessions_of(connection, tom.id, now=now)
        assert not revoke(connection, amina.id, his.id)
        assert revoke(connection, amina.id, listed[0].id)
        assert signed_in(connection, other, now) is None
        assert revoke_others(connection, amina.id, here) == 1
        assert signed_in(connection, phone, now) is None
        assert signed_in(connection, here, now)
        end_session(connection, here)
        assert signed_in(connection, here, now) is None
        assert signed_in(connection, toms, now)


def test_run_deletes_sessions_that_are_over(database: Database, now: datetime) -> None:
    with database.write() as connection:
        amina = an_account(connection, at=now)
        open_session(connection, amina, now=now)
        open_session(connection, amina, now=now + timedelta(days=2))
    assert tidy(database, now=now + timedelta(days=1)) is False, "it is over, and in nobody's way yet"
    assert tidy(database, now=now + timedelta(days=2)) is True
    with database.read() as connection:
        assert len(connection.execute(select(staff_sessions)).all()) == 1
