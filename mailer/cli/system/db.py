"""The database itself: brought to the schema of this program, copied, carried to another engine or another disk."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.context import console, note, now, workspace_and_database
from mailer.counting import counted
from mailer.errors import MailerError

if TYPE_CHECKING:
    from mailer.store.admin.copy import Progress


@click.group()
def db() -> None:
    """Manage the database."""


@db.command()
def migrate() -> None:
    """Create the database, or upgrade it to this version. Safe to run twice."""
    from mailer.store.engine.database import migrate_database
    from mailer.workspace import find_workspace

    schema = migrate_database(find_workspace().settings.database_url)
    click.echo(f"The database has schema {schema}.")


@db.command()
@click.argument("slug", metavar="NEWSLETTER")
@click.option(
    "--tablespace", required=True, metavar="NAME", help="A tablespace of the server; pg_default brings it back."
)
def archive(slug: str, tablespace: str) -> None:
    """Move what was sent of a large newsletter to another disk of the PostgreSQL server.

    Links in its mails, its report and people's pages work as before. See docs/databases.md.
    """
    from mailer.delivery.campaigns.lifecycle import OPEN, require_campaign
    from mailer.store.admin.archive import archive as move_parts

    with workspace_and_database() as (_, database):
        with database.read() as connection:
            campaign = require_campaign(connection, slug)
        if campaign.state in OPEN:
            raise MailerError(
                f"{slug} is {campaign.state}, and only what is over can be archived",
                remedy=f"Wait until it has been sent, or stop it for good: mailer cancel {slug}",
            )
        size = move_parts(database, campaign.id, tablespace=tablespace)
        note(database, "newsletter archived", f"newsletter {slug}", tablespace)
    click.echo(f"{slug}: {size / 1e6:,.1f} MB moved to {tablespace}.")


@db.command()
@click.argument("path", type=click.Path(path_type=Path))
def backup(path: Path) -> None:
    """Back up the database to PATH, a new file or a folder, even while it is in use.

    Only you may read the copy: it names people. To put it back, see docs/databases.md.
    """
    from mailer.store.admin.backup import LOGGED_AS, back_up
    from mailer.workspace import find_workspace

    file = back_up(find_workspace().settings.database_url, path, now=now())
    # The studio says how old the last one is. One of an older schema, as before a migration, isn't noted.
    with suppress(MailerError), workspace_and_database() as (_, database):
        note(database, "database backed up", LOGGED_AS, file.name)
    click.echo(f"{file}: {file.stat().st_size / 1e6:,.1f} MB")


@db.command()
@click.option(
    "--to", "target", required=True, metavar="URL", help="An empty database: postgresql+psycopg://user@host/name"
)
@click.option("--dry-run", is_flag=True, help="Only check whether it would work, and how much there is to copy.")
def move(target: str, dry_run: bool) -> None:
    """Copy everything to another database, verify it, and close the old one.

    It can be interrupted and run again: until everything has arrived, the old database stays in use.
    """
    from mailer.store.admin.move import check_move, move_database
    from mailer.workspace import find_workspace

    source = find_workspace().settings.database_url
    if dry_run:
        rows = check_move(source, target, now=now())
        click.echo(f"It can be done. {_summary(rows)} would be carried.")
        return
    with _progress() as progress:
        moved = move_database(source, target, clock=now, progress=progress)
    done = "had been carried before" if moved.before else "were carried, and are the same there"
    click.echo(f"{_summary(moved.rows)} {done}.")
    _tell_switch(target)


def _summary(rows: Mapping[str, int]) -> str:
    return f"{counted(sum(rows.values()), 'row')} of {counted(sum(1 for count in rows.values() if count), 'table')}"


def _tell_switch(target: str) -> None:
    """What to change now, without the password: mailer.toml is in git."""
    import os

    from mailer.store.engine.dialects import parse_url, shown

    click.echo(f'\nPut this into mailer.toml:\n\n  database = "{shown(target)}"\n')
    if parse_url(target).password:
        click.echo(
            "Its password does not belong there: put it into ~/.pgpass, or set MAILER_DATABASE to the whole URL."
        )
    if "MAILER_DATABASE" in os.environ:
        click.echo("MAILER_DATABASE is set, and comes before mailer.toml: change that too.")
    click.echo("Until then `mailer` refuses to work: the old database is kept as it was, and closed.")


@contextmanager
def _progress() -> Generator[Progress, None, None]:
    """A line that counts while a person watches; nothing under cron."""
    if not sys.stdout.isatty():
        yield lambda table, done, total: None
        return
    with console().status("") as status:
        shown = 0.0

        def show(table: str, done: int, total: int) -> None:
            nonlocal shown
            if time.monotonic() - shown > 0.1:
                shown = time.monotonic()
                status.update(f"{table}: {done:,} of {total:,}")

        yield show
