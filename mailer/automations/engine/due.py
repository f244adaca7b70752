"""Whether an automation has anything to do: one look at a small index, for runs that mostly find nothing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from mailer.store.engine.database import Database
from mailer.store.tables.automations import automations


def due_automations(database: Database, *, now: datetime) -> list[int]:
    """The automations that have something to do, by number, the longest due first."""
    query = select(automations.c.id).where(automations.c.due_at <= now).order_by(automations.c.due_at)
    with database.read() as connection:
        return list(connection.execute(query).scalars())
