"""Finds who a provider's event is about when it lacks the arguments we sent along, as far as the database can tell."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from sqlalchemy import Connection, exists, select

from mailer.audience.addresses import BadAddress, normalise
from mailer.store.tables.core import campaigns, deliveries, people
from mailer.store.tables.states import DeliveryState
from mailer.transports.events import ProviderEvent, What

# A server may accept a mail and bounce it later; the provider may then know neither its own id nor our arguments.
# Relays give up after four or five days (RFC 5321 §4.5.4.1).
ASYNCHRONOUS = timedelta(days=5)


def mailed_person(connection: Connection, event: ProviderEvent, provider: str) -> bytes | None:
    """The keyed hash of the event's address, if it belongs to a person we have mailed through this provider before."""
    mailed = exists().where(
        deliveries.c.person_id == people.c.id,
        deliveries.c.state.in_((DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.UNCERTAIN)),
        campaigns.c.id == deliveries.c.campaign_id,
        campaigns.c.transport == provider,
    )
    return connection.execute(select(people.c.address_hash).where(people.c.address == _address(event), mailed)).scalar()


def plausible(connection: Connection, event: ProviderEvent) -> int | None:
    """The delivery an event without our arguments is about: the only one to its address in the five days before."""
    if event.what is not What.BOUNCED:
        return None  # every other kind has our arguments, if it is about a mail of ours
    conditions = [
        people.c.address == _address(event),
        deliveries.c.state.in_((DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.UNCERTAIN)),
        deliveries.c.changed_at.between(event.at - ASYNCHRONOUS, event.at),
    ]
    if event.provider_id:
        conditions.append(deliveries.c.provider_id == event.provider_id)
    query = select(deliveries.c.id).join(people, people.c.id == deliveries.c.person_id).where(*conditions).limit(2)
    found = connection.execute(query).scalars().all()
    return found[0] if len(found) == 1 else None


def _address(event: ProviderEvent) -> str:
    """Its address as we keep addresses; "", which is nobody's, where it is none."""
    with suppress(BadAddress):
        return normalise(event.address)
    return ""
