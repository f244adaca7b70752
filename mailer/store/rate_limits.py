"""Rate limits over all servers together, kept in the table `rate_limits`: who may do a thing again, and when.

A limit is a generic cell rate algorithm (ITU-T I.371): one row for each address or network says until when its turns
are given out. Asking is one statement, which takes the turn if there is one, so two servers can't both take the last.
Whose turn it is, and of what, is a hash that the caller makes: a row names nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Connection, bindparam, case, delete, or_, type_coerce

from mailer.store.tables import inbound as tables
from mailer.store.tables.core import MICROSECOND, Instant

rate_limits = tables.rate_limits


@dataclass(frozen=True, slots=True)
class Limit:
    """`burst` turns at once, and after them one every `every`: at most burst + t / every within any time t."""

    burst: int
    every: timedelta

    @property
    def ahead(self) -> timedelta:
        """How far ahead turns may be given out for another one still to be had."""
        return self.every * (self.burst - 1)


def turn(next_at: datetime, now: datetime, limit: Limit) -> datetime | None:
    """Where `next_at` moves when a turn is taken at `now`; None when there is none. Pure; `take` does the same in SQL.

    A row further ahead than turns can have been given out was written before the clock was put back, and is begun anew.
    """
    if next_at > now + limit.ahead + limit.every:
        next_at = now
    return max(next_at, now) + limit.every if next_at <= now + limit.ahead else None


def take(connection: Connection, key: bytes, limit: Limit, *, now: datetime) -> bool:
    """Take a turn for `key`; False when there is none. A refused turn costs nothing."""
    # Only that of the engine in use is loaded: both cost more than all else that a small command imports.
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql as kind
    else:
        from sqlalchemy.dialects import sqlite as kind
    moment = bindparam("moment", now, Instant)
    latest = bindparam("latest", now + limit.ahead, Instant)
    impossible = rate_limits.c.next_at > bindparam("furthest", now + limit.ahead + limit.every, Instant)
    later = type_coerce(rate_limits.c.next_at, BigInteger) + limit.every // MICROSECOND
    statement = kind.insert(rate_limits).values(key=key, next_at=now + limit.every)
    first = type_coerce(statement.excluded.next_at, BigInteger)
    statement = statement.on_conflict_do_update(
        index_elements=[rate_limits.c.key],
        set_={"next_at": case((or_(rate_limits.c.next_at < moment, impossible), first), else_=later)},
        where=or_(rate_limits.c.next_at <= latest, impossible),
    ).returning(rate_limits.c.key)
    return connection.execute(statement).first() is not None


def prune(connection: Connection, *, now: datetime) -> int:
    """Delete the rows that hold nobody back any more. Returns how many."""
    return connection.execute(delete(rate_limits).where(rate_limits.c.next_at < now)).rowcount
