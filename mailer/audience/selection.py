"""Who gets a newsletter, and for everyone else on its lists the one reason why not. Decided in SQL, for millions.

`chosen` is the same decision as a SELECT, for the launch to freeze. Consent is read again at hand-over (`handover`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, Subquery, case, func, literal, select

from mailer.audience.definition import Audience
from mailer.audience.groups import list_numbers, mailed_by, mailed_since, subscribed_to
from mailer.audience.segments import condition
from mailer.audience.standing import EVERY_LIST, FREE, RANKS, Reason, subscription_rank, suppression_rank
from mailer.store.tables import people, subscriptions, suppressions

CHOSEN = "chosen"
PRIME = 2**31 - 1  # products of two numbers below it fit 64 bits


@dataclass(frozen=True, slots=True)
class Selection:
    """`total` people stand on the included lists; `chosen` get the mail; `excluded` are the rest, each counted once."""

    total: int
    chosen: int
    excluded: Mapping[Reason, int]  # in the order in which reasons are tried; only those that hold for somebody

    def counts(self) -> dict[str, int]:
        """As JSON data, to be kept with the campaign: total, chosen, and a number for each reason."""
        return {"total": self.total, CHOSEN: self.chosen, **{r.value: n for r, n in self.excluded.items()}}


def select_audience(connection: Connection, audience: Audience, *, now: datetime) -> Selection:
    """Count everyone on the included lists once: chosen, or left out for the first reason that holds."""
    verdicts = _verdicts(audience, now=now)
    rows = connection.execute(select(verdicts.c.verdict, func.count()).group_by(verdicts.c.verdict))
    counts = {str(row[0]): int(row[1]) for row in rows}
    passed = counts.pop(CHOSEN, 0)
    taken = passed if audience.limit is None else min(passed, audience.limit)
    if taken < passed:
        counts[Reason.LIMIT.value] = passed - taken
    excluded = {reason: counts[reason.value] for reason in Reason if reason.value in counts}
    return Selection(total=passed + sum(excluded.values()) - (passed - taken), chosen=taken, excluded=excluded)


def chosen(audience: Audience, *, now: datetime) -> Select[int]:
    """A SELECT of `person_id` for everyone who gets the mail, always in the same order: by number, or as drawn."""
    verdicts = _verdicts(audience, now=now)
    person = verdicts.c.person_id
    query = select(person).where(verdicts.c.verdict == CHOSEN)
    if audience.limit is None:
        return query.order_by(person)
    return query.order_by(_drawn(person, audience.seed), person).limit(audience.limit)


def _verdicts(audience: Audience, *, now: datetime) -> Subquery:
    """Everyone on the included lists once: person_id and verdict, which is CHOSEN or a `Reason`."""
    standing = _standing(audience.include)
    person, rank = standing.c.person_id, standing.c.rank
    source: Any = standing
    reasons: list[tuple[ColumnElement[bool], str]] = [(rank == RANKS[reason], reason.value) for reason in RANKS]
    if audience.exclude:
        reasons.append((person.in_(subscribed_to(audience.exclude)), Reason.EXCLUDED.value))
    if audience.segment:
        source = standing.join(people, people.c.id == person)
        reasons.append((~condition(audience.segment), Reason.OUTSIDE.value))
    if audience.not_mailed_within_hours > 0:
        since = now - timedelta(hours=audience.not_mailed_within_hours)
        reasons.append((person.in_(mailed_since(since)), Reason.MAILED_RECENTLY.value))
    if audience.not_mailed_by:
        reasons.append((person.in_(mailed_by(audience.not_mailed_by)), Reason.MAILED_BEFORE.value))
    verdict = case(*reasons, else_=CHOSEN)
    return select(person.label("person_id"), verdict.label("verdict")).select_from(source).subquery()


def _standing(names: Iterable[str]) -> Subquery:
    """Everyone on these lists once: person_id, and the rank of what stands against mailing them, FREE if nothing."""
    wanted = sorted(set(names))
    # By address, once, and then joined: suppressions are few beside the people.
    everywhere = _suppressed(suppressions.c.list_id == EVERY_LIST).alias("everywhere")
    here = _suppressed(suppressions.c.list_id.in_(list_numbers(wanted))).alias("here")
    person, hashed = subscriptions.c.person_id, people.c.address_hash
    on_list = subscription_rank(func.coalesce(here.c.rank, FREE))
    anywhere = func.coalesce(everywhere.c.rank, FREE)
    several = len(wanted) > 1
    rows = (
        select(
            person.label("person_id"),
            (func.min(on_list) if several else on_list).label("best"),
            (func.max(anywhere) if several else anywhere).label("gravest"),
        )
        .select_from(
            subscriptions.join(people, people.c.id == person)
            .outerjoin(here, (here.c.address_hash == hashed) & (here.c.list_id == subscriptions.c.list_id))
            .outerjoin(everywhere, everywhere.c.address_hash == hashed)
        )
        .where(subscriptions.c.list_id.in_(list_numbers(wanted)))
    )
    by_person = (rows.group_by(person) if several else rows).subquery()
    rank = case((by_person.c.gravest > by_person.c.best, by_person.c.gravest), else_=by_person.c.best)
    return select(by_person.c.person_id, rank.label("rank")).subquery()


def _suppressed(where: ColumnElement[bool]) -> Subquery:
    """Suppressed addresses by list, each with the gravest rank."""
    rank = func.max(suppression_rank()).label("rank")
    key = (suppressions.c.address_hash, suppressions.c.list_id)
    return select(*key, rank).where(where).group_by(*key).subquery()


def _drawn(person: ColumnElement[int], seed: int) -> ColumnElement[int]:
    """A number for each person that looks random and depends on the seed alone. Squaring keeps neighbours apart."""
    random = Random(seed)  # noqa: S311 - a draw that can be repeated is wanted, not a secret
    a, b, c = (literal(random.randrange(1, PRIME), BigInteger) for _ in range(3))
    mixed = (person % PRIME * a + b) % PRIME
    return (mixed * mixed % PRIME * c + mixed) % PRIME
