"""Unsubscribes reported by others: a mail provider, or a mail to our mailbox. The proof says how.

Reports may come late or twice. Somebody who has joined again since isn't taken off by one that is older.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from mailer.delivery.ledger.mailed_message import recipient_of
from mailer.delivery.subscriptions.unsubscribe import leave_some, standing
from mailer.store.tables.core import subscriptions
from mailer.store.tables.states import Membership


def leave_campaign_by_report(connection: Connection, *, delivery_id: int, how: str, at: datetime) -> bool:
    """The person of a delivery leaves the campaign's lists. False when nothing changed. Raises `NotKept`."""
    now = standing(connection, delivery_id)
    asked = [number for number, name in now.subscribed if name in now.asked]
    return _leave(connection, now.person_id, asked, delivery_id=delivery_id, how=how, at=at)


def leave_all_by_report(connection: Connection, *, delivery_id: int, how: str, at: datetime) -> bool:
    """The person of a delivery leaves all their lists. False when nothing changed. Raises `NotKept`."""
    person_id = recipient_of(connection, delivery_id)
    theirs = select(subscriptions.c.list_id).where(subscriptions.c.person_id == (person_id or 0))
    numbers = connection.execute(theirs).scalars().all()
    return _leave(connection, person_id, numbers, delivery_id=delivery_id, how=how, at=at)


def _leave(
    connection: Connection, person_id: int | None, list_ids: Sequence[int], *, delivery_id: int, how: str, at: datetime
) -> bool:
    older = connection.execute(
        select(subscriptions.c.list_id).where(
            subscriptions.c.person_id == (person_id or 0),
            subscriptions.c.list_id.in_(list_ids),
            subscriptions.c.status != Membership.UNSUBSCRIBED,
            subscriptions.c.changed_at <= at,
        )
    )
    numbers = sorted(older.scalars())
    if numbers:
        leave_some(connection, delivery_id=delivery_id, list_ids=numbers, how=how, at=at)
    return bool(numbers)
