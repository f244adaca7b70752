"""The state of the workspace's database, for `mailer doctor`: which engine's facts are gathered, and what both share.

Nothing is made or changed: a database that is missing stays missing. What the rows say is for `stalled`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mailer.diagnostics import Diagnostic, bad, in_part, warning
from mailer.doctor.postgres import gather_postgres, judge_postgres
from mailer.doctor.sqlite import gather_sqlite, judge_sqlite
from mailer.store.engine.dialects import parse_url
from mailer.store.engine.errors import DatabaseTrouble
from mailer.store.engine.fence import ARRIVING, BACKUP, MOVED, find_mark
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
        return Health(in_part("database", error.diagnostics), usable=False)
    if parts.drivername.startswith("sqlite"):
        file = gather_sqlite(parts.database or "")
        return Health(judge_sqlite(file, now=clock()), file.schema == SCHEMA)
    server = gather_postgres(url, clock=clock)
    return Health(judge_postgres(server, today=clock().date(), connections=connections), server.schema == SCHEMA)


def examine_mark(connection: Connection) -> Iterator[Diagnostic]:
    """Whether the database is one in use: not moved away, and no backup that was put back."""
    mark = find_mark(connection, MOVED, ARRIVING, BACKUP)
    if mark and mark.kind == BACKUP:
        said = f"this is a backup taken at {mark.at:%Y-%m-%d %H:%M} UTC, put back and not used since"
        yield warning(said, "The next command pauses campaigns that may have been sent since; see mailer status.")
    elif mark:
        said = mark.refusal()
        yield bad(f"{said.message}, so no command uses it", said.remedy)
