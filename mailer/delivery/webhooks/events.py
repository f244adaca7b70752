"""Queues calls to another program, such as a CRM, in the transaction in which something happens.

So nothing is reported that did not happen, and nothing that happened is forgotten. `deliver` sends the calls. Nothing
is queued unless mailer.toml sets `webhook.url`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, insert, select

from mailer.settings import Settings
from mailer.signature_fields import FIELDS
from mailer.store.tables.core import campaigns, people
from mailer.store.tables.inbound import signatures, webhook_calls


class Event(StrEnum):
    """What is reported."""

    SIGNED = "signature.made"
    SIGNED_AGAIN = "signature.changed"


class CallState(StrEnum):
    """The state of one call."""

    QUEUED = "queued"  # due from `not_before` on
    SENT = "sent"  # accepted by the other side
    FAILED = "failed"  # given up


def tell_signature(
    connection: Connection, *, settings: Settings, signature_id: int, opt_in: bool, new: bool, at: datetime
) -> None:
    """Queue a call: somebody signed, or signed again. `opt_in`: they asked for news, and may still have to confirm."""
    if not settings.webhook.url:
        return
    row = (
        connection.execute(
            select(signatures, people.c.address, campaigns.c.slug)
            .join(people, people.c.id == signatures.c.person_id)
            .outerjoin(campaigns, campaigns.c.id == signatures.c.campaign_id)
            .where(signatures.c.id == signature_id)
        )
        .mappings()
        .one()
    )
    said = {field.name: row[field.name] if field.kept else row["address"] for field in FIELDS if field.webhook}
    event = Event.SIGNED if new else Event.SIGNED_AGAIN
    body = {
        "event": event.value, "at": at.isoformat(), "page": row["page"], **said, "opt_in": opt_in,
        "source": row["slug"] or row["source"],
    }  # fmt: skip
    connection.execute(
        insert(webhook_calls).values(
            event=event.value, payload=body, person_id=row["person_id"], state=CallState.QUEUED.value, not_before=at,
            created_at=at,
        )
    )  # fmt: skip
