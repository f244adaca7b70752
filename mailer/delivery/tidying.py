"""What `mailer run` clears away: wishes nobody confirmed, notices read long ago, limits that are over, old posts."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import exists, or_, select

from mailer.audience import wishes
from mailer.delivery import notices
from mailer.delivery.posts import delete_old
from mailer.store import limits
from mailer.store.database import Database

# Of rows that hold nobody back it is no matter when they go; so seldom that most runs write nothing.
LIMITS_AFTER = timedelta(days=1)


def tidy(database: Database, *, now: datetime) -> bool:
    """Delete what is too old to be kept. False when nothing was: then nothing was written either."""
    deleted = delete_old(database, now=now) > 0
    done = notices.notices.c.state.in_([state.value for state in notices.DONE])
    named = (notices.notices.c.address != "") & (notices.notices.c.created_at < now - notices.KEEP_ADDRESS)
    old = or_(named, notices.notices.c.created_at < now - notices.KEEP)
    due = or_(
        exists().where(wishes.confirmations.c.asked_at < now - wishes.KEEP),
        exists().where(limits.rate_limits.c.next_at < now - LIMITS_AFTER),
        exists().where(done, old),
    )
    with database.read() as connection:
        if not connection.execute(select(due)).scalar():
            return deleted
    with database.write() as connection:
        wishes.prune(connection, now=now)
        limits.prune(connection, now=now)
        notices.prune(connection, now=now)
    return True
