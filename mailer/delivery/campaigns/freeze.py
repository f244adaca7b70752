"""Freezes a campaign: its compiled message with links and pictures, and a row of the ledger for each person.

In the caller's transaction: what may be launched, and when, is for `lifecycle`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from mailer.audience.selection.select import Selection, decided, places
from mailer.audience.selection.spec import Audience, to_json
from mailer.compose import message as messages
from mailer.compose.message import Message
from mailer.compose.source.images import read_image
from mailer.delivery.ledger.mailed_message import NUMBERS_PER_CAMPAIGN
from mailer.errors import MailerError
from mailer.store.engine.dialects import insert_for
from mailer.store.tables.core import campaigns, deliveries, images, links
from mailer.store.tables.states import CampaignState, DeliveryState
from mailer.workspace import Newsletter


@dataclass(frozen=True, slots=True)
class Plan:
    """A message and its audience, ready to be launched or scheduled. The newsletter's folder has its pictures."""

    message: Message
    audience: Audience
    newsletter: Newsletter
    transport: str


def create_campaign(connection: Connection, plan: Plan, *, state: CampaignState, now: datetime) -> int:
    """Store the message, its links and its pictures as a new campaign; returns its number. Raises when there is one."""
    message = plan.message
    campaign_id = secrets.randbelow(2**31 - 1) + 1
    try:
        connection.execute(
            insert(campaigns).values(
                id=campaign_id,
                slug=message.slug,
                state=state,
                message=messages.to_json(message),
                digest=message.digest,
                audience=to_json(plan.audience),
                transport=plan.transport,
                is_urgent=message.is_urgent,
                is_public=message.is_public,
                created_at=now,
            )
        )
    except IntegrityError:
        raise MailerError(
            f"{message.slug} is being sent by somebody else right now", remedy="See: mailer status"
        ) from None
    if message.links:
        connection.execute(
            insert(links),
            [
                {
                    "campaign_id": campaign_id,
                    "n": link.n,
                    "url": link.url,
                    "label": link.label,
                    "placement": link.placement,
                    "is_action": link.is_action,
                }
                for link in message.links
            ],
        )
    keep_images(connection, message, plan.newsletter)
    return campaign_id


def keep_images(connection: Connection, message: Message, newsletter: Newsletter) -> None:
    """Store the message's pictures, so that they are served as they were mailed.

    Raises when one of them isn't the picture any more that was compiled, checked and previewed.
    """
    for image in message.images:
        known = connection.execute(select(images.c.digest).where(images.c.digest == image.digest)).scalar()
        if known is None:
            content = read_image(image, newsletter)
            row = {"digest": image.digest, "content_type": image.content_type, "content": content}
            connection.execute(insert_for(connection, images).values(row).on_conflict_do_nothing())


def freeze_audience(connection: Connection, campaign_id: int, audience: Audience, *, now: datetime) -> Selection:
    """One row for each person, numbered within the campaign, by a few statements of the database."""
    with decided(connection, audience, now=now) as selection:
        connection.execute(
            insert(deliveries).from_select(
                ["id", "campaign_id", "person_id", "state", "not_before"],
                select(
                    literal(campaign_id * NUMBERS_PER_CAMPAIGN) + places.c.n,
                    literal(campaign_id),
                    places.c.person_id,
                    literal(str(DeliveryState.QUEUED)),
                    bindparam("due", now, deliveries.c.not_before.type),
                ).order_by(places.c.n),
            )
        )
    connection.execute(
        update(campaigns).where(campaigns.c.id == campaign_id).values(counts=selection.counts(), launched_at=now)
    )
    return selection
