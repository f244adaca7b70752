"""Who acted lately: signed a page or followed a link, within some days; as segments, and how many there are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, func, select

from mailer.audience.selection.segment_sql import condition
from mailer.store.engine.dialects import expect_many_rows
from mailer.store.tables.core import people, subscriptions
from mailer.store.tables.states import Membership

DAYS = (30, 60, 180, 365)


def acting_within(days: int) -> str:
    """The segment of those who acted within so many days."""
    return f'signed_within("{days} days") or clicked_within("{days} days")'


def count_acting(connection: Connection, *, now: datetime) -> Mapping[int, int]:
    """How many of those on any list acted within each of `DAYS`, and under 0 how many are on any list."""
    expect_many_rows(connection)
    on_lists = people.c.id.in_(
        select(subscriptions.c.person_id).where(subscriptions.c.status == Membership.SUBSCRIBED.value)
    )
    everybody = select(func.count()).select_from(people).where(on_lists)
    counted = {0: everybody} | {days: everybody.where(condition(acting_within(days), now=now)) for days in DAYS}
    return {days: int(connection.execute(query).scalar_one()) for days, query in counted.items()}
