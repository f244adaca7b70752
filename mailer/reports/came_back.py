"""How many mails came back lately, by class and by the provider of the mailbox: refused at the door, bounced later,
reported as spam.

Large lists have tens of thousands of them, so pages count beside themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, FromClause, case, func, select

from mailer.store.engine.by_campaign import about
from mailer.store.tables.core import APART, FEEDBACK, campaigns, deliveries, events, people
from mailer.store.tables.states import DeliveryState

LATELY = timedelta(days=30)
MOST_PROVIDERS = 12
OTHERS = "All others"
FORGOTTEN = "People who were forgotten"
COMPLAINED = "complained"  # the class of a complaint here

# Providers by the first label of their mailboxes' domains, where it stays the same from country to country.
_BY_LABEL = {
    "gmail": "Gmail", "googlemail": "Gmail", "outlook": "Outlook.com", "hotmail": "Outlook.com", "live": "Outlook.com",
    "msn": "Outlook.com", "yahoo": "Yahoo", "ymail": "Yahoo", "aol": "Yahoo", "icloud": "iCloud", "me": "iCloud",
    "mac": "iCloud", "gmx": "GMX and Web.de", "web": "GMX and Web.de", "proton": "Proton", "protonmail": "Proton",
}  # fmt: skip
_ONLY_AS = {"me": "me.com", "mac": "mac.com", "web": "web.de", "live": ""}


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """One provider's mailboxes: people by class."""

    name: str
    classes: Mapping[str, int]

    @property
    def is_large(self) -> bool:
        """Whether it is one of the large, so that it names nobody; a domain of one's own may."""
        return self.name in {*_BY_LABEL.values(), OTHERS, FORGOTTEN}

    @property
    def total(self) -> int:
        return sum(self.classes.values())


@dataclass(frozen=True, slots=True)
class ReturnedCounts:
    """What came back since a moment. Each person of a newsletter counts once in each class."""

    since: datetime
    classes: Mapping[str, int]
    providers: Sequence[ProviderRow]  # the most first


@dataclass(frozen=True, slots=True)
class ReturnedMail:
    """One mail that came back. `address` is None once the person was forgotten."""

    slug: str
    address: str | None
    at: datetime
    reply_class: str
    detail: str


def provider_of(domain: str) -> str:
    """Who runs the mailboxes of a domain, as people call it; the domain itself where it isn't one of the large."""
    label, _, rest = domain.lower().partition(".")
    only = _ONLY_AS.get(label, "")
    known = _BY_LABEL.get(label, "") if rest and only in ("", domain.lower()) else ""
    return known or domain.lower()


def count_came_back(connection: Connection, *, now: datetime) -> ReturnedCounts:
    """What came back in the last month, of every newsletter."""
    since = now - LATELY
    found: dict[str, Counter[str]] = {}
    for reply_class, address in _rows(connection, since):
        provider = FORGOTTEN if address is None else provider_of(address.rpartition("@")[2])
        found.setdefault(provider, Counter())[reply_class] += 1
    rows = sorted((ProviderRow(name, of) for name, of in found.items()), key=lambda row: (-row.total, row.name))
    shown, rest = rows[:MOST_PROVIDERS], rows[MOST_PROVIDERS:]
    if rest:
        others = sum((Counter(row.classes) for row in rest), Counter[str]())
        shown.append(ProviderRow(OTHERS, others))
    return ReturnedCounts(since, sum((Counter(row.classes) for row in rows), Counter[str]()), shown)


def _rows(connection: Connection, since: datetime) -> list[tuple[str, str | None]]:
    bounced = (
        select(_class(), people.c.address)
        .select_from(_with_people())
        .where(FEEDBACK, events.c.at >= since)
    )  # fmt: skip
    refused = (
        select(deliveries.c.reply_class, people.c.address)
        .select_from(deliveries.outerjoin(people, people.c.id == deliveries.c.person_id))
        .where(*_refused(since))
    )
    return [(row[0], row[1]) for query in (bounced, refused) for row in connection.execute(query)]


def latest(connection: Connection, reply_class: str, *, now: datetime, most: int) -> list[ReturnedMail]:
    """The latest of one class, the newest first."""
    since = now - LATELY
    later = (
        select(campaigns.c.slug, people.c.address, events.c.at, _class(), events.c.detail)
        .select_from(_with_people().join(campaigns, campaigns.c.id == events.c.campaign_id))
        .where(FEEDBACK, events.c.at >= since, _class() == reply_class)
        .order_by(events.c.at.desc(), events.c.id.desc())
        .limit(most)
    )
    at_once = (
        select(
            campaigns.c.slug, people.c.address, deliveries.c.changed_at, deliveries.c.reply_class, deliveries.c.detail
        )
        .select_from(
            deliveries.outerjoin(people, people.c.id == deliveries.c.person_id)
            .join(campaigns, campaigns.c.id == deliveries.c.campaign_id)
        )
        .where(*_refused(since), deliveries.c.reply_class == reply_class)
        .order_by(deliveries.c.changed_at.desc(), deliveries.c.id.desc())
        .limit(most)
    )  # fmt: skip
    found = [ReturnedMail(*row) for query in (later, at_once) for row in connection.execute(query)]
    return sorted(found, key=lambda one: one.at, reverse=True)[:most]


def _class() -> ColumnElement[str]:
    return case((events.c.kind == "complained", COMPLAINED), else_=events.c.reply_class)


def _with_people() -> FromClause:
    return events.join(deliveries, about(events)).outerjoin(people, people.c.id == deliveries.c.person_id)


def _refused(since: datetime) -> tuple[ColumnElement[bool], ...]:
    """What was refused for good at the hand-over, of newsletters that left since then."""
    lately = select(campaigns.c.id).where(campaigns.c.launched_at >= since - LATELY)
    return (
        APART, deliveries.c.state == DeliveryState.FAILED.value, deliveries.c.campaign_id.in_(lately),
        deliveries.c.changed_at >= since,
    )  # fmt: skip


def newest_event(connection: Connection) -> str:
    """Changes whenever something came that may count here; quick, however much there is."""
    newest = select(func.max(events.c.id)).scalar_subquery()
    failed = select(func.count()).select_from(deliveries).where(APART, deliveries.c.state == DeliveryState.FAILED.value)
    return repr(connection.execute(select(newest, failed.scalar_subquery())).one())
