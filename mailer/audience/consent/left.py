"""Who left by way of a newsletter, as its events tell it."""

from __future__ import annotations

from sqlalchemy import Subquery, case, func, select

from mailer.store.tables.core import events


def who_left(campaign_id: int | None = None) -> Subquery:
    """The deliveries (`delivery_id`, `campaign_id`) by way of which people left and did not take it back since; without
    `campaign_id` of all newsletters."""
    kind, number = events.c.kind, events.c.id
    mine = events.c.campaign_id.is_not(None) if campaign_id is None else events.c.campaign_id == campaign_id
    last = (
        select(
            events.c.delivery_id,
            func.max(events.c.campaign_id).label("campaign_id"),
            func.max(case((kind == "unsubscribed", number))).label("left"),
            func.coalesce(func.max(case((kind == "undone", number))), 0).label("undone"),
        )
        .where(mine, kind.in_(["unsubscribed", "undone"]))
        .group_by(events.c.delivery_id)
        .subquery()
    )
    return select(last.c.delivery_id, last.c.campaign_id).where(last.c.left > last.c.undone).subquery()
