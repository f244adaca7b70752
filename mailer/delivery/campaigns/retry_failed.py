"""Puts people back into the queue who missed a mail by our own fault, such as a sender that the relay refused.

Staff decide it once the fault is fixed. Uncertain recipients are for `campaigns.resolve_uncertain`.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, insert, literal, select, update

from mailer.counting import counted
from mailer.delivery.campaigns.lifecycle import note_decision
from mailer.delivery.ledger.reopen import lock_campaign, reopen
from mailer.errors import MailerError
from mailer.staff.actor import Actor
from mailer.store.engine.database import Database
from mailer.store.tables.core import APART, campaigns, deliveries, events
from mailer.store.tables.states import CampaignState, DeliveryState
from mailer.transports.base import ReplyClass

RETRIED = "retried"  # the event's kind


def retry_failed(database: Database, campaign_id: int, *, now: datetime, by: Actor | None = None) -> int:
    """Queue everybody of this campaign again who failed by our own fault; returns how many. Surely none of them was
    mailed. A finished campaign goes on; a cancelled one mails nobody again."""
    ours = [
        APART,
        deliveries.c.campaign_id == campaign_id,
        deliveries.c.state == DeliveryState.FAILED,
        deliveries.c.reply_class == ReplyClass.OURS.value,
    ]
    what = select(
        deliveries.c.campaign_id,
        deliveries.c.id,
        bindparam("at", now, campaigns.c.created_at.type),
        literal(RETRIED),
        deliveries.c.code,
    )
    queued = {
        "state": DeliveryState.QUEUED,
        "not_before": now,
        "code": "",
        "detail": "queued again by staff's decision",
        "reply_class": "",
    }
    with database.write() as connection:
        state, _ = lock_campaign(connection, campaign_id)
        if state == CampaignState.CANCELLED:
            raise MailerError("the campaign is cancelled, so it mails nobody again")
        columns = ["campaign_id", "delivery_id", "at", "kind", "detail"]
        connection.execute(insert(events).from_select(columns, what.where(*ours)))
        count = connection.execute(update(deliveries).where(*ours).values(changed_at=now, **queued)).rowcount
        if count:
            reopen(connection, campaign_id, now=now)
        note_decision(connection, by, "failed mails queued again", campaign_id, at=now, detail=counted(count))
    return count
