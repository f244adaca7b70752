"""The message as it was mailed: read back from its campaign or proof, for people who follow a link years later."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Row, select

from mailer.compose.message import ARMS, REST, Message, from_json, version_name
from mailer.errors import MailerError
from mailer.store.engine.by_campaign import numbered
from mailer.store.engine.prepared import ByNumber
from mailer.store.tables.core import campaigns, deliveries, proofs
from mailer.store.tables.experiments import campaign_tests
from mailer.store.tables.states import CampaignState

_RECIPIENT = ByNumber(deliveries.c.id, lambda which: select(deliveries.c.person_id).where(which))


class NotKept(MailerError):
    """The campaign, proof or delivery is not in this database: deleted, or the database is an older copy."""


def frozen_message(connection: Connection, campaign_id: int) -> Message:
    """The message a campaign mails. Raises `NotKept`."""
    data = connection.execute(select(campaigns.c.message).where(campaigns.c.id == campaign_id)).scalar()
    if data is None:
        raise NotKept("this campaign is no longer kept here")
    return from_json(data)


def public_message(connection: Connection, campaign_id: int) -> tuple[Message, bool]:
    """The message as the archive shows it, and whether that is for good: of a test it is the version that won, and the
    first as long as none has. Raises `NotKept`."""
    message = frozen_message(connection, campaign_id)
    if not message.variants:
        return message, True
    won = select(campaign_tests.c.winner).where(campaign_tests.c.campaign_id == campaign_id)
    winner = connection.execute(won).scalar() or ""
    return message.arm(winner or ARMS[0]), bool(winner)


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


def language_of(connection: Connection, delivery_id: int) -> str:
    """The language that a delivery's mail was sent in: a translation's, "" the original's. Raises `NotKept`."""
    return _version_of(connection, delivery_id).language


def version_of(connection: Connection, delivery_id: int) -> str:
    """The version of the mail that a delivery is of, by `compose.message.version_name`. Of the rest of a test it is the
    one that won, and the first as long as none has. Raises `NotKept`."""
    row = _version_of(connection, delivery_id)
    return version_name((row.winner or "") if row.arm == REST else row.arm, row.language)


def _version_of(connection: Connection, delivery_id: int) -> Row[str, str, str]:
    tested = deliveries.outerjoin(campaign_tests, campaign_tests.c.campaign_id == deliveries.c.campaign_id)
    query = select(deliveries.c.language, deliveries.c.arm, campaign_tests.c.winner).select_from(tested)
    row = connection.execute(query.where(numbered(delivery_id))).first()
    if row is None:
        raise NotKept("this mail is no longer kept here")
    return row


def recipient_of(connection: Connection, delivery_id: int) -> int | None:
    """The person a delivery was for; None once they were forgotten. Raises `NotKept` when there is no such delivery."""
    rows = _RECIPIENT.rows(connection, [delivery_id], {})
    if not rows:
        raise NotKept("this mail is no longer kept here")
    return rows[0][0]
