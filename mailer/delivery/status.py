"""How every campaign stands: its state, when it is due, and how many people are where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from mailer.store.tables import CampaignState, DeliveryState, campaigns, deliveries, people


@dataclass(frozen=True, slots=True)
class CampaignStatus:
    """One campaign at a glance. `people` counts deliveries by state; `next_try` is when the first queued one is due."""

    slug: str
    state: CampaignState
    why: str
    transport: str
    due_at: datetime | None
    zone: str
    launched_at: datetime | None
    finished_at: datetime | None
    digest: str
    people: Mapping[DeliveryState, int]
    next_try: datetime | None


def campaign_statuses(connection: Connection) -> list[CampaignStatus]:
    """All campaigns, the newest first."""
    people: dict[int, dict[DeliveryState, int]] = {}
    next_try: dict[int, datetime] = {}
    counted = select(
        deliveries.c.campaign_id, deliveries.c.state, func.count(), func.min(deliveries.c.not_before)
    ).group_by(deliveries.c.campaign_id, deliveries.c.state)
    for campaign_id, state, count, first in connection.execute(counted):
        people.setdefault(campaign_id, {})[DeliveryState(state)] = count
        if state == DeliveryState.QUEUED:
            next_try[campaign_id] = first
    rows = connection.execute(select(campaigns).order_by(campaigns.c.created_at.desc()))
    return [
        CampaignStatus(
            slug=row.slug,
            state=CampaignState(row.state),
            why=row.why,
            transport=row.transport,
            due_at=row.due_at,
            zone=row.zone,
            launched_at=row.launched_at,
            finished_at=row.finished_at,
            digest=row.digest,
            people=people.get(row.id, {}),
            next_try=next_try.get(row.id),
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Uncertain:
    """Somebody who may have got the mail or not. The address is "" once they were forgotten."""

    address: str
    since: datetime
    why: str


def uncertain_people(connection: Connection, campaign_id: int) -> list[Uncertain]:
    """Everybody whose delivery is uncertain, for staff to decide on."""
    rows = connection.execute(
        select(people.c.address, deliveries.c.changed_at, deliveries.c.detail)
        .select_from(deliveries.outerjoin(people, people.c.id == deliveries.c.person_id))
        .where(deliveries.c.campaign_id == campaign_id, deliveries.c.state == DeliveryState.UNCERTAIN)
        .order_by(deliveries.c.id)
    )
    return [Uncertain(row.address or "", row.changed_at, row.detail) for row in rows]
