"""How lists grow and how they are: joined by month and source, left, what people agreed to, bounced, silent for a year.

Counted over everybody, which takes seconds with a million people: pages show what was counted beside them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, case, distinct, func, literal, or_, select

from mailer.audience.consent.eligibility import EVERY_LIST
from mailer.audience.people.people import ListCount, list_counts
from mailer.audience.selection.segment_sql import condition
from mailer.store.engine.dialects import expect_many_rows
from mailer.store.tables.core import consent_sources, consents, lists, people, subscriptions, suppressions
from mailer.store.tables.states import Membership, SuppressionReason

MONTHS = 12  # that are told apart, this one among them
SILENT = 'not clicked_within("12 months") and not signed_within("12 months") and not joined_within("12 months")'
JOINED, LEFT = Membership.SUBSCRIBED.value, Membership.UNSUBSCRIBED.value


@dataclass(slots=True)
class ListMonth:
    """What happened to a list in a month, or in all the time before: people who joined by how, and who left."""

    begins: datetime | None  # None: whatever was before
    joined: dict[str, int] = field(default_factory=dict[str, int])
    left: int = 0

    @property
    def all_joined(self) -> int:
        return sum(self.joined.values())


@dataclass(slots=True)
class AgreedWording:
    """Words that people agreed to when they joined. `first` and `last`: between which days, as far as is known."""

    words: str
    people: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class ListSource:
    """Where people of a list came from in these months: `how` is import, form, staff …, `source` the file or page."""

    how: str
    source: str
    joined: int


@dataclass(frozen=True, slots=True)
class ListFigures:
    """One list, counted at a moment. Of those subscribed: `bounced` and `complained` get no mail; `silent` neither
    followed a link nor signed nor joined for 12 months; `hidden` might be silent, and asked not to have links noted."""

    members: ListCount = field(default_factory=ListCount)
    months: Sequence[ListMonth] = ()  # the oldest first, after one for all the time before
    sources: Sequence[ListSource] = ()  # the most first
    wordings: Sequence[AgreedWording] = ()  # the newest first
    bounced: int = 0
    complained: int = 0
    silent: int = 0
    hidden: int = 0

    @property
    def joined_lately(self) -> int:
        """In this month and the one before."""
        return sum(month.all_joined for month in self.months[-2:])

    @property
    def left_lately(self) -> int:
        return sum(month.left for month in self.months[-2:])


def list_figures(connection: Connection, *, now: datetime, zone: ZoneInfo) -> dict[str, ListFigures]:
    """Every list that anybody was ever on, by name."""
    expect_many_rows(connection)
    names = {int(number): str(name) for number, name in connection.execute(select(lists.c.id, lists.c.name))}
    members, stopped, silent = list_counts(connection), _stopped(connection), _silent(connection, now)
    found: dict[str, ListFigures] = {}
    for number, rows in _changes(connection, now, zone).items():
        months, sources, wordings = _told(rows, _beginnings(now, zone))
        if (name := names.get(number)) is not None:
            still, hidden = silent.get(number, (0, 0))
            found[name] = ListFigures(
                members.get(name, ListCount()), months, sources, wordings,
                stopped.get((number, SuppressionReason.BOUNCED.value), 0),
                stopped.get((number, SuppressionReason.COMPLAINED.value), 0), still, hidden,
            )  # fmt: skip
    return found


def _beginnings(now: datetime, zone: ZoneInfo) -> list[datetime]:
    """When each of the months began, the oldest first."""
    here = now.astimezone(zone)
    ends = [divmod(here.year * 12 + here.month - 1 - back, 12) for back in reversed(range(MONTHS))]
    return [datetime(year, month + 1, 1, tzinfo=zone) for year, month in ends]


def _changes(connection: Connection, now: datetime, zone: ZoneInfo) -> Mapping[int, list[Any]]:
    """How often people joined and left, by list: rows of month (0 for before), status, how, source, wording, number,
    first and last."""
    table = consents.c
    months = [(table.at >= begins, literal(n)) for n, begins in reversed(list(enumerate(_beginnings(now, zone), 1)))]
    month, given = case(*months, else_=literal(0)), func.coalesce(table.given_at, table.at)
    grouped = (
        select(
            table.list_id, table.source_id, table.status, month.label("month"), func.count().label("number"),
            func.min(given).label("first"), func.max(given).label("last"),
        )
        .where(table.status.in_((JOINED, LEFT)))
        .group_by(table.list_id, table.source_id, table.status, month)
        .subquery()
    )  # fmt: skip
    source = consent_sources.c
    rows = connection.execute(
        select(
            grouped.c.list_id, grouped.c.month, grouped.c.status, source.how, source.source, source.wording,
            grouped.c.number, grouped.c.first, grouped.c.last,
        ).join(consent_sources, source.id == grouped.c.source_id)
    )  # fmt: skip
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.list_id].append(row)
    return found


def _told(
    rows: Sequence[Any], beginnings: Sequence[datetime]
) -> tuple[list[ListMonth], list[ListSource], list[AgreedWording]]:
    months = [ListMonth(None), *map(ListMonth, beginnings)]
    sources: dict[tuple[str, str], int] = defaultdict(int)
    wordings: dict[str, AgreedWording] = {}
    for row in rows:
        month: ListMonth = months[int(row.month)]
        if row.status == LEFT:
            month.left += row.number
            continue
        month.joined[row.how] = month.joined.get(row.how, 0) + row.number
        if row.month:
            sources[row.how, row.source] += row.number
        if row.wording:
            one = wordings.setdefault(row.wording, AgreedWording(row.wording, 0, row.first, row.last))
            one.people += row.number
            one.first, one.last = min(one.first, row.first), max(one.last, row.last)
    by_number = sorted(sources.items(), key=lambda one: (-one[1], one[0]))
    ordered = sorted(wordings.values(), key=lambda one: one.last, reverse=True)
    return months, [ListSource(how, source, number) for (how, source), number in by_number], ordered


def _stopped(connection: Connection) -> dict[tuple[int, str], int]:
    """How many of those subscribed are stopped, by list and reason."""
    stop, here = suppressions.c, subscriptions.c
    rows = connection.execute(
        select(here.list_id, stop.reason, func.count(distinct(here.person_id)))
        .select_from(suppressions)
        .join(people, people.c.address_hash == stop.address_hash)
        .join(subscriptions, here.person_id == people.c.id)
        .where(here.status == JOINED, or_(stop.list_id == EVERY_LIST, stop.list_id == here.list_id))
        .group_by(here.list_id, stop.reason)
    )
    return {(int(number), str(reason)): int(count) for number, reason, count in rows}


def _silent(connection: Connection, now: datetime) -> dict[int, tuple[int, int]]:
    """How many of those subscribed gave no sign for 12 months, and of how many that can't be known, by list."""
    here = subscriptions.c
    rows = connection.execute(
        select(here.list_id, people.c.tracking, func.count())
        .join(people, people.c.id == here.person_id)
        .where(here.status == JOINED, condition(SILENT, now=now))
        .group_by(here.list_id, people.c.tracking)
    )
    found: dict[int, tuple[int, int]] = {}
    for number, noted, count in rows:
        still, hidden = found.get(number, (0, 0))
        found[number] = (still + count, hidden) if noted else (still, hidden + count)
    return found
