"""Leaving by mistake, or by a scanner that presses buttons: puts back exactly what a leaving by a mail changed.

A leaving shows in the proofs (`consents`) with its moment and its campaign. What the person, or anybody for them,
decided about a list later is kept, and so is every suppression that this leaving did not make.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, exists, insert, select, update

from mailer.audience.consent.changes import consent_source, prove
from mailer.delivery.subscriptions.unsubscribe import UNDONE
from mailer.store.engine.by_campaign import campaign_of, given, those
from mailer.store.tables.core import (
    campaigns,
    consent_sources,
    consents,
    deliveries,
    events,
    people,
    subscriptions,
    suppressions,
)
from mailer.store.tables.states import Membership, SuppressionReason

A_DAY = timedelta(days=1)  # how long the page after leaving offers to undo it
HOW = "undo"
LINK, ONE_CLICK = "link", "one-click"
WAYS = (LINK, ONE_CLICK)

# Marks of a scanner: it presses before anybody can have read the mail, or at many mailboxes of one company together.
QUICK = timedelta(seconds=60)
TOGETHER = timedelta(minutes=5)
MANY = 5


@dataclass(frozen=True, slots=True)
class Leaving:
    """One person's leaving by way of a mail, which is still in effect."""

    delivery_id: int
    person_id: int
    address: str
    at: datetime
    how: str  # link or one-click
    handed_over_at: datetime | None
    lists: tuple[int, ...]
    marks: tuple[str, ...] = ()  # what speaks for a machine

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


def leavings(connection: Connection, campaign_id: int, *, only: Collection[int] | None = None) -> list[Leaving]:
    """Everybody who left by way of this campaign's mail and has decided nothing since, in order of time; of the
    deliveries `only`, where they are given."""
    later = consents.alias("later")
    newer = exists().where(
        later.c.person_id == consents.c.person_id, later.c.list_id == consents.c.list_id, later.c.id > consents.c.id
    )
    query = (
        select(
            deliveries.c.id, people.c.id.label("person_id"), people.c.address, consents.c.at, consent_sources.c.how,
            deliveries.c.changed_at, consents.c.list_id,
        )
        .select_from(
            consents.join(consent_sources, consent_sources.c.id == consents.c.source_id)
            .join(campaigns, campaigns.c.slug == consent_sources.c.source)
            .join(
                deliveries,
                (deliveries.c.campaign_id == campaigns.c.id) & (deliveries.c.person_id == consents.c.person_id),
            )
            .join(people, people.c.id == consents.c.person_id)
            .join(
                subscriptions,
                (subscriptions.c.list_id == consents.c.list_id) & (subscriptions.c.person_id == people.c.id),
            )
        )
        .where(
            campaigns.c.id == campaign_id,
            consent_sources.c.how.in_(WAYS),
            consents.c.status == Membership.UNSUBSCRIBED.value,
            subscriptions.c.status == Membership.UNSUBSCRIBED.value,
            ~newer,
        )
        .order_by(consents.c.at, deliveries.c.id, consents.c.list_id)
    )  # fmt: skip
    values: dict[str, Any] = {}
    if only is not None:
        query, values = query.where(those("only")), given("only", sorted(only))
    found: dict[tuple[int, datetime], Leaving] = {}
    for row in connection.execute(query, values):
        one = found.get((row.id, row.at)) or Leaving(
            row.id, row.person_id, row.address, row.at, row.how, row.changed_at, ()
        )
        found[row.id, row.at] = replace(one, lists=(*one.lists, row.list_id))
    return list(found.values())


def marked(found: Sequence[Leaving]) -> list[Leaving]:
    """The same, with signs of a machine noted beside each; pure."""
    together: dict[str, list[datetime]] = {}
    for one in found:
        together.setdefault(one.domain, []).append(one.at)
    return [replace(one, marks=tuple(_marks(one, together[one.domain]))) for one in found]


def _marks(one: Leaving, times: Sequence[datetime]) -> Iterable[str]:
    if one.handed_over_at is not None and one.at - one.handed_over_at <= QUICK:
        yield f"{max(0, round((one.at - one.handed_over_at).total_seconds()))} s after the mail"
    near = sum(abs(time - one.at) <= TOGETHER for time in times)
    if near >= MANY:
        yield f"{near} of this domain within minutes"


def undo_last(connection: Connection, *, delivery_id: int, at: datetime) -> bool:
    """The person presses "undo": put back what their leaving by this mail changed within the last day."""
    recent = last(connection, delivery_id=delivery_id, at=at)
    return recent is not None and undo(connection, recent, by="the person", at=at)


def last(connection: Connection, *, delivery_id: int, at: datetime) -> Leaving | None:
    """The leaving by this mail that can be undone: of the last day, and nothing was decided since."""
    found = leavings(connection, campaign_of(delivery_id), only=[delivery_id])
    return next((one for one in reversed(found) if at - one.at < A_DAY), None)


def undo(connection: Connection, leaving: Leaving, *, by: str, at: datetime) -> bool:
    """Put back what one leaving changed. False when nothing was put back."""
    slug = connection.execute(
        select(campaigns.c.slug).where(campaigns.c.id == campaign_of(leaving.delivery_id))
    ).scalar_one()
    source_id = consent_source(connection, how=HOW, source=slug, wording="")
    hashed = select(people.c.address_hash).where(people.c.id == leaving.person_id).scalar_subquery()
    done = False
    for number in leaving.lists:
        status = _before(connection, leaving, number)
        changed = connection.execute(
            update(subscriptions)
            .where(
                subscriptions.c.person_id == leaving.person_id,
                subscriptions.c.list_id == number,
                subscriptions.c.status == Membership.UNSUBSCRIBED.value,
                subscriptions.c.changed_at == leaving.at,
            )
            .values(status=status.value, changed_at=at)
        ).rowcount
        if not changed:
            continue
        prove(connection, person_id=leaving.person_id, list_id=number, status=status, at=at, source_id=source_id)
        connection.execute(
            delete(suppressions).where(
                suppressions.c.address_hash == hashed,
                suppressions.c.list_id == number,
                suppressions.c.reason == SuppressionReason.UNSUBSCRIBED.value,
                suppressions.c.at == leaving.at,  # only the one that this leaving made
                suppressions.c.source == slug,
            )
        )
        done = True
    if done:
        row = {"campaign_id": campaign_of(leaving.delivery_id), "delivery_id": leaving.delivery_id, "at": at}
        connection.execute(insert(events).values(row | {"kind": UNDONE, "detail": f"by {by}"}))
    return done


def _before(connection: Connection, leaving: Leaving, number: int) -> Membership:
    """The person's membership before they left the list. Without a proof: subscribed, since the list mailed them."""
    last = connection.execute(
        select(consents.c.status)
        .where(
            consents.c.person_id == leaving.person_id,
            consents.c.list_id == number,
            consents.c.status != Membership.UNSUBSCRIBED.value,
        )
        .order_by(consents.c.id.desc())
        .limit(1)
    ).scalar()
    return Membership.PENDING if last == Membership.PENDING.value else Membership.SUBSCRIBED
