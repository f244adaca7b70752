"""What staff decide about people whose mail didn't simply go out: to queue those again who missed it by our own fault,
once that is fixed, and to resend to those who may or may not have got it, or count them as mailed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

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


def resolve_uncertain(
    database: Database, campaign_id: int, *, resend: bool, now: datetime, by: Actor | None = None,
    until: datetime | None = None,
) -> int:  # fmt: skip
    """Staff's decision on everybody uncertain: mail them again, or count them as mailed. Returns how many.

    `until`: only those who were by then, such as those that a page showed; others wait for a decision.
    """
    changes: Mapping[str, Any] = (
        {"state": DeliveryState.QUEUED, "not_before": now, "detail": "resent by staff's decision"}
        if resend
        else {"state": DeliveryState.SENT, "detail": "counted as sent by staff's decision"}
    )
    uncertain = [APART, deliveries.c.campaign_id == campaign_id, deliveries.c.state == DeliveryState.UNCERTAIN]
    if until is not None:
        uncertain.append(deliveries.c.changed_at <= until)
    with database.write() as connection:
        state, _ = lock_campaign(connection, campaign_id)
        if resend and state == CampaignState.CANCELLED:
            raise MailerError("the campaign is cancelled, so it mails nobody again", remedy="Decide: --count-as-sent")
        kind = literal("resend" if resend else "counted-as-sent")
        what = select(
            deliveries.c.campaign_id, deliveries.c.id, bindparam("at", now, campaigns.c.created_at.type), kind
        )
        connection.execute(
            insert(events).from_select(["campaign_id", "delivery_id", "at", "kind"], what.where(*uncertain))
        )
        count = connection.execute(update(deliveries).where(*uncertain).values(changed_at=now, **changes)).rowcount
        if resend and count:
            reopen(connection, campaign_id, now=now)
        action = "uncertain mails sent again" if resend else "uncertain mails counted as sent"
        note_decision(connection, by, action, campaign_id, at=now, detail=counted(count))
    return count
