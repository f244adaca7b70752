"""Posts of a provider's webhook, as they came: kept until `webhook_events` has applied them, and for a week after.

Bodies contain addresses, so they are deleted a week after they were applied, or sooner if the person is forgotten.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from mailer.store.engine.database import Database
from mailer.store.tables.inbound import WAITING, provider_posts

# Providers repeat a post for a day; a week leaves staff a working week to look into one that went wrong.
KEEP = timedelta(days=7)


def keep_post(connection: Connection, body: bytes, *, provider: str, at: datetime) -> None:
    """Store a post of this provider, to be applied later."""
    connection.execute(insert(provider_posts).values(provider=provider, at=at, body=body))


def any_waiting(database: Database) -> bool:
    """Whether any post is waiting to be applied."""
    with database.read() as connection:
        return connection.execute(select(provider_posts.c.id).where(WAITING).limit(1)).first() is not None


def delete_old(database: Database, *, now: datetime) -> int:
    """Delete the bodies that were applied long enough ago; returns how many."""
    old = provider_posts.c.applied_at < now - KEEP
    with database.read() as connection:
        if connection.execute(select(provider_posts.c.id).where(old).limit(1)).first() is None:
            return 0
    with database.write() as connection:
        return connection.execute(delete(provider_posts).where(old)).rowcount
