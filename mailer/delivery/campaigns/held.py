"""What staff decide about people whose hour was past before it was their turn: they are held, and nobody is mailed at
night because something was late."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, Connection, func, literal, select, update

from mailer.audience.people.zones import ZoneKey
from mailer.counting import counted
from mailer.delivery.campaigns.lifecycle import note_decision
from mailer.delivery.campaigns.timed import HOUR_PAST, SAME, WHERE, fill_moments, moments
from mailer.delivery.ledger.reopen import lock_campaign, reopen
from mailer.delivery.schedule.local_hours import fallback
from mailer.errors import MailerError
from mailer.staff.actor import Actor
from mailer.store.engine.database import Database
from mailer.store.tables.core import APART, campaigns, deliveries
from mailer.store.tables.states import CampaignState, DeliveryState
from mailer.store.tables.types import to_microseconds
from mailer.timezones.local_time import next_at


class HeldChoice(StrEnum):
    """What becomes of people who are held."""

    NOW = "now"  # mailed at once, whatever the hour is there
    NEXT_DAY = "next day"  # mailed when their clocks show the hour next
    LEAVE_OUT = "left out"


def decide_held(
    database: Database, campaign_id: int, choice: HeldChoice, *, now: datetime, by: Actor | None = None,
    until: datetime | None = None,
) -> int:  # fmt: skip
    """Carry out staff's decision about everybody who is held; returns how many. A finished campaign goes on.

    `until`: only those who were held by then, such as those that a page showed.
    """
    held = [APART, deliveries.c.campaign_id == campaign_id, deliveries.c.state == DeliveryState.HELD]
    if until is not None:
        held.append(deliveries.c.changed_at <= until)
    with database.write(of_everyone=True) as connection:
        state, _ = lock_campaign(connection, campaign_id)
        if state == CampaignState.CANCELLED:
            raise MailerError("the campaign is cancelled, so it mails nobody again")
        values = _values(connection, campaign_id, choice, held, now)
        count = connection.execute(update(deliveries).where(*held).values(changed_at=now, **values)).rowcount
        if count and choice is not HeldChoice.LEAVE_OUT:
            reopen(connection, campaign_id, now=now)
        note_decision(connection, by, f"held mails: {choice}", campaign_id, at=now, detail=counted(count))
    return count


def _values(
    connection: Connection, campaign_id: int, choice: HeldChoice, held: list[ColumnElement[bool]], now: datetime
) -> dict[str, Any]:
    if choice is HeldChoice.LEAVE_OUT:
        return {"state": DeliveryState.SKIPPED, "code": HOUR_PAST, "detail": "left out by staff's decision"}
    if choice is HeldChoice.NOW:
        return {
            "state": DeliveryState.QUEUED, "not_before": now, "not_after": None, "code": "",
            "detail": "mailed late by staff's decision",
        }  # fmt: skip
    row = connection.execute(
        select(campaigns.c.local_at, campaigns.c.zone, campaigns.c.late_seconds).where(campaigns.c.id == campaign_id)
    ).one()
    if not row.local_at:
        raise MailerError("it has no hour of the day to wait for", remedy="Mail them now, or leave them out.")
    at = datetime.fromisoformat(row.local_at).time()
    who = select(deliveries.c.person_id).where(*held, deliveries.c.person_id.is_not(None)).subquery()
    fill_moments(connection, who, lambda key: (_next(key, row.zone, at, now), DeliveryState.QUEUED, ""))
    theirs = select(moments.c.not_before).select_from(WHERE.join(moments, SAME))
    theirs = theirs.where(WHERE.c.id == deliveries.c.person_id).scalar_subquery()
    otherwise = to_microseconds(_next(ZoneKey(""), row.zone, at, now))  # of people forgotten since
    leaves = func.coalesce(theirs, literal(otherwise, BigInteger))
    late = round(timedelta(seconds=row.late_seconds).total_seconds() * 1_000_000)
    return {
        "state": DeliveryState.QUEUED, "not_before": leaves, "not_after": leaves + late, "code": "",
        "detail": "mailed on another day by staff's decision",
    }  # fmt: skip


def _next(key: ZoneKey, zone: str, at: time, now: datetime) -> datetime:
    return next_at(now, ZoneInfo(key.zone[0] or fallback(zone)), at)
