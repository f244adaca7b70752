"""What a person can choose about their mail: lists, how often, the language, and whether they may be tracked.

Leaving a list by way of a mail is for `delivery.leaving`, which notes it for the campaign; coming back is here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select, update

from mailer.audience.consent.changes import subscribe
from mailer.audience.consent.eligibility import EVERY_LIST, THEIR_OWN
from mailer.audience.consent.subscribe import lift, narrow
from mailer.store.tables.core import lists, people, subscriptions, suppressions
from mailer.store.tables.states import Frequency, Membership, ZoneSource

HOW = "preferences"  # of the proof


@dataclass(frozen=True, slots=True)
class Choices:
    """A person's choices about their mail. `left` are lists they left themselves, and may come back to."""

    person_id: int
    address: str = field(repr=False)
    on: Mapping[int, str]  # number → name, by name
    left: Mapping[int, str]
    frequency: str
    language: str
    tracking: bool
    timezone: str = ""  # as they or an import said


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the page's form says. What it doesn't mention is unchanged."""

    frequency: Frequency | None = None
    language: str | None = None
    tracking: bool | None = None
    timezone: str | None = None


def choices(connection: Connection, person_id: int) -> Choices | None:
    """A person's choices; None for somebody we don't know."""
    person = connection.execute(select(people).where(people.c.id == person_id)).first()
    if person is None:
        return None
    stops = connection.execute(
        select(suppressions.c.list_id, suppressions.c.reason).where(suppressions.c.address_hash == person.address_hash)
    ).all()
    rows = connection.execute(
        select(lists.c.id, lists.c.name, subscriptions.c.status)
        .join(subscriptions, subscriptions.c.list_id == lists.c.id)
        .where(subscriptions.c.person_id == person_id)
        .order_by(lists.c.name)
    )
    on: dict[int, str] = {}
    left: dict[int, str] = {}
    for row in rows:
        against = {stop.reason for stop in stops if stop.list_id in (EVERY_LIST, row.id)}
        if row.status != Membership.UNSUBSCRIBED.value and not against:
            on[row.id] = row.name
        elif against <= {reason.value for reason in THEIR_OWN}:
            left[row.id] = row.name
    return Choices(
        person_id, person.address, on, left, person.frequency, person.language, person.tracking, person.timezone
    )  # fmt: skip


def prefer(connection: Connection, person_id: int, wanted: Wanted, *, at: datetime) -> None:
    """Save the choices that `wanted` names."""
    named: dict[str, object] = {"frequency": wanted.frequency, "language": wanted.language, "tracking": wanted.tracking}
    values = {name: value for name, value in named.items() if value is not None}
    if wanted.timezone is not None:  # their own choice goes before what imports say
        source = ZoneSource.OWN if wanted.timezone else ZoneSource.UNKNOWN
        values |= {"timezone": wanted.timezone, "timezone_source": source.value}
    if values:
        mine = people.c.id == person_id
        connection.execute(update(people).where(mine).values(**values, updated_at=at))


def come_back(
    connection: Connection,
    now: Choices,
    list_ids: Iterable[int],
    *,
    wordings: Mapping[str, str],
    source: str,
    at: datetime,
) -> list[str]:
    """Put a person back on lists they left, with the proof; returns their names. `wordings`: what each list asks."""
    numbers = [number for number in sorted(set(list_ids)) if number in now.left]
    if not numbers:
        return []
    hashed = connection.execute(select(people.c.address_hash).where(people.c.id == now.person_id)).scalar_one()
    narrow(connection, address_hash=hashed, keeping=numbers, at=at)
    for number in numbers:
        name = now.left[number]
        lift(connection, address_hash=hashed, list_id=number, reasons=THEIR_OWN)
        subscribe(
            connection, person_id=now.person_id, list_id=number, how=HOW, source=source,
            wording=wordings.get(name, ""), at=at,
        )  # fmt: skip
    return [now.left[number] for number in numbers]
