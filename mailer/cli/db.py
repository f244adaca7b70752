"""The database itself: bringing it to the schema that this program knows."""

from __future__ import annotations

import click


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
def migrate() -> None:
    """Bring the database to this program's schema, or make it; safe to run twice."""
    from mailer.store.database import migrate_database
    from mailer.workspace import find_workspace

    schema = migrate_database(find_workspace().settings.database_url)
    click.echo(f"The database has schema {schema}.")
