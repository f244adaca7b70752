"""What the Inbox shows and takes long to find, found beside the pages (decision 50), and again once something came."""

from __future__ import annotations

from typing import cast

from sqlalchemy import Connection, func, select

from mailer.delivery.subscriptions.bursts import Burst, find_bursts
from mailer.reports.came_back import ReturnedCounts, count_came_back, newest_event
from mailer.store.engine.arrays import among
from mailer.store.tables.inbound import unsubscribe_presses as presses
from mailer.store.tables.states import PressDecision
from mailer.web.counted_beside import CountedBeside
from mailer.web.studio.core.context import Visit


def open_bursts(visit: Visit) -> list[Burst] | None:
    """The bursts of unsubscribes that nobody has decided about; None while they are searched for the first time."""
    keeper = cast("CountedBeside[list[Burst]]", visit.studio.kept.setdefault("bursts", CountedBeside[list[Burst]](1)))

    def find() -> list[Burst]:
        with visit.database.read() as connection:
            return find_bursts(connection, now=visit.now)

    with visit.database.read() as connection:
        mark = _pressed(connection)
    found = keeper.newest("", mark, find, clock=visit.studio.clock, beside=visit.studio.beside)
    if found is None or not found.figures:
        return None if found is None else []
    with visit.database.read() as connection:  # a search may be older than what somebody has just decided
        query = select(presses.c.id).where(among(presses.c.id, "numbers"), presses.c.decided == PressDecision.NONE)
        numbers = [one.number for one in found.figures]
        still = set(connection.execute(query, {"numbers": numbers}).scalars())
    return [one for one in found.figures if one.number in still]


def returned_counts(visit: Visit) -> ReturnedCounts | None:
    """What came back lately, counted; None while that is done for the first time."""
    keeper = cast(
        "CountedBeside[ReturnedCounts]", visit.studio.kept.setdefault("came back", CountedBeside[ReturnedCounts](1))
    )

    def count() -> ReturnedCounts:
        with visit.database.read() as connection:
            return count_came_back(connection, now=visit.now)

    with visit.database.read() as connection:
        mark = newest_event(connection)
    found = keeper.newest("", mark, count, clock=visit.studio.clock, beside=visit.studio.beside)
    return found.figures if found else None


def _pressed(connection: Connection) -> str:
    decided = select(func.count()).select_from(presses).where(presses.c.decided != PressDecision.NONE)
    newest = connection.execute(select(func.max(presses.c.id))).scalar()
    return f"{newest} {connection.execute(decided).scalar()}"
