"""The limits of a pace, shared by all workers on all machines: permits for handing over, given out in small blocks.

A limit is one row of `paces`: the transport's total, or one recipient domain. It says when the first free permit
begins; the arithmetic is in `gcra`. A worker takes a block of permits in one short transaction and then uses them on
its own; those not used in time are lost and never made up for. Only `SharedPace` uses the database. `pacer` decides
which permits are needed.
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
from mailer.store.tables.core import EPOCH, paces, to_microseconds

TOTAL = ""  # the limit of all recipients, whatever their domain
BLOCK_SECONDS = 0.2  # permits are given out until this far ahead, so that a worker asks a few times a second
AHEAD_SECONDS = 0.1  # none are given out if the next begins later than this: another worker may need it sooner
LATE_SECONDS = 0.25  # how long after its time a permit may still be used, so that a busy moment costs nothing


@dataclass(frozen=True, slots=True)
class RateLimit:
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
        """The most permits that one worker can hold."""
        return max(1, int(self.per_second * (BLOCK_SECONDS + LATE_SECONDS)))


@dataclass(frozen=True, slots=True)
class Permits:
    """What was given out, or none and when to ask again. Times are seconds on the caller's clock."""

    times: tuple[float, ...]  # when each may be used at the earliest, in order
    ask_again_at: float = 0.0


def give_out(starts: Sequence[float], limits: Sequence[RateLimit], *, now: float, wanted: int) -> Permits:
    """Permits in all `limits` at once, whose next ones begin at `starts`; pure. None unless each limit has one soon."""
    latest = max(starts)
    if latest > now + AHEAD_SECONDS:
        return Permits((), ask_again_at=latest - AHEAD_SECONDS)
    pairs = list(zip(starts, limits, strict=True))
    count = min(wanted, *(turns(start, now, limit.rate) for start, limit in pairs))
    return Permits(tuple(max(start + n * limit.interval_seconds for start, limit in pairs) for n in range(count)))


class SharedPace:
    """The limits of one transport in the database."""

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

    def take(self, limits: Sequence[RateLimit], wanted: int) -> Permits:
        """At most `wanted` permits, each in all of `limits`; times on this process's monotonic clock.

        Raises `DatabaseTrouble`; nothing is taken then.
        """
        with self._database.read() as connection:
            # Usually the limits have no free permit yet, and finding that out shouldn't need a lock.
            permits, _ = self._offer(connection, limits, wanted, rows=self._rows(connection, limits))
        if not permits.times:
            return permits
        with self._database.held.write() as connection:
            permits, ends = self._offer(connection, limits, wanted, rows=self._locked_rows(connection, limits))
            if permits.times:
                self._write(connection, limits, ends)
        return permits

    def _offer(
        self, connection: Connection, limits: Sequence[RateLimit], wanted: int, *, rows: dict[str, float]
    ) -> tuple[Permits, list[float]]:
        """The permits free now, on our own clock, and when the first free one of each limit begins after them."""
        now = self._now(connection)
        here = self._monotonic() - now  # what to add to the shared clock's seconds to get our own
        starts = [begin(rows.get(limit.domain, 0.0), now, limit.rate) for limit in limits]
        permits = give_out(starts, limits, now=now, wanted=wanted)
        ends = [
            start + len(permits.times) * limit.interval_seconds for start, limit in zip(starts, limits, strict=True)
        ]
        if not permits.times:
            return Permits((), ask_again_at=permits.ask_again_at + here), ends
        return Permits(tuple(moment + here for moment in permits.times)), ends

    def _rows(self, connection: Connection, limits: Sequence[RateLimit], *, lock: bool = False) -> dict[str, float]:
        """When the next permit begins, by domain."""
        domains = [limit.domain for limit in limits]
        wanted = (
            select(paces.c.domain, paces.c.next_at)
            .where(paces.c.transport == self._transport, paces.c.domain.in_(domains))
            .order_by(paces.c.domain)  # always locked in this order, so that no two workers wait for each other
        )
        found = connection.execute(wanted.with_for_update() if lock else wanted)
        return {row.domain: _seconds(row.next_at) for row in found}

    def _locked_rows(self, connection: Connection, limits: Sequence[RateLimit]) -> dict[str, float]:
        """The same, locked for a write; missing rows are created."""
        rows = self._rows(connection, limits, lock=True)
        if len(rows) < len(limits):
            new = [{"transport": self._transport, "domain": limit.domain, "next_at": EPOCH} for limit in limits]
            connection.execute(insert_for(connection, paces).on_conflict_do_nothing(), new)
            rows = self._rows(connection, limits, lock=True)
        return rows

    def _now(self, connection: Connection) -> float:
        """Seconds since 1970, by the server's clock on PostgreSQL, since machines disagree. Read after the lock."""
        if connection.dialect.name == "postgresql":
            return _seconds(connection.execute(select(func.clock_timestamp())).scalar_one())
        return _seconds(self._clock())

    def _write(self, connection: Connection, limits: Sequence[RateLimit], ends: Sequence[float]) -> None:
        connection.execute(
            update(paces)
            .where(paces.c.transport == bindparam("of"), paces.c.domain == bindparam("to"))
            .values(next_at=bindparam("end")),
            [
                {"of": self._transport, "to": limit.domain, "end": _instant(end)}
                for limit, end in zip(limits, ends, strict=True)
            ],
        )


def _seconds(moment: datetime) -> float:
    return to_microseconds(moment) / 1e6


def _instant(seconds: float) -> datetime:
    return EPOCH + timedelta(microseconds=round(seconds * 1e6))
