"""What `mailer run` deletes: what nobody confirmed, limits and sessions that are over, old drafts, versions, jobs,
presses of unsubscribe buttons, readings of data, the words of replies, and what would take old imports back.

None of it can be made again, so one run on a machine whose clock is years ahead must not find all of it old. A clock
that is far ahead of everything the database knows is believed once it has said so for a day.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import Connection, Table, exists, or_, select
from sqlalchemy.sql.schema import Column

from mailer.audience.consent import confirmations
from mailer.delivery.data import kept as readings
from mailer.delivery.data import unused
from mailer.delivery.replies import kept
from mailer.delivery.subscriptions import presses
from mailer.editing import drafts, versions
from mailer.settings.schema import Replies
from mailer.staff import sessions
from mailer.store import jobs, rate_limits
from mailer.store.engine.database import Database
from mailer.store.engine.fence import Mark, find_mark, remove_mark, set_mark
from mailer.store.tables.core import campaigns, events, hits
from mailer.store.tables.imports import imports

log = logging.getLogger(__name__)

# Rows that hold nobody back can go at any time; so seldom that most runs write nothing.
LIMITS_AFTER = timedelta(days=1)
SESSIONS_AFTER = timedelta(days=1)
KEEP_REPLIES = Replies().keep
LEAP = timedelta(days=180)  # without any sign of life in the database: a clock that is wrong, or a long sleep
BELIEVED_AFTER = timedelta(days=1)
AHEAD = "ahead"  # the mark of a database whose clock was so far ahead, first at that time

SIGNS: tuple[tuple[Table, Column[datetime]], ...] = (
    (hits, hits.c.at),
    (events, events.c.at),
    (campaigns, campaigns.c.launched_at),
    (jobs.jobs, jobs.jobs.c.created_at),
    (confirmations.requests, confirmations.requests.c.asked_at),
)


def tidy(database: Database, *, now: datetime, keep_replies: timedelta = KEEP_REPLIES) -> bool:
    """Delete what is too old to be kept; `keep_replies`: how long the words of replies are. False when nothing was:
    then nothing was written either, unless the clock is not believed, which is noted and logged."""
    with database.read() as connection:
        if not _anything_old(connection, now, keep_replies):
            return False
    from mailer.audience.imports import past  # which brings all that reads files

    with database.write() as connection:
        if not clock_is_believed(connection, now=now):
            return False
        confirmations.prune(connection, now=now)
        rate_limits.prune(connection, now=now)
        jobs.prune(connection, now=now)
        sessions.prune_sessions(connection, now=now)
        drafts.prune(connection, now=now)
        versions.prune(connection, now=now)
        past.prune(connection, now=now)
        presses.prune(connection, now=now)
        readings.prune(connection, now=now)
        unused.prune(connection, now=now)
        kept.blank_old(connection, now=now, keep=keep_replies)
    return True


def clock_is_believed(connection: Connection, *, now: datetime) -> bool:
    """Whether what looks old at `now` may be deleted; notes and logs when the clock first leaped ahead."""
    noted = find_mark(connection, AHEAD)
    if noted and timedelta() <= now - noted.at < BELIEVED_AFTER:
        return False
    if noted:  # it was put back since, or has said so for long enough
        remove_mark(connection, AHEAD)
        if now - noted.at < LEAP:
            return True
    newest = _newest(connection)
    if newest is None or now - newest < LEAP:
        return True
    set_mark(connection, Mark(AHEAD, now))
    log.warning(
        "the clock says %s, and the newest in the database is of %s: nothing old is cleared away before tomorrow, in"
        " case the clock is wrong",
        f"{now:%Y-%m-%d}",
        f"{newest:%Y-%m-%d}",
    )
    return False


def _anything_old(connection: Connection, now: datetime, keep_replies: timedelta) -> bool:
    due = or_(
        exists().where(confirmations.requests.c.asked_at < now - confirmations.KEEP),
        exists().where(rate_limits.rate_limits.c.next_at < now - LIMITS_AFTER),
        jobs.any_old(now),
        exists().where(sessions.over(now - SESSIONS_AFTER)),
        drafts.any_old(now),
        versions.any_old(now),
        exists().where(imports.c.undo_until < now),
        presses.any_old(now),
        readings.any_old(now),
        unused.any_old(now),
        kept.any_old(now, keep_replies),
    )
    return bool(connection.execute(select(due)).scalar())


def _newest(connection: Connection) -> datetime | None:
    """The last sign of life: the newest of the last rows, or None in a database without any."""
    last = [
        connection.execute(select(at).where(at.is_not(None)).order_by(table.c.id.desc()).limit(1)).scalar()
        for table, at in SIGNS
    ]
    return max((moment for moment in last if moment is not None), default=None)
