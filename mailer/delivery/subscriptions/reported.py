"""Unsubscribes reported by others: a mail provider, or a mail to our mailbox. The proof says how.

Reports may come late or twice. Somebody who has joined again since isn't taken off by one that is older.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from mailer.delivery.subscriptions.unsubscribe import campaign_lists, leave_lists
from mailer.store.engine.by_campaign import campaign_of
from mailer.store.tables.core import lists, subscriptions
from mailer.store.tables.states import Membership


def leave_by_report(
    connection: Connection, *, person_id: int, delivery_id: int, every_list: bool, how: str, at: datetime
) -> None:
    """The person of a delivery leaves the lists its campaign went to, or every list they are on. Raises `NotKept`."""
    theirs = (
        select(subscriptions.c.list_id)
        .where(
            subscriptions.c.person_id == person_id,
            subscriptions.c.status != Membership.UNSUBSCRIBED,
            subscriptions.c.changed_at <= at,
        )
        .order_by(subscriptions.c.list_id)
    )
    if not every_list:
        asked, _ = campaign_lists(connection, campaign_of(delivery_id))
        theirs = theirs.where(subscriptions.c.list_id.in_(select(lists.c.id).where(lists.c.name.in_(asked))))
    numbers = connection.execute(theirs).scalars().all()
    leave_lists(connection, person_id, delivery_id=delivery_id, list_ids=numbers, how=how, at=at)
