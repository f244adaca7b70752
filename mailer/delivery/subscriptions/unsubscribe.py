"""Leaving by way of a mail: the person of a delivery leaves the lists it went to, and the campaign's figures know it.

How a subscription ends, and its proof, is for `audience.consent`; pages and requests are for `web`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from mailer.audience.consent.changes import leave
from mailer.audience.consent.recheck import change_consent
from mailer.delivery.ledger.mailed_message import NotKept, language_of, recipient_of
from mailer.store.engine.by_campaign import campaign_of, given, those
from mailer.store.tables.core import campaigns, deliveries, events, lists, people, subscriptions
from mailer.store.tables.states import DeliveryState, Membership

UNSUBSCRIBED = "unsubscribed"  # kinds of `events`
UNDONE = "undone"
ARRIVED = "arrived"


@dataclass(frozen=True, slots=True)
class RecipientStatus:
    """The subscriptions of a delivery's person. `address` is None once they were forgotten."""

    person_id: int | None
    address: str | None
    asked: tuple[str, ...]  # names of the lists the campaign went to
    language: str  # theirs, else the campaign's
    subscribed: tuple[tuple[int, str], ...]  # number and name of each list they are on now, sorted by name

    @property
    def on_asked(self) -> tuple[str, ...]:
        """The campaign's lists that they are on now."""
        return tuple(name for _, name in self.subscribed if name in self.asked)


def standing(connection: Connection, delivery_id: int) -> RecipientStatus:
    """The subscriptions of a delivery's person now. Raises `NotKept`."""
    person_id = recipient_of(connection, delivery_id)
    asked, written_in = campaign_lists(connection, campaign_of(delivery_id))
    written_in = language_of(connection, delivery_id) or written_in
    person = connection.execute(
        select(people.c.address, people.c.language).where(people.c.id == (-1 if person_id is None else person_id))
    ).first()
    if person is None:
        return RecipientStatus(None, None, asked, written_in, ())
    rows = connection.execute(
        select(lists.c.id, lists.c.name)
        .join(subscriptions, subscriptions.c.list_id == lists.c.id)
        .where(subscriptions.c.person_id == person_id, subscriptions.c.status != Membership.UNSUBSCRIBED)
        .order_by(lists.c.name)
    ).all()
    return RecipientStatus(
        person_id, person.address, asked, person.language or written_in, tuple((row.id, row.name) for row in rows)
    )


def leave_campaign(connection: Connection, *, delivery_id: int, how: str, at: datetime) -> RecipientStatus:
    """The person of a delivery leaves the lists its campaign went to. Repeats change nothing.

    Returns their status before. `how` is link or one-click. Raises `NotKept`.
    """
    before = standing(connection, delivery_id)
    ids = connection.execute(select(lists.c.id).where(lists.c.name.in_(before.asked))).scalars().all()
    leave_lists(connection, before.person_id, delivery_id=delivery_id, list_ids=ids, how=how, at=at)
    return before


def leave_some(
    connection: Connection, *, delivery_id: int, list_ids: Sequence[int], how: str, at: datetime
) -> RecipientStatus:
    """The person of a delivery leaves these lists. Returns their status before. Raises `NotKept`."""
    before = standing(connection, delivery_id)
    leave_lists(connection, before.person_id, delivery_id=delivery_id, list_ids=list_ids, how=how, at=at)
    return before


def note_arrival(connection: Connection, delivery_ids: Sequence[int], *, at: datetime) -> int:
    """Links of these deliveries were followed: those that were uncertain did arrive, and count as sent from now on.

    A token can't be guessed, so anyone who holds one, person or scanner, has the mail. Returns how many were settled.
    """
    arrived = connection.execute(
        update(deliveries)
        .where(those("numbers"), deliveries.c.state == DeliveryState.UNCERTAIN)
        .values(state=DeliveryState.SENT, changed_at=at)
        .returning(deliveries.c.id, deliveries.c.campaign_id),
        given("numbers", delivery_ids),
    ).all()
    rows = [
        {
            "campaign_id": row.campaign_id,
            "delivery_id": row.id,
            "at": at,
            "kind": ARRIVED,
            "detail": "a link was followed",
        }
        for row in arrived
    ]
    if rows:
        connection.execute(insert(events), rows)
    return len(rows)


def leave_lists(
    connection: Connection,
    person_id: int | None,
    *,
    delivery_id: int,
    list_ids: Sequence[int],
    how: str,
    at: datetime,
) -> None:
    """Leave the lists and note it once for the delivery, however often it is pressed; again after it was undone.

    Raises `NotKept`.
    """
    if person_id is None or not list_ids:
        return
    change_consent(connection)  # before any row of the ledger is touched, so that no worker waits for us while we wait
    campaign_id = campaign_of(delivery_id)
    slug = connection.execute(select(campaigns.c.slug).where(campaigns.c.id == campaign_id)).scalar()
    if slug is None:
        raise NotKept("this campaign is no longer kept here")
    note_arrival(connection, [delivery_id], at=at)
    if not leave(connection, person_id=person_id, list_ids=list_ids, how=how, source=slug, at=at):
        return
    noted = (
        select(events.c.kind)
        .where(events.c.delivery_id == delivery_id, events.c.kind.in_([UNSUBSCRIBED, UNDONE]))
        .order_by(events.c.id.desc())
        .limit(1)
    )
    if connection.execute(noted).scalar() != UNSUBSCRIBED:
        row = {"campaign_id": campaign_id, "delivery_id": delivery_id, "at": at, "kind": UNSUBSCRIBED, "detail": how}
        connection.execute(insert(events).values(row))


def campaign_lists(connection: Connection, campaign_id: int) -> tuple[tuple[str, ...], str]:
    """The lists a campaign went to and the language it was written in. Raises `NotKept`."""
    row = connection.execute(
        select(campaigns.c.audience, campaigns.c.message["language"].as_string().label("language")).where(
            campaigns.c.id == campaign_id
        )
    ).first()
    if row is None:
        raise NotKept("this campaign is no longer kept here")
    return tuple(row.audience.get("include", ())), row.language or ""
