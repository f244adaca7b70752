"""Posts of a provider's webhook: kept as they came, applied after, each in one transaction and once.

A post that can't be read is put aside with the reason and holds no other up. Bodies hold addresses, so they are deleted
a week after they were applied, and sooner for somebody who is forgotten.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from mailer.settings import Bounces
from mailer.store.engine.database import Database, DatabaseTrouble
from mailer.store.tables.inbound import WAITING, provider_posts

log = logging.getLogger(__name__)

PROVIDER = "sendgrid"  # whose posts these are
# SendGrid repeats a post for a day; a week leaves staff a working week to look into one that went wrong.
KEEP = timedelta(days=7)
NO_TRY = "a fault of this program: "  # begins `trouble` of a post that could not be applied


@dataclass(frozen=True, slots=True)
class Tally:
    """What was applied."""

    posts: int = 0
    events: int = 0
    changed: int = 0  # deliveries
    kept: int = 0  # events that changed nothing, and were kept
    troubled: int = 0  # posts that could not be read or applied

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.posts + other.posts,
            self.events + other.events,
            self.changed + other.changed,
            self.kept + other.kept,
            self.troubled + other.troubled,
        )


def keep_post(connection: Connection, body: bytes, *, at: datetime) -> None:
    """Put a post where it waits to be applied."""
    connection.execute(insert(provider_posts).values(provider=PROVIDER, at=at, body=body))


def apply_waiting(
    database: Database, *, soft: Bounces, clock: Callable[[], datetime], due: Callable[[], bool] = lambda: False
) -> Tally:
    """Apply all posts that wait, until `due`. Any number of programs may do so side by side. Raises `DatabaseTrouble`,
    with nothing half-done."""
    total = Tally()
    while not due():
        done = _apply_next(database, soft=soft, now=clock())
        if done is None:
            break
        total += done
    return total


def delete_old(database: Database, *, now: datetime) -> int:
    """Delete the bodies that were applied long enough ago; returns how many."""
    old = provider_posts.c.applied_at < now - KEEP
    with database.read() as connection:
        if connection.execute(select(provider_posts.c.id).where(old).limit(1)).first() is None:
            return 0
    with database.write() as connection:
        return connection.execute(delete(provider_posts).where(old)).rowcount


def _apply_next(database: Database, *, soft: Bounces, now: datetime) -> Tally | None:
    """Apply the first post that nobody else is at; None when there is none."""
    with database.read() as connection:
        if connection.execute(select(provider_posts.c.id).where(WAITING).limit(1)).first() is None:
            return None
    # Here, since most looks find nothing, and it brings all that reports can change.
    from mailer.delivery.post_events import apply_body

    number = 0
    try:
        with database.write() as connection:
            post = connection.execute(
                select(provider_posts.c.id, provider_posts.c.at, provider_posts.c.body)
                .where(WAITING)
                .order_by(provider_posts.c.id)
                .limit(1)
                .with_for_update(skip_locked=True)
            ).first()
            if post is None:
                return None
            number = post.id
            tally, trouble = apply_body(connection, post.body, received=post.at, soft=soft, now=now)
            _mark(connection, number, trouble=trouble, now=now)
            return tally
    except DatabaseTrouble:
        raise
    except Exception as error:  # noqa: BLE001 - one post that can't be applied must not hold the others up
        # Not the error's words: they may quote what was to be written.
        log.error("post %d of the webhook could not be applied: %s", number, type(error).__name__)
        with database.write() as connection:
            _mark(connection, number, trouble=f"{NO_TRY}{type(error).__name__}", now=now)
        return Tally(posts=1, troubled=1)


def _mark(connection: Connection, number: int, *, trouble: str, now: datetime) -> None:
    done = {"applied_at": now, "trouble": trouble}
    connection.execute(update(provider_posts).where(provider_posts.c.id == number).values(done))
