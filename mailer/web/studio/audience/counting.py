"""Counts who gets a newsletter by the delivery's own selection: a reason for all others, and ten of them by name."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import cast

from sqlalchemy import Connection, func, select

from mailer.audience.consent.eligibility import Reason
from mailer.audience.selection.languages import languages_of
from mailer.audience.selection.segment_sql import condition
from mailer.audience.selection.select import Selection, decided, places
from mailer.audience.selection.spec import Audience
from mailer.staff.rights import Right
from mailer.store.tables.core import people
from mailer.store.tables.inbound import signatures
from mailer.web.last_used import LastUsed
from mailer.web.studio.audience.choices import BuilderChoices
from mailer.web.studio.core.context import Visit

EXAMPLES = 10
KEPT = 64
REASONS: Mapping[Reason, str] = {
    Reason.UNSUBSCRIBED: "Unsubscribed",
    Reason.PENDING: "Haven’t confirmed their address",
    Reason.COMPLAINED: "Reported a mail as spam",
    Reason.BOUNCED: "Their address stopped working",
    Reason.STAFF: "Stopped by one of you",
    Reason.INACTIVE: "Inactive for long",
    Reason.OUTSIDE: "Don’t match the conditions",
    Reason.FEWER: "Asked for fewer mails",
    Reason.HOUR_PAST: "Live where the hour was past",
    Reason.DELETED: "Forgotten",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExamplePerson:
    """Somebody who gets it, as colleagues know them. `name` is "" where none is known."""

    name: str
    email: str
    country: str
    joined_at: datetime
    signed: int


@dataclass(frozen=True, slots=True)
class CountedAudience:
    """Who gets it: how many, and why not the others; when that was counted, and how long it took."""

    selection: Selection
    at: datetime
    seconds: float
    examples: Sequence[ExamplePerson] = ()
    languages: Mapping[str, int] = field(
        default_factory=dict[str, int]
    )  # how many of them read which, "" where that isn't known


def count(visit: Visit, audience: Audience, *, names: bool) -> CountedAudience:
    """Count now. With `names`, ten of them are drawn, others each time."""
    began = time.monotonic()
    examples: list[ExamplePerson] = []
    with (
        visit.database.read(of_everyone=True) as connection,
        decided(connection, audience, now=visit.now) as selection,
    ):
        languages = languages_of(connection)
        if names:
            examples = _examples(connection, selection.chosen)
    found = CountedAudience(selection, visit.now, time.monotonic() - began, examples, languages)
    _kept(visit).keep(audience, replace(found, examples=()))
    return found


def known_count(visit: Visit, audience: Audience) -> CountedAudience | None:
    """The last count of this audience, if there was one. It may be old: say when it was."""
    return _kept(visit).get(audience)


def count_those(visit: Visit, audience: Audience, expression: str) -> tuple[int, int]:
    """How many of an audience match a condition in the text, and how many it has."""
    with (
        visit.database.read(of_everyone=True) as connection,
        decided(connection, audience, now=visit.now) as selection,
    ):
        matching = (
            select(func.count())
            .select_from(places.join(people, people.c.id == places.c.person_id))
            .where(condition(expression, now=visit.now))
        )
        return int(connection.execute(matching).scalar_one()), selection.chosen


def sees_names(visit: Visit, audience: Audience) -> bool:
    """Whether the visitor may see people, of all these lists."""
    return bool(audience.include) and visit.who.may_all(Right.SEE_PEOPLE, audience.include)


def reasons(counted: CountedAudience, audience: Audience, choices: BuilderChoices) -> list[tuple[str, int]]:
    """Why the others don't get it, in words, in the order reasons are tried."""
    own = {
        Reason.EXCLUDED: "On " + " or ".join(choices.name("lists", one) for one in audience.exclude),
        Reason.MAILED_RECENTLY: f"Had a mail in the last {_hours(audience.not_mailed_within_hours)}",
        Reason.MAILED_BEFORE: "Got "
        + " or ".join(f"“{choices.name('newsletters', one)}”" for one in audience.not_mailed_by),
        Reason.CAPPED: f"Had {audience.cap.in_words.removeprefix('at most ')}, or will by what waits already",
        Reason.LIMIT: f"Beyond {audience.limit or 0:,}, drawn at random",
    }
    return [(own.get(reason) or REASONS[reason], number) for reason, number in counted.selection.excluded.items()]


def _hours(hours: float) -> str:
    days = hours / 24
    return f"{days:g} days" if hours > 24 and days == int(days) else f"{hours:g} hours"


def _kept(visit: Visit) -> LastUsed[Audience, CountedAudience]:
    kept = visit.studio.kept.setdefault("audience counts", LastUsed[Audience, CountedAudience](KEPT))
    return cast("LastUsed[Audience, CountedAudience]", kept)


def _examples(connection: Connection, chosen: int) -> list[ExamplePerson]:
    """Some of those in `places`, which numbers them from 1."""
    drawn = random.sample(range(1, chosen + 1), min(chosen, EXAMPLES))
    signed = select(func.count()).where(signatures.c.person_id == people.c.id).scalar_subquery()
    query = (
        select(
            people.c.first_name, people.c.last_name, people.c.address, people.c.country, people.c.created_at,
            signed.label("signed"),
        )
        .select_from(places.join(people, people.c.id == places.c.person_id))
        .where(places.c.n.in_(drawn))
    )  # fmt: skip
    return [
        ExamplePerson(f"{row.first_name} {row.last_name}".strip(), row.address, row.country, row.created_at, row.signed)
        for row in connection.execute(query)
    ]
