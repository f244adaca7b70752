"""Who gets a newsletter, and for everyone else on its lists the one reason why not. Decided in SQL, for millions.

`decided` keeps the decision in tables, from which it is counted, merged and frozen. Consent is read again at hand-over
(`consent.recheck`).
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    MetaData,
    Select,
    Subquery,
    Table,
    Text,
    and_,
    case,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    type_coerce,
)

from mailer.audience.consent.caps import over_cap
from mailer.audience.consent.eligibility import FREE, RANKS, Reason, obstacle
from mailer.audience.selection.groups import list_numbers, mailed_by, mailed_ordinary_since, mailed_since, subscribed_to
from mailer.audience.selection.spec import Audience
from mailer.experiments.cohorts import PlannedCohorts
from mailer.store.engine.dialects import expect_many_rows
from mailer.store.tables.core import Id, people, subscriptions, suppressions
from mailer.store.tables.states import CHOSEN, TOTAL, Frequency

A_MONTH = timedelta(days=30)  # how long people who want one mail a month wait for the next
PRIME = 2**31 - 1  # products of two numbers below it fit 64 bits


@dataclass(frozen=True, slots=True)
class Selection:
    """`total` people are on the included lists; `chosen` get the mail; `excluded` are the rest, each counted once."""

    total: int
    chosen: int
    excluded: Mapping[Reason, int]  # in the order reasons are tried; only those that apply to somebody

    def counts(self) -> dict[str, int]:
        """As JSON data, to be kept with the campaign: total, chosen, and a number for each reason."""
        return {TOTAL: self.total, CHOSEN: self.chosen, **{r.value: n for r, n in self.excluded.items()}}


_temporary = MetaData()
_verdicts = Table(  # everyone on the included lists
    "selection_verdicts",
    _temporary,
    Column("person_id", Id, primary_key=True, autoincrement=False),
    Column("verdict", Text, nullable=False),  # CHOSEN or a Reason
    Column("language", Text, nullable=False),  # that they read; kept, since looking it up again means joining people
    prefixes=["TEMPORARY"],
)
places = Table(  # those who get the mail, numbered from 1 in the order of their own numbers, or of when they last acted
    "selection_places",
    _temporary,
    Column("n", Id, primary_key=True),
    Column("person_id", Id, nullable=False),
    Column("language", Text, nullable=False),
    prefixes=["TEMPORARY"],
)


def select_audience(connection: Connection, audience: Audience, *, now: datetime) -> Selection:
    """Count everyone on the included lists once: chosen, or left out for the first reason that applies."""
    # Without the table SQLite would sort everyone by reason to count them, which takes longer.
    with _weighed(connection, audience, now=now) as total:
        return _counted(connection, audience, total)


def chosen(audience: Audience, *, now: datetime) -> Select[int]:
    """A SELECT of `person_id` for everyone who gets the mail, always in the same order: by number, or as drawn."""
    return _chosen(_verdicts_of(audience, now=now).subquery(), audience)


@contextmanager
def decided(
    connection: Connection, audience: Audience, *, now: datetime, recent_first: bool = False
) -> Generator[Selection, None, None]:
    """Decide about everyone once: yields the counts, with the chosen people in the table `places` for this transaction.
    `recent_first`: those who acted last have the first numbers there.

    Counting and then choosing would decide twice.
    """
    with _weighed(connection, audience, now=now) as total:
        selection = _counted(connection, audience, total)
        chosen = _chosen(_verdicts, audience).add_columns(_verdicts.c.language).subquery()
        if connection.dialect.name == "postgresql" and not recent_first:
            _view(connection, chosen)
        else:
            places.create(connection, checkfirst=False)
            in_order = _recent_first(chosen, now=now) if recent_first else select(chosen).order_by(chosen.c.person_id)
            connection.execute(insert(places).from_select(["person_id", "language"], in_order))
        yield selection


def _view(connection: Connection, chosen: Subquery) -> None:
    """Make `places` a view: PostgreSQL numbers people by a window function in half the time that it takes to write them
    down, and not at all where nobody asks for the numbers. On SQLite it is the other way round."""
    number = func.row_number().over(order_by=chosen.c.person_id).label("n")
    written = select(number, chosen).compile(connection, compile_kwargs={"literal_binds": True})  # a view has no others
    connection.exec_driver_sql(f"CREATE TEMPORARY VIEW {places.name} AS {written}")
    # Else the planner takes the chosen for a few, and looks each of them up.
    connection.exec_driver_sql(f"ANALYZE {_verdicts.name} ({_verdicts.c.verdict.name})")


def _recent_first(chosen: Subquery, *, now: datetime) -> Select[Any, Any]:
    # Nobody who was chosen is lost, whatever is known of them.
    from mailer.audience.people.recency import deeds, last_acted

    person = chosen.c.person_id
    source = chosen.outerjoin(people, people.c.id == person).outerjoin(deeds, deeds.c.person_id == person)
    latest = last_acted(today=now.astimezone(UTC).date().isoformat())
    return select(person, chosen.c.language).select_from(source).order_by(latest.desc(), person)


def staged_places(plan: PlannedCohorts, *, seed: int, now: datetime) -> Subquery:
    """The people of `places` (`n`, `person_id`, `language`), each with the `stage` they wait for, by when they last
    acted. Who is in a group's sample is drawn by `seed`."""
    from mailer.audience.people.recency import deeds, last_acted

    person, utc = places.c.person_id, now.astimezone(UTC)
    source = places.outerjoin(people, people.c.id == person).outerjoin(deeds, deeds.c.person_id == person)
    latest = last_acted(today=utc.date().isoformat())
    since = [(utc - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S") for days in plan.days]
    cohort = case(*((latest >= moment, n) for n, moment in enumerate(since)), else_=plan.last)
    grouped = select(places.c.n, person, places.c.language, cohort.label("cohort")).select_from(source).subquery()
    order = func.row_number().over(partition_by=grouped.c.cohort, order_by=_drawn(grouped.c.person_id, seed))
    others = 2 * grouped.c.cohort  # the stages of groups: `experiments.cohorts.stage_of`
    stage = case((and_(grouped.c.cohort > 0, order <= plan.sample), others - 1), else_=others)
    c, numbered = grouped.c, type_coerce(stage, Integer).label("stage")
    return select(c.n, c.person_id, c.language, numbered).subquery()


@contextmanager
def _weighed(connection: Connection, audience: Audience, *, now: datetime) -> Generator[int, None, None]:
    """Fill `_verdicts` with everyone on the included lists and yield how many; drop it and `places` afterwards."""
    _drop(connection)  # left by a transaction that went on after an error
    is_postgresql = connection.dialect.name == "postgresql"
    if is_postgresql:  # declared, it would load PostgreSQL's dialects on SQLite too
        for table in (_verdicts, places):
            table.dialect_options["postgresql"]["on_commit"] = "DROP"
    _verdicts.create(connection, checkfirst=False)
    if is_postgresql:  # nobody is looked up by it; SQLite keeps the rows themselves by this key
        connection.exec_driver_sql(f"ALTER TABLE {_verdicts.name} DROP CONSTRAINT {_verdicts.name}_pkey")
    expect_many_rows(connection)
    everyone = insert(_verdicts).from_select(["person_id", "verdict", "language"], _verdicts_of(audience, now=now))
    yield connection.execute(everyone, execution_options={"preserve_rowcount": True}).rowcount
    _drop(connection)


def _drop(connection: Connection) -> None:
    """Drop both tables, if they are there."""
    with_views = " CASCADE" if connection.dialect.name == "postgresql" else ""
    for table in (_verdicts, places):
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table.name}{with_views}")


def _counted(connection: Connection, audience: Audience, total: int) -> Selection:
    # Most people are chosen, and those needn't be sorted by reason, as SQLite does to count.
    reason = _verdicts.c.verdict
    rows = connection.execute(select(reason, func.count()).where(reason != CHOSEN).group_by(reason))
    counts = {str(row[0]): int(row[1]) for row in rows}
    passed = total - sum(counts.values())
    taken = passed if audience.limit is None else min(passed, audience.limit)
    if taken < passed:
        counts[Reason.LIMIT.value] = passed - taken
    excluded = {reason: counts[reason.value] for reason in Reason if reason.value in counts}
    return Selection(total=total, chosen=taken, excluded=excluded)


def _chosen(verdicts: FromClause, audience: Audience) -> Select[int]:
    person = verdicts.c.person_id
    query = select(person).where(verdicts.c.verdict == CHOSEN)
    if audience.limit is None:
        return query.order_by(person)
    return query.order_by(_drawn(person, audience.seed), person).limit(audience.limit)


def _verdicts_of(audience: Audience, *, now: datetime) -> Select[Any, Any, Any]:
    """Everyone on the included lists once: person_id, verdict, which is CHOSEN or a `Reason`, and language."""
    segment = _condition(audience.segment, now=now) if audience.segment else None
    standing = _standing(audience.include, segment)
    person, rank = standing.c.person_id, standing.c.rank
    reasons: list[tuple[ColumnElement[bool], str]] = []
    if audience.exclude:
        reasons.append((person.in_(subscribed_to(audience.exclude)), Reason.EXCLUDED.value))
    if segment is not None:
        reasons.append((~standing.c.inside, Reason.OUTSIDE.value))
    if not audience.urgent:
        reasons.append((wants_fewer(standing.c.frequency, person, now=now), Reason.FEWER.value))
    if audience.not_mailed_within_hours > 0:
        since = now - timedelta(hours=audience.not_mailed_within_hours)
        reasons.append((person.in_(mailed_since(since)), Reason.MAILED_RECENTLY.value))
    if audience.not_mailed_by:
        reasons.append((person.in_(mailed_by(audience.not_mailed_by)), Reason.MAILED_BEFORE.value))
    if audience.cap and not audience.urgent:
        reasons.append((person.in_(over_cap(audience.cap, now=now)), Reason.CAPPED.value))
    free = case(*reasons, else_=CHOSEN) if reasons else literal(CHOSEN)
    # Both engines work the rank out once here. Compared with one after the other, it would be worked out for each.
    against = case({FREE: free, **{number: reason.value for reason, number in RANKS.items()}}, value=rank)
    return select(person.label("person_id"), against.label("verdict"), standing.c.language).select_from(standing)


def _condition(segment: str, *, now: datetime) -> ColumnElement[bool]:
    # Imported here since it brings the expression parser, which a check for due campaigns can do without.
    from mailer.audience.selection.segment_sql import condition

    return condition(segment, now=now)


def wants_fewer(frequency: ColumnElement[str], person: ColumnElement[int], *, now: datetime) -> ColumnElement[bool]:
    """Whether somebody asked for urgent newsletters alone, or for one a month and has had it."""
    return and_(
        frequency != Frequency.EVERY.value,  # most people: nothing else is looked at
        or_(frequency != Frequency.MONTHLY.value, mailed_ordinary_since(person, now - A_MONTH)),
    )


def _standing(names: Iterable[str], segment: ColumnElement[bool] | None) -> Subquery:
    """Everyone on these lists once: person_id, frequency, language, the rank of the reason against mailing them, FREE
    if there is none, and whether they are `inside` the segment."""
    wanted = sorted(set(names))
    person = subscriptions.c.person_id
    several = len(wanted) > 1
    # Few have any suppression; joined, that is seen at once for the others.
    suppressed = select(suppressions.c.address_hash).distinct().subquery()
    rank = obstacle(suppressed.c.address_hash.is_not(None))
    # Computed here, where people are joined already, and only for the people asked about: databases flatten such a
    # subquery. Grouped rows can't hold it, so for them people are joined again.
    inside = true() if segment is None else segment
    known = (people.c.frequency, people.c.language)
    rows = (
        select(
            person.label("person_id"),
            (func.min(rank) if several else rank).label("rank"),
            *((func.min(one) if several else one).label(one.name) for one in known),
            *([] if several else [inside.label("inside")]),
        )
        .select_from(
            subscriptions.join(people, people.c.id == person).outerjoin(
                suppressed, suppressed.c.address_hash == people.c.address_hash
            )
        )
        .where(_on(wanted))
    )
    if not several:
        return rows.subquery()
    by_person = rows.group_by(person).subquery()
    found = select(*by_person.c, inside.label("inside"))
    if segment is not None:
        found = found.select_from(by_person.join(people, people.c.id == by_person.c.person_id))
    return found.subquery()


def _on(names: list[str]) -> ColumnElement[bool]:
    """Subscriptions to these lists. For a single list it is an equality, so that its people come in their own order."""
    if len(names) == 1:
        return subscriptions.c.list_id == list_numbers(names).scalar_subquery()
    return subscriptions.c.list_id.in_(list_numbers(names))


def _drawn(person: ColumnElement[int], seed: int) -> ColumnElement[int]:
    """A number for each person that looks random and depends on the seed alone. Squaring keeps neighbours apart."""
    random = Random(seed)  # noqa: S311 - the draw must be repeatable, not secret
    a, b, c = (literal(random.randrange(1, PRIME), BigInteger) for _ in range(3))
    mixed = (person % PRIME * a + b) % PRIME
    return (mixed * mixed % PRIME * c + mixed) % PRIME
