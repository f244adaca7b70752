"""Whether a series has anything to do, which `mailer run` asks each minute, and when its next issue leaves. Little is
imported here."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from mailer.store.engine.database import Database
from mailer.store.tables.series import PLANNED, issues, series
from mailer.store.tables.states import SeriesState
from mailer.workspace import Newsletter, Workspace

MESSAGE_FILES = ("message.md", "message.mjml")


def anything_due(database: Database, workspace: Workspace, *, now: datetime) -> bool:
    """Whether an issue is to be made, or the file that says a series' rule was changed since it was read."""
    with database.read() as connection:
        if connection.execute(select(issues.c.id).where(PLANNED, issues.c.wake_at <= now).limit(1)).first():
            return True
        running = select(series.c.slug, series.c.file_digest).where(series.c.state == SeriesState.RUNNING)
        rows = connection.execute(running).all()
    return any(file_digest(Newsletter(workspace, row.slug)) not in ("", row.file_digest) for row in rows)


def file_digest(newsletter: Newsletter) -> str:
    """SHA-256 of the file with the rule; "" where it can't be read. Not its date, which is another on each machine."""
    for name in MESSAGE_FILES:
        with suppress(OSError):
            return hashlib.sha256((newsletter.folder / name).read_bytes()).hexdigest()
    return ""


@dataclass(frozen=True, slots=True)
class NextIssue:
    """A series at a glance: its state, and when its next issue leaves."""

    state: SeriesState
    at: datetime | None


def next_moments(connection: Connection) -> dict[str, NextIssue]:
    """Every series that was started, by its newsletter."""
    planned = series.outerjoin(issues, (issues.c.slug == series.c.slug) & PLANNED)
    query = select(series.c.slug, series.c.state, func.min(issues.c.planned_at)).select_from(planned)
    rows = connection.execute(query.group_by(series.c.slug, series.c.state))
    return {slug: NextIssue(SeriesState(state), at) for slug, state, at in rows}
