"""What is known of people, for merging and for staff who look somebody up. Changing it is for `consent.changes`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, Text, cast, func, select

from mailer.audience.addresses import address_hash, normalise
from mailer.audience.consent.eligibility import BY_RANK, FREE, obstacle
from mailer.audience.consent.lift import decisions
from mailer.audience.names import clean_name
from mailer.audience.people.timeline import Moment, story
from mailer.audience.tags import tag_list
from mailer.errors import MailerError
from mailer.staff.audit import AuditEntry
from mailer.store.engine.prepared import ByNumber
from mailer.store.tables.core import consent_sources, consents, deliveries, lists, people, subscriptions, suppressions
from mailer.store.tables.states import Frequency, Membership

FIELDS = (
    "email",
    "first_name",
    "last_name",
    "name",
    "country",
    "language",
    "timezone",
    "tags",
)  # what every supporter has
SAMPLE_PERSON = {"email": "ada@example.org", "first_name": "Ada", "last_name": "Sample", "name": "Ada Sample"}

MERGED = (
    people.c.id,
    people.c.address,
    people.c.first_name,
    people.c.last_name,
    people.c.country,
    people.c.language,
    people.c.timezone,
    tag_list(people.c.id),
    people.c.attributes,
)
# The same of many people, built once, and last whether they agree to be tracked. Attributes as they are stored: most
# people have none, and that is quickly seen.
MERGED_OF = ByNumber(
    people.c.id,
    lambda those: select(*MERGED[:-1], cast(people.c.attributes, Text), people.c.tracking).where(those),
)
NO_ATTRIBUTES = "{}"


@dataclass(frozen=True, slots=True)
class ListStatus:
    """A person's membership of one list."""

    list: str
    status: str
    changed_at: datetime
    obstacle: str  # why nothing is mailed through it: a `Reason`; "" when it may be


@dataclass(frozen=True, slots=True)
class ConsentChange:
    """One change of consent."""

    list: str
    status: str
    at: datetime
    how: str
    source: str
    wording: str
    given_at: datetime | None = None  # since when they agreed, as the imported file says


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Why an address is not mailed."""

    list: str  # "" is every list
    reason: str
    at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything that is known of an address. Somebody forgotten or never imported may still be suppressed."""

    address: str
    person_id: int | None
    fields: Mapping[str, str]
    tracking: bool = True
    created_at: datetime | None = None
    updated_at: datetime | None = None
    lists: Sequence[ListStatus] = ()
    consents: Sequence[ConsentChange] = ()
    suppressions: Sequence[Suppressed] = ()
    deliveries: Mapping[str, int] = field(default_factory=dict[str, int])  # state → how many
    story: Sequence[Moment] = ()
    frequency: str = Frequency.EVERY.value
    timezone_source: str = ""  # ZoneSource of the stored zone
    decisions: Sequence[AuditEntry] = ()  # of staff, from the audit log


@dataclass(frozen=True, slots=True)
class ListCount:
    """The number of people on a list, by membership."""

    subscribed: int = 0
    pending: int = 0
    unsubscribed: int = 0


