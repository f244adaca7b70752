"""The arithmetic of both rate limiters: a generic cell rate algorithm (ITU-T I.371), in Python and in SQL. Pure.

All that is known of a limit is one moment: when its next turn begins, which nobody has taken. A turn taken moves it on
by the interval. `rate_limits` asks for one turn in a single statement, the ledger's pace for blocks of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import BigInteger, ColumnElement, bindparam, case

Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class Rate(Generic[Number]):
    """One turn each `interval`, in whatever unit the moments are."""

    interval: Number
    ahead: Number  # a turn is given out when it begins no later than this from now
    late: Number  # a turn may still be used this long after its beginning

    @property
    def furthest(self) -> Number:
        """How far ahead of the moment they were taken turns can have moved the next one."""
        return self.ahead + self.interval


def begin(next_at: Number, now: Number, rate: Rate[Number]) -> Number:
    """When the next turn begins.

    A limit that was used until just now goes on without a gap. One that nobody used for a while begins now, so that a
    pause, or a clock put forward, is never made up for by a burst. One further ahead than turns can have been given out
    begins now as well: the clock was put back.
    """
    return next_at if now - rate.late <= next_at <= now + rate.furthest else now


def begin_in_sql(next_at: ColumnElement[int]) -> ColumnElement[int]:
    """`begin` of a column; its moments are the parameters of `moments`."""
    usual = next_at.between(bindparam("earliest", type_=BigInteger), bindparam("furthest", type_=BigInteger))
    return case((usual, next_at), else_=bindparam("moment", type_=BigInteger))


def moments(now: int, rate: Rate[int]) -> dict[str, int]:
    """The parameters of `begin_in_sql`."""
    return {"earliest": now - rate.late, "furthest": now + rate.furthest, "moment": now}


def turns(begins: Number, now: Number, rate: Rate[Number]) -> int:
    """How many turns may be given out now when the next one begins at `begins`."""
    return max(0, 1 + int((now + rate.ahead - begins) // rate.interval))
