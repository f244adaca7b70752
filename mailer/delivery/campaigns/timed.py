"""When each mail of a campaign may leave, as it is frozen: the hour of each person's zone, or spread over hours.

The zones that people are in are few. Their moments are worked out once each, put into a table, and joined.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
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
    case,
    func,
    insert,
    literal,
    null,
)

from mailer.audience.consent.eligibility import Reason
from mailer.audience.people.zones import KEY, ZoneKey, key_columns, people_by_key
from mailer.audience.selection.select import chosen as select_chosen
from mailer.audience.selection.spec import Audience
from mailer.compose.message import Message
from mailer.delivery.schedule.local_hours import HourOfZone, Timing, hours_of, refuse_past, timing_of
from mailer.errors import MailerError
from mailer.review.content import PlannedTime
from mailer.store.engine.database import Database
from mailer.store.tables.core import people
from mailer.store.tables.states import DeliveryState, PastHour
from mailer.store.tables.types import to_microseconds
from mailer.timezones.local_time import first_instant

HOUR_PAST = Reason.HOUR_PAST.value  # why somebody is skipped
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
    """A table of people with their moments joined, and the values of `COLUMNS`."""

    source: FromClause
    values: tuple[ColumnElement[Any], ...]


def timed(
    connection: Connection, timing: Timing, chosen: FromClause, *, now: datetime,
    at_once: ColumnElement[bool] | None = None,
) -> TimedRows:  # fmt: skip
    """The people of `chosen` (`person_id`, and `n` from 1), with when the mail of each may leave. `at_once`: whose
    leave at the launch, whatever their hour is: a test is decided by them before the first hour of others."""
    queued, due = literal(str(DeliveryState.QUEUED)), literal(to_microseconds(now), BigInteger)
    if timing.wall is None:
        return TimedRows(chosen, (queued, literal(""), _spread(due, timing, chosen, ()), null()))
    fill_moments(connection, chosen, lambda key: _decide(timing, key, now))
    # Left joins: nobody who was chosen is lost, whatever became of their row in this moment.
    joined = chosen.outerjoin(WHERE, WHERE.c.id == chosen.c.person_id).outerjoin(moments, SAME)
    otherwise = to_microseconds(timing.hour_of(ZoneKey("")))
    hour = func.coalesce(moments.c.not_before, literal(otherwise, BigInteger))
    leaves = _spread(hour, timing, chosen, (hour,))
    late = round(timing.late.total_seconds() * 1_000_000)
    values = (func.coalesce(moments.c.state, queued), func.coalesce(moments.c.code, ""), leaves, leaves + late)
    if at_once is not None:
        others = zip((queued, literal(""), literal(to_microseconds(now), BigInteger), null()), values, strict=True)
        values = tuple(case((at_once, first), else_=value) for first, value in others)
    return TimedRows(joined, values)


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


def launches_at(leaves: PlannedTime, message: Message, *, earliest: datetime) -> datetime:
    """When a newsletter that is planned for a time is launched, which may not be before `earliest`.

    By local time that is when the first clocks show the hour. With a test it is at once: the sample goes ahead, so that
    the test is decided before the first hour of the others.
    """
    if not leaves.local:
        return leaves.at
    return earliest if message.variants else max(first_instant(leaves.wall), earliest)


def local_hours(
    connection: Connection, audience: Audience, leaves: PlannedTime, *, due_at: datetime, late: timedelta
) -> tuple[Timing, list[HourOfZone]]:
    """When the hour is for everybody of an audience as it is now, zone by zone, if it is launched at `due_at`."""
    timing = timing_of(leaves, due_at=due_at, late=late)
    who = select_chosen(audience, now=due_at).subquery()
    return timing, hours_of(people_by_key(connection, who), timing)


def refuse_unfit(
    database: Database, message: Message, audience: Audience, leaves: PlannedTime, *, due_at: datetime
) -> None:
    """Raise `MailerError` where a newsletter can't leave by local time: the hour of somebody is past and nobody said
    what becomes of them, or a test wouldn't be decided by the first hour, or groups wait behind gates."""
    first = first_instant(leaves.wall)
    if audience.down_the_list is not None:
        raise MailerError(
            "a newsletter that goes down the list, group by group, can't leave by local time",
            remedy="Give it one time for everybody, or leave out audience.down_the_list.",
        )
    wait = timedelta(seconds=message.test.wait_seconds) if message.test else timedelta()
    if message.variants and due_at + wait > first:
        hours = wait / timedelta(hours=1)
        raise MailerError(
            f"its test takes {hours:g} h and would not be decided by {first:%Y-%m-%d %H:%M} UTC, when the first clocks"
            f" show {leaves.wall:%H:%M}",
            remedy="Choose a later day, or give the test less time: test: {wait: …}",
        )
    if leaves.past is PastHour.REFUSE and first < due_at:
        with database.read(of_everyone=True) as connection:
            timing, hours = local_hours(connection, audience, leaves, due_at=due_at, late=timedelta())
        refuse_past(hours, timing)


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