def supporters(connection: Connection, person_ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """What merge tags may name, for each of at most a few thousand people; an unknown number is left out.

    One query, so ask for a batch at a time.
    """
    rows = MERGED_OF.rows(connection, list(person_ids), {})
    return {row[0]: supporter(row[1:-1]) for row in rows}


def supporter(row: Sequence[Any]) -> dict[str, str]:
    """The merge mapping of one row: address, names, country, language, time zone, tags, attributes (JSON or read)."""
    address, first, last, country, language, timezone, tags, attributes = row
    first, last = clean_name(first), clean_name(last)  # of those who came before names were cleaned, too
    if isinstance(attributes, str):
        attributes = None if attributes == NO_ATTRIBUTES else _read(attributes)
    return {
        **(attributes or {}),
        "email": address,
        "first_name": first,
        "last_name": last,
        "name": f"{first} {last}" if first and last else first or last,
        "country": country,
        "language": language,
        "timezone": timezone,
        "tags": tags,
    }


# Of one import mostly the same for many people in a row.
_read = lru_cache(maxsize=256)(json.loads)


def example(values: Mapping[str, str]) -> dict[str, str]:
    """A supporter for previews, with every field there is and these values."""
    return {**dict.fromkeys(FIELDS, ""), **values}


def find_supporter(connection: Connection, address: str) -> tuple[int, dict[str, str]]:
    """The number and merge mapping of the person with this address. Raises when nobody has it."""
    row = connection.execute(select(*MERGED).where(people.c.address == normalise(address))).first()
    if row is None:
        raise MailerError(f"nobody has the address {address}", remedy="Look for them: mailer people find TEXT")
    return int(row[0]), supporter(row[1:])


def show(connection: Connection, address: str, *, address_key: bytes) -> Dossier | None:
    """Everything known of an address; None when nothing is."""
    spelling = normalise(address)
    hashed = address_hash(spelling, address_key)
    stops, decided = _suppressions(connection, hashed), decisions(connection, hashed)
    row = connection.execute(
        select(
            *MERGED,
            people.c.tracking,
            people.c.created_at,
            people.c.updated_at,
            people.c.frequency,
            people.c.timezone_source,
        ).where(people.c.address == spelling)
    ).first()
    if row is None:
        known = stops or decided
        return Dossier(spelling, None, {}, suppressions=stops, decisions=decided) if known else None
    counts = connection.execute(
        select(deliveries.c.state, func.count())
        .where(deliveries.c.person_id == row.id)
        .group_by(deliveries.c.state)
        .order_by(deliveries.c.state)
    )
    return Dossier(
        address=spelling,
        person_id=row.id,
        fields=supporter(row[1:9]),
        tracking=row.tracking,
        created_at=row.created_at,
        updated_at=row.updated_at,
        lists=[
            ListStatus(name, status, changed_at, BY_RANK[rank].value if rank != FREE else "")
            for name, status, changed_at, rank in connection.execute(_standings(row.id))
        ],
        consents=[ConsentChange(*row) for row in connection.execute(_proofs(row.id))],
        suppressions=stops,
        deliveries={str(state): int(number) for state, number in counts},
        story=story(connection, row.id),
        frequency=row.frequency,
        timezone_source=row.timezone_source,
        decisions=decided,
    )


def list_counts(connection: Connection) -> dict[str, ListCount]:
    """The number of people by membership, for each list that anybody is on."""
    numbers: dict[str, dict[str, int]] = {}
    rows = connection.execute(
        select(lists.c.name, subscriptions.c.status, func.count())
        .join(subscriptions, subscriptions.c.list_id == lists.c.id)
        .group_by(lists.c.name, subscriptions.c.status)
    )
    for name, status, number in rows:
        if status in set(Membership):
            numbers.setdefault(name, {})[status] = number
    return {name: ListCount(**counts) for name, counts in numbers.items()}


def _standings(person_id: int) -> Select[str, str, datetime, int]:
    return (
        select(lists.c.name, subscriptions.c.status, subscriptions.c.changed_at, obstacle())
        .join(subscriptions, subscriptions.c.list_id == lists.c.id)
        .join(people, people.c.id == subscriptions.c.person_id)
        .where(subscriptions.c.person_id == person_id)
        .order_by(lists.c.name)
    )


def _proofs(person_id: int) -> Select[str, str, datetime, str, str, str, datetime]:
    return (
        select(
            lists.c.name,
            consents.c.status,
            consents.c.at,
            consent_sources.c.how,
            consent_sources.c.source,
            consent_sources.c.wording,
            consents.c.given_at,
        )
        .select_from(consents)
        .join(lists, lists.c.id == consents.c.list_id)
        .join(consent_sources, consent_sources.c.id == consents.c.source_id)
        .where(consents.c.person_id == person_id)
        .order_by(consents.c.at, consents.c.id)
    )


def _suppressions(connection: Connection, hashed: bytes) -> list[Suppressed]:
    rows = connection.execute(
        select(func.coalesce(lists.c.name, ""), suppressions.c.reason, suppressions.c.at, suppressions.c.source)
        .select_from(suppressions.outerjoin(lists, lists.c.id == suppressions.c.list_id))
        .where(suppressions.c.address_hash == hashed)
        .order_by(suppressions.c.list_id, suppressions.c.reason)
    )
    return [Suppressed(*row) for row in rows]
