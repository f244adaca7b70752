"""Queues calls to another program, such as a CRM, in the transaction in which something happens.

So nothing is reported that did not happen, and nothing that happened is forgotten. `deliver` sends the calls. Nothing
is queued unless mailer.toml sets `webhook.url`.
"""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, select

from mailer.petition_fields.table import FIELDS
from mailer.settings import Settings
from mailer.store.jobs import WEBHOOK_CALL, add
from mailer.store.tables.core import campaigns, people
from mailer.store.tables.inbound import signatures


class Event(StrEnum):
    """What is reported."""

    SIGNED = "signature.made"
    SIGNED_AGAIN = "signature.changed"


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
        "event": event.value, "at": at.isoformat(), "page": row["page"], **said, "own": row["own"],
        "opt_in": opt_in, "source": row["slug"] or row["source"],
    }  # fmt: skip
    payload = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    add(connection, WEBHOOK_CALL, payload, at=at, topic=event.value, person_id=row["person_id"])
