"""Rate limits over all servers together, kept in the table `rate_limits`: who may do a thing again, and when.

One row for each address or network says until when its turns are given out; the arithmetic is `gcra`. Asking is one
statement, which takes the turn if there is one, so two servers can't both take the last. Whose turn it is, and of what,
is a keyed hash: a row names nobody.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Connection, Executable, bindparam, delete, type_coerce

from mailer.store.engine.dialects import insert_for
from mailer.store.engine.prepared import PreparedStatement
from mailer.store.gcra import Rate, begin_in_sql, moments
from mailer.store.tables import inbound as tables
from mailer.store.tables.core import MICROSECOND, to_microseconds

rate_limits = tables.rate_limits


@dataclass(frozen=True, slots=True)
class Limit:
    """`burst` turns at once, and after them one every `every`: at most burst + t / every within any time t."""

    burst: int
    every: timedelta

    @property
    def rate(self) -> Rate[int]:
        """In microseconds."""
        interval = self.every // MICROSECOND
        return Rate(interval, ahead=interval * (self.burst - 1), late=0)


def limit_key(purpose: str, who: str | bytes, *, key: bytes) -> bytes:
    """What `rate_limits` holds instead of an address or a network."""
    name = who if isinstance(who, bytes) else who.encode()
    own = hmac.digest(key, b"mailer.limit." + purpose.encode(), "sha256")
    return hashlib.blake2b(name, digest_size=16, key=own).digest()


def take(connection: Connection, key: bytes, limit: Limit, *, now: datetime) -> bool:
    """Take a turn for `key`; False when there is none. A refused turn costs nothing."""
    rate, moment = limit.rate, to_microseconds(now)
    values = {
        **moments(moment, rate), "key": key, "next_at": now + limit.every, "interval": rate.interval,
        "latest": moment + rate.ahead,
    }  # fmt: skip
    return bool(_TAKE.rows(connection, values))


def _taking(connection: Connection) -> Executable:
    begins = begin_in_sql(type_coerce(rate_limits.c.next_at, BigInteger))
    row = {name: bindparam(name, type_=rate_limits.c[name].type) for name in ("key", "next_at")}
    return (
        insert_for(connection, rate_limits)
        .values(row)
        .on_conflict_do_update(
            index_elements=[rate_limits.c.key],
            set_={"next_at": begins + bindparam("interval", type_=BigInteger)},
            where=begins <= bindparam("latest", type_=BigInteger),
        )
        .returning(rate_limits.c.key)
    )


_TAKE = PreparedStatement(_taking)


def prune(connection: Connection, *, now: datetime) -> int:
    """Delete the rows that hold nobody back any more. Returns how many."""
    return connection.execute(delete(rate_limits).where(rate_limits.c.next_at < now)).rowcount
