"""The lanes of a pace, shared by all workers on all machines: slots for handing over, given out in small blocks.

A lane is one row of `pace_lanes`: the transport's total, or one recipient domain. It says when the first free slot
begins; the arithmetic is in `gcra`. A worker takes a block of slots in one short transaction and then uses them on its
own; slots not used in time are lost and never made up for. Only `Lanes` uses the database. `pacer` decides which slots
are needed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, bindparam, func, select, update

from mailer.store.engine.database import Database
from mailer.store.engine.dialects import insert_for
from mailer.store.gcra import Rate, begin, turns
from mailer.store.tables.core import EPOCH, pace_lanes, to_microseconds

TOTAL = ""  # the lane of all recipients, whatever their domain
BLOCK_SECONDS = 0.2  # slots are given out until this far ahead, so that a worker asks a few times a second
AHEAD_SECONDS = 0.1  # none are given out if the next begins later than this: another worker may need it sooner
LATE_SECONDS = 0.25  # how long after its time a slot may still be used, so that a busy moment costs nothing


@dataclass(frozen=True, slots=True)
class Lane:
    """One pace. `domain` is `TOTAL` or a recipient domain."""

    domain: str
    per_second: float

    @property
    def interval_seconds(self) -> float:
        return 1 / self.per_second

    @property
    def rate(self) -> Rate[float]:
        """In seconds."""
        return Rate(self.interval_seconds, ahead=BLOCK_SECONDS, late=LATE_SECONDS)

    @property
    def most(self) -> int:
        """The most slots that one worker can hold."""
        return max(1, int(self.per_second * (BLOCK_SECONDS + LATE_SECONDS)))


@dataclass(frozen=True, slots=True)
class Permits:
    """Slots given out, or none and when to ask again. Times are seconds on the caller's clock."""

    times: tuple[float, ...]  # when each may be used at the earliest, in order
    ask_again_at: float = 0.0


def give_out(starts: Sequence[float], lanes: Sequence[Lane], *, now: float, wanted: int) -> Permits:
    """Slots in all `lanes` at once, whose next ones begin at `starts`; pure. No slots unless each lane has one soon."""
    latest = max(starts)
    if latest > now + AHEAD_SECONDS:
        return Permits((), ask_again_at=latest - AHEAD_SECONDS)
    pairs = list(zip(starts, lanes, strict=True))
    count = min(wanted, *(turns(start, now, lane.rate) for start, lane in pairs))
    return Permits(tuple(max(start + n * lane.interval_seconds for start, lane in pairs) for n in range(count)))


class Lanes:
    """The lanes of one transport in the database."""

    def __init__(
        self,
        database: Database,
        *,
        transport: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._transport = transport
        self._clock = clock
        self._monotonic = monotonic

    def take(self, lanes: Sequence[Lane], wanted: int) -> Permits:
        """At most `wanted` slots, each in all of `lanes`; times on this process's monotonic clock.

        Raises `DatabaseTrouble`; nothing is taken then.
        """
        with self._database.read() as connection:
            # Usually the lanes have no free slot yet, and finding that out shouldn't need a lock.
            slots, _ = self._offer(connection, lanes, wanted, rows=self._rows(connection, lanes))
        if not slots.times:
            return slots
        with self._database.held.write() as connection:
            slots, ends = self._offer(connection, lanes, wanted, rows=self._locked_rows(connection, lanes))
            if slots.times:
                self._write(connection, lanes, ends)
        return slots

    def _offer(
        self, connection: Connection, lanes: Sequence[Lane], wanted: int, *, rows: dict[str, float]
    ) -> tuple[Permits, list[float]]:
        """The slots free right now, on our own clock, and when the first free slot of each lane begins after them."""
        now = self._now(connection)
        here = self._monotonic() - now  # what to add to the shared clock's seconds to get our own
        starts = [begin(rows.get(lane.domain, 0.0), now, lane.rate) for lane in lanes]
        slots = give_out(starts, lanes, now=now, wanted=wanted)
        ends = [start + len(slots.times) * lane.interval_seconds for start, lane in zip(starts, lanes, strict=True)]
        if not slots.times:
            return Permits((), ask_again_at=slots.ask_again_at + here), ends
        return Permits(tuple(moment + here for moment in slots.times)), ends

    def _rows(self, connection: Connection, lanes: Sequence[Lane], *, lock: bool = False) -> dict[str, float]:
        """When the next slot begins, by domain."""
        domains = [lane.domain for lane in lanes]
        wanted = (
            select(pace_lanes.c.domain, pace_lanes.c.next_at)
            .where(pace_lanes.c.transport == self._transport, pace_lanes.c.domain.in_(domains))
            .order_by(pace_lanes.c.domain)  # always locked in this order, so that no two workers wait for each other
        )
        found = connection.execute(wanted.with_for_update() if lock else wanted)
        return {row.domain: _seconds(row.next_at) for row in found}

    def _locked_rows(self, connection: Connection, lanes: Sequence[Lane]) -> dict[str, float]:
        """The same, locked for a write; missing rows are created."""
        rows = self._rows(connection, lanes, lock=True)
        if len(rows) < len(lanes):
            new = [{"transport": self._transport, "domain": lane.domain, "next_at": EPOCH} for lane in lanes]
            connection.execute(insert_for(connection, pace_lanes).on_conflict_do_nothing(), new)
            rows = self._rows(connection, lanes, lock=True)
        return rows

    def _now(self, connection: Connection) -> float:
        """Seconds since 1970, by the server's clock on PostgreSQL, since machines disagree. Read after the lock."""
        if connection.dialect.name == "postgresql":
            return _seconds(connection.execute(select(func.clock_timestamp())).scalar_one())
        return _seconds(self._clock())

    def _write(self, connection: Connection, lanes: Sequence[Lane], ends: Sequence[float]) -> None:
        connection.execute(
            update(pace_lanes)
            .where(pace_lanes.c.transport == bindparam("of"), pace_lanes.c.domain == bindparam("to"))
            .values(next_at=bindparam("end")),
            [
                {"of": self._transport, "to": lane.domain, "end": _instant(end)}
                for lane, end in zip(lanes, ends, strict=True)
            ],
        )


def _seconds(moment: datetime) -> float:
    return to_microseconds(moment) / 1e6


def _instant(seconds: float) -> datetime:
    return EPOCH + timedelta(microseconds=round(seconds * 1e6))
