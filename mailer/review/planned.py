"""When a newsletter is meant to leave, before it is scheduled: the time is part of what is approved."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from mailer.review.content import PlannedTime
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.store.tables.states import PastHour
from mailer.store.tables.writing import planned_times


def planned_time(connection: Connection, slug: str) -> PlannedTime | None:
    """When it is meant to leave; None: as soon as it is sent."""
    row = connection.execute(select(planned_times).where(planned_times.c.slug == slug)).one_or_none()
    if row is None:
        return None
    return PlannedTime(row.due_at, row.zone, row.local, PastHour(row.past), timedelta(seconds=row.spread_seconds))


def plan_time(
    connection: Connection, actor: Actor, slug: str, leaves: PlannedTime | None, *, list_name: str, at: datetime
) -> None:
    """Plan when a newsletter leaves; None: as soon as it is sent. Another time than was approved needs approving."""
    actor.require(Right.WRITE, list_name)
    if planned_time(connection, slug) == leaves:
        return
    connection.execute(delete(planned_times).where(planned_times.c.slug == slug))
    if leaves is not None:
        more = {"local": leaves.local, "past": leaves.past, "spread_seconds": int(leaves.spread.total_seconds())}
        connection.execute(insert(planned_times).values(slug=slug, due_at=leaves.at, zone=leaves.zone, **more))
    told = str(leaves) if leaves else "as soon as it is sent"
    audit.record(connection, actor, "time planned", at=at, subject=audit.newsletter_subject(slug), detail=told)
