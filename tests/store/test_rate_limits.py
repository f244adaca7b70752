"""Rate limits in both databases: as the arithmetic decides, shared by servers, and lasting."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from mailer.store.engine.database import Database, open_database
from mailer.store.gcra import begin, turns
from mailer.store.rate_limits import Limit, prune, rate_limits, take
from mailer.store.tables.core import to_microseconds
from mailer.workspace import Workspace

FIVE_AN_HOUR = Limit(5, timedelta(minutes=12))


def test_the_databases_decide_as_python_does(database: Database, now: datetime) -> None:
    rate, next_at, moment = FIVE_AN_HOUR.rate, to_microseconds(now - timedelta(days=1)), now
    seconds = (0, 0, 0, 100, 0, 0, 700, 720, 1, 0, 0, 5_000, 0, 0, 0, 0, 0, 0, -90_000, 0, 40)
    with database.write() as connection:
        for pause in seconds:
            moment += timedelta(seconds=pause)
            begins = begin(next_at, to_microseconds(moment), rate)
            free = turns(begins, to_microseconds(moment), rate) > 0
            assert take(connection, b"k", FIVE_AN_HOUR, now=moment) is free
            next_at = begins + rate.interval if free else next_at
            assert to_microseconds(connection.execute(rate_limits.select()).one().next_at) == next_at


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
