"""The message as it was mailed: read back from its campaign or proof, for people who follow a link years later."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from mailer.compose.message import Message, from_json
from mailer.errors import MailerError
from mailer.store.tables.core import campaigns, deliveries, proofs
from mailer.store.tables.states import CampaignState

NUMBERS_PER_CAMPAIGN = 2**32  # a delivery's id is its campaign's, times this, plus a number of its own


class NotKept(MailerError):
    """The campaign, proof or delivery is not in this database: deleted, or the database is an older copy."""


def campaign_of(delivery_id: int) -> int:
    """The campaign a delivery belongs to, from its id alone."""
    return delivery_id // NUMBERS_PER_CAMPAIGN


def frozen_message(connection: Connection, campaign_id: int) -> Message:
    """The message a campaign mails. Raises `NotKept`."""
    data = connection.execute(select(campaigns.c.message).where(campaigns.c.id == campaign_id)).scalar()
    if data is None:
        raise NotKept("this campaign is no longer kept here")
    return from_json(data)


def public_campaigns(connection: Connection, slug: str = "") -> list[tuple[int, datetime]]:
    """Campaigns whose newsletter is in the archive, or the one of `slug`: number and start, newest first."""
    begun = campaigns.c.state.in_([CampaignState.SENDING, CampaignState.PAUSED, CampaignState.FINISHED])
    query = select(campaigns.c.id, campaigns.c.launched_at).where(
        campaigns.c.is_public, campaigns.c.launched_at.is_not(None), begun
    )
    if slug:
        query = query.where(campaigns.c.slug == slug)
    rows = connection.execute(query.order_by(campaigns.c.launched_at.desc(), campaigns.c.id))
    return [(row.id, row.launched_at) for row in rows]


def proof_message(connection: Connection, proof_id: int) -> tuple[Message, int | None]:
    """The message of a proof, and the person it was merged as. Raises `NotKept`."""
    row = connection.execute(select(proofs.c.message, proofs.c.person_id).where(proofs.c.id == proof_id)).first()
    if row is None:
        raise NotKept("this proof is no longer kept here")
    return from_json(row.message), row.person_id


def version_of(connection: Connection, delivery_id: int) -> str:
    """The version of the mail that a delivery is of: a translation's language, "" the original. Raises `NotKept`."""
    found = connection.execute(select(deliveries.c.language).where(deliveries.c.id == delivery_id)).scalar()
    if found is None:
        raise NotKept("this mail is no longer kept here")
    return found


def recipient_of(connection: Connection, delivery_id: int) -> int | None:
    """The person a delivery was for; None once they were forgotten. Raises `NotKept` when there is no such delivery."""
    row = connection.execute(select(deliveries.c.person_id).where(deliveries.c.id == delivery_id)).first()
    if row is None:
        raise NotKept("this mail is no longer kept here")
    return row.person_id
