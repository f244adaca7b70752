"""The state of the workspace's database, for `mailer doctor`: which engine's facts are gathered, and what both share.

Nothing is made or changed: a database that is missing stays missing. What the rows say is for `delivery`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mailer.diagnostics import Diagnostic, bad, in_part, warning
from mailer.store.engine.dialects import parse_url
from mailer.store.engine.errors import DatabaseTrouble
from mailer.store.engine.fence import BACKUP, MOVED, MOVING, find_mark
from mailer.store.engine.version import SCHEMA


@dataclass(frozen=True, slots=True)
class Health:
    """What was found. `usable`: the database is there, of this program's schema, and can be opened."""

    findings: list[Diagnostic]
    usable: bool


def examine_database(url: str, *, clock: Callable[[], datetime], connections: int) -> Health:
    """Gather and judge. `connections` is how many the transport sends by side by side."""
    try:
        parts = parse_url(url)
    except DatabaseTrouble as error:
        return Health(in_part("database", error.diagnostics), False)
    if parts.drivername.startswith("sqlite"):
        from mailer.doctor.sqlite import gather_sqlite, judge_sqlite

        facts = gather_sqlite(parts.database or "")
        return Health(judge_sqlite(facts, now=clock()), facts.schema == SCHEMA)
    from mailer.doctor.postgres import gather_postgres, judge_postgres

    found = gather_postgres(url, clock=clock)
    return Health(
        judge_postgres(found, today=clock().date(), connections=connections),
        not found.trouble and found.schema == SCHEMA,
    )


def examine_mark(connection: Connection) -> list[Diagnostic]:
    """Whether the database is one in use: not moved away, and no backup that was put back."""
    found = find_mark(connection, MOVED, MOVING, BACKUP)
    if found is None:
        return []
    if found.kind == MOVED:
        said = f"this database was moved to {found.place}, so no command uses it"
        return [bad(said, "Put that into mailer.toml as `database`.")]
    if found.kind == MOVING:
        said = f"this database is being moved to {found.place}, so no command uses it"
        return [bad(said, "Wait for that. If it was interrupted: mailer db move --help")]
    said = f"this is a backup taken at {found.at:%Y-%m-%d %H:%M} UTC, put back and not used since"
    return [warning(said, "The next command pauses campaigns that may have been sent since; see mailer status.")]
