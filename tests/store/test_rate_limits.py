"""Rate limits: never more than the law allows, the same in Python and in both databases, shared and lasting."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mailer.store.engine.database import Database, open_database
from mailer.store.rate_limits import Limit, prune, rate_limits, take, turn
from mailer.workspace import Workspace
from tests.conftest import NOW

FIVE_AN_HOUR = Limit(5, timedelta(minutes=12))
limits = st.builds(Limit, st.integers(1, 20), st.integers(1, 10_000).map(lambda s: timedelta(seconds=s)))
waits = st.lists(st.integers(0, 20_000).map(lambda s: timedelta(seconds=s)), max_size=60)


@given(limits, waits)
def test_no_stretch_of_time_holds_more_turns_than_the_limit_says(limit: Limit, pauses: list[timedelta]) -> None:
    now, next_at, taken = NOW, NOW - timedelta(days=1), list[datetime]()
    for pause in pauses:
        now += pause
        moved = turn(next_at, now, limit)
        if moved is not None:
            next_at = moved
            taken.append(now)
    for index, begin in enumerate(taken):
        for count, end in enumerate(taken[index:], start=1):
            assert count <= limit.burst + (end - begin) / limit.every


@given(limits, st.integers(0, 40))
def test_whoever_waits_gets_a_turn(limit: Limit, before: int) -> None:
    next_at = NOW
    for _ in range(before):
        next_at = turn(next_at, NOW, limit) or next_at
    assert turn(next_at, NOW + limit.every, limit) is not None
    if before < limit.burst:
        assert turn(next_at, NOW, limit) is not None
    else:
        assert turn(next_at, NOW, limit) is None


@given(limits)
def test_a_clock_put_back_locks_nobody_out(limit: Limit) -> None:
    assert turn(NOW + timedelta(days=1000), NOW, limit) == NOW + limit.every


def test_the_databases_decide_as_python_does(database: Database, now: datetime) -> None:
    next_at, moment = now - timedelta(days=1), now
    seconds = (0, 0, 0, 100, 0, 0, 700, 720, 1, 0, 0, 5_000, 0, 0, 0, 0, 0, 0, -90_000, 0, 40)
    with database.write() as connection:
        for pause in seconds:
            moment += timedelta(seconds=pause)
            moved = turn(next_at, moment, FIVE_AN_HOUR)
            assert take(connection, b"k", FIVE_AN_HOUR, now=moment) == (moved is not None)
            next_at = moved or next_at
            assert connection.execute(rate_limits.select()).one().next_at == next_at


def test_limits_hold_over_several_servers_and_their_restarts(
    database: Database, workspace: Workspace, now: datetime
) -> None:
    others = [open_database(workspace.settings.database_url) for _ in range(3)]

    def ask(number: int) -> bool:
        with others[number % 3].write() as connection:
            return take(connection, b"k", FIVE_AN_HOUR, now=now)

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(ask, range(30))) == 5
    for other in others:
        other.close()
    with database.write() as connection:
        assert not take(connection, b"k", FIVE_AN_HOUR, now=now)
        assert take(connection, b"another", FIVE_AN_HOUR, now=now)


def test_rows_that_hold_nobody_back_are_pruned(database: Database, now: datetime) -> None:
    with database.write() as connection:
        take(connection, b"old", FIVE_AN_HOUR, now=now - timedelta(hours=1))
        take(connection, b"new", FIVE_AN_HOUR, now=now)
        assert prune(connection, now=now) == 1
        assert [row.key for row in connection.execute(rate_limits.select())] == [b"new"]
