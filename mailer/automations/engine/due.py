"""Whether an automation has anything to do: one look at a small index, for runs that mostly find nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select

from mailer.store.engine.database import Database, DatabaseTrouble
from mailer.store.tables.automations import automations


def due_automations(database: Database, *, now: datetime) -> list[int]:
    """The automations that have something to do, by number, the longest due first."""
    query = select(automations.c.id).where(automations.c.due_at <= now).order_by(automations.c.due_at)
    with database.read() as connection:
        return list(connection.execute(query).scalars())


def run_due(database: Database, *, zone: str, clock: Callable[[], datetime], due: Callable[[], object]) -> None:
    """Let people in and move them on, as far as a run goes; a database in trouble is left to the next run. `zone`: of
    people whose own isn't known; `due`: why to stop."""
    try:
        if numbers := due_automations(database, now=clock()):
            from mailer.automations.engine.running import AutomationRunner

            AutomationRunner(database, clock=clock, zone=zone, due=due).run(numbers)
    except DatabaseTrouble as error:
        if not error.passing:
            raise
