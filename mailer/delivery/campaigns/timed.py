"""When each mail of a campaign may leave, as it is frozen: the hour of each person's zone, or spread over hours.

The zones that people are in are few. Their moments are worked out once each, put into a table, and joined.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    FromClause,
    MetaData,
    Table,
    Text,
    and_,
    func,
    insert,
    literal,
    null,
)

from mailer.audience.people.zones import KEY, ZoneKey, key_columns, people_by_key
from mailer.delivery.schedule.local_hours import Timing
from mailer.store.tables.core import people
from mailer.store.tables.states import DeliveryState, PastHour
from mailer.store.tables.types import to_microseconds

HOUR_PAST = "the hour was past where they live"  # why somebody is skipped
_temporary = MetaData()
moments = Table(  # for each kind of people: when their mail may leave, in microseconds
    "campaign_moments",
    _temporary,
    *(Column(name, Text, primary_key=True) for name in KEY),
    Column("not_before", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("code", Text, nullable=False),
    prefixes=["TEMPORARY"],
)
WHERE = people.alias("where_they_are")
SAME = and_(*(moments.c[name] == column for name, column in zip(KEY, key_columns(WHERE), strict=True)))
COLUMNS = ("state", "code", "not_before", "not_after")


@dataclass(frozen=True, slots=True)
class TimedRows:
    """A table of people with their moments joined, the values of `COLUMNS`, and by what people whose mails leave
    together are put together."""

    source: FromClause
    values: tuple[ColumnElement[Any], ...]
    order: tuple[ColumnElement[Any], ...] = ()


def timed(
    connection: Connection, timing: Timing, source: FromClause, *, chosen: FromClause, now: datetime
) -> TimedRows:
    """`source`, which holds `chosen` (`person_id`, and `n` from 1), with when the mail of each may leave."""
    queued, due = literal(str(DeliveryState.QUEUED)), literal(to_microseconds(now), BigInteger)
    if timing.wall is None:
        return TimedRows(source, (queued, literal(""), _spread(due, timing, chosen, ()), null()))
    fill_moments(connection, chosen, lambda key: _decide(timing, key, now))
    # Left joins: nobody who was chosen is lost, whatever became of their row in this moment.
    joined = source.outerjoin(WHERE, WHERE.c.id == chosen.c.person_id).outerjoin(moments, SAME)
    otherwise = to_microseconds(timing.hour_of(ZoneKey("")))
    hour = func.coalesce(moments.c.not_before, literal(otherwise, BigInteger))
    leaves = _spread(hour, timing, chosen, (hour,))
    late = round(timing.late.total_seconds() * 1_000_000)
    values = (func.coalesce(moments.c.state, queued), func.coalesce(moments.c.code, ""), leaves, leaves + late)
    return TimedRows(joined, values, (hour,))


def _spread(
    first: ColumnElement[Any], timing: Timing, chosen: FromClause, together: tuple[ColumnElement[Any], ...]
) -> ColumnElement[Any]:
    """When somebody's mail leaves, of those that leave `together` from `first` on: evenly, and the same each time."""
    spread = round(timing.spread.total_seconds() * 1_000_000)
    if not spread:
        return first
    before = func.row_number().over(partition_by=together or None, order_by=chosen.c.n) - 1
    length = literal(spread, BigInteger)
    return first + before * length / func.count().over(partition_by=together or None)


def fill_moments(
    connection: Connection, who: FromClause, decide: Callable[[ZoneKey], tuple[datetime, DeliveryState, str]]
) -> None:
    """Fill the table `moments` for the people of `who`: when their mail may leave, its first state, and why."""
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {moments.name}")
    if connection.dialect.name == "postgresql":
        moments.dialect_options["postgresql"]["on_commit"] = "DROP"
    _temporary.create_all(connection, checkfirst=False)
    rows: list[dict[str, object]] = []
    for key, _ in people_by_key(connection, who):
        hour, state, code = decide(key)
        rows.append({**key._asdict(), "not_before": to_microseconds(hour), "state": str(state), "code": code})
    if rows:
        connection.execute(insert(moments), rows)


def _decide(timing: Timing, key: ZoneKey, now: datetime) -> tuple[datetime, DeliveryState, str]:
    hour = timing.hour_of(key)
    if timing.is_past(hour) and timing.past is PastHour.LEAVE_OUT:
        return hour, DeliveryState.SKIPPED, HOUR_PAST
    if timing.is_past(hour) and timing.past is PastHour.AT_ONCE:
        hour = now
    return hour, DeliveryState.QUEUED, ""
