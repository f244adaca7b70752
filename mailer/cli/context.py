"""What most commands begin with: the workspace, its database, the clock, and a console that knows whether it is read by
a person."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from mailer.workspace import Workspace, find_workspace

if TYPE_CHECKING:
    from rich.console import Console

    from mailer.store.engine.database import Database


@contextmanager
def workspace_and_database() -> Generator[tuple[Workspace, Database], None, None]:
    """The workspace around the current folder and its open database."""
    # Here, so that a command's --help comes without SQLAlchemy, which takes most of a start.
    from mailer.store.engine.database import open_database

    workspace = find_workspace()
    database = open_database(workspace.settings.database_url, clock=now)
    try:
        yield workspace, database
    finally:
        database.close()


def note(database: Database, action: str, subject: str, detail: str = "") -> None:
    """Write into the audit log what this command did, or is about to give out. Names no supporter."""
    from mailer.staff.actor import terminal
    from mailer.staff.audit import record

    with database.write() as connection:
        record(connection, terminal(), action, at=now(), subject=subject, detail=detail)


def now() -> datetime:
    """The clock of the command line; everything below takes the time as an argument."""
    return datetime.now(UTC)


def console() -> Console:
    """A rich console: colours and tables on a terminal, plain text of any width when piped."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 100, highlight=False, soft_wrap=not sys.stdout.isatty())


def print_json(data: Any) -> None:
    """Data for programs: indented, in one stable order as given, dates in ISO 8601."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, default=str))
