"""`mailer data`: where newsletters take data from, how fresh it is, and the tables with a row for each person."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from mailer.cli.context import now, print_json, workspace_and_database
from mailer.cli.tables import add_row, new_table, print_table
from mailer.counting import counted
from mailer.errors import MailerError

if TYPE_CHECKING:
    from mailer.delivery.data.overview import SourceState, TableState
    from mailer.store.engine.database import Database
    from mailer.workspace import Newsletter


@click.command()
@click.argument("slug", metavar="[NEWSLETTER]", required=False)
@click.option("--read", "again", is_flag=True, help="Read its sources again now, whatever was read before.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def data(slug: str | None, again: bool, as_json: bool) -> None:
    """Show where newsletters take data from, when it was read, and the tables of data/.

    Of one NEWSLETTER the sources are read as `mailer check` reads them, and what they show is counted. Exits with 1
    when one of them can't be read.
    """
    from mailer.delivery.data.overview import tables_of

    if again and slug is None:
        raise MailerError("--read needs a newsletter", remedy="mailer data NEWSLETTER --read")
    with workspace_and_database() as (workspace, database):
        slugs = [slug] if slug else workspace.slugs()
        sources = {name: _sources(database, workspace.newsletter(name), read=bool(slug), again=again) for name in slugs}
        sources = {name: found for name, found in sources.items() if found}
        tables = tables_of(database, workspace)
        tables = [one for one in tables if slug is None or slug in one.used_by]
    if as_json:
        print_json({
            "sources": [_source_data(name, one) for name, found in sources.items() for one in found],
            "tables": [_table_data(one) for one in tables],
        })  # fmt: skip
    else:
        _show(sources, tables)
    sys.exit(1 if any(one.fault for found in sources.values() for one in found) else 0)


def _sources(database: Database, newsletter: Newsletter, *, read: bool, again: bool) -> list[SourceState]:
    from mailer.compose.source.message_file import read_source
    from mailer.delivery.data.overview import kept_states, states_of
    from mailer.delivery.data.read import read_data

    try:
        source = read_source(newsletter)
    except MailerError:
        if read:
            raise
        return []
    if not source.data_sources:
        return []
    if not read:
        return kept_states(database, source)
    return states_of(source, read_data(database, source, now=now(), again=again))


def _show(sources: dict[str, list[SourceState]], tables: list[TableState]) -> None:
    if not sources and not tables:
        click.echo("No newsletter takes data from anywhere, and data/ has no tables. How to: docs/data.md.")
    if sources:
        table = new_table("newsletter", "name", "from", "shows", "read")
        for name, found in sources.items():
            for one in found:
                shows = "" if one.shown is None else counted(one.entries, "entry", "entries")
                add_row(table, name, one.source.name, one.source.key.removeprefix("from "), shows, _when(one))
        print_table(table)
    for one in (one for found in sources.values() for one in found if one.fault):
        click.echo(str(one.fault), err=True)
    if tables:
        table = new_table("table", "file", "joined by", "columns", "rows", "used by", numbers=(4,))
        for one in tables:
            kind, columns = ("", "") if one.table is None else (one.table.kind.value, ", ".join(one.table.tags))
            rows = "" if one.rows is None else f"{one.rows:,}"
            add_row(table, one.file.name, one.file.place, kind, columns, rows, ", ".join(one.used_by) or "nothing yet")
        print_table(table)
    for one in tables:
        if one.fault:
            click.echo(str(one.fault), err=True)


def _when(one: SourceState) -> str:
    if one.source.is_file:
        return "each time"
    return "not yet" if one.read_at is None else _ago(one.read_at) + (", and couldn’t be" if one.fault else "")


def _ago(at: datetime) -> str:
    minutes = max(0, int((now() - at).total_seconds() // 60))
    if minutes < 60:
        return f"{counted(minutes, 'minute')} ago" if minutes else "now"
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _source_data(slug: str, one: SourceState) -> dict[str, Any]:
    return {
        "newsletter": slug, "name": one.source.name, "from": one.source.key, "shows": one.shown,
        "read_at": one.read_at, "fault": one.fault.message if one.fault else None,
    }  # fmt: skip


def _table_data(one: TableState) -> dict[str, Any]:
    return {
        "table": one.file.name, "file": one.file.place, "bytes": one.size, "rows": one.rows, "used_by": one.used_by,
        "joined_by": one.table.kind.value if one.table else None,
        "columns": list(one.table.columns) if one.table else None, "fault": one.fault.message if one.fault else None,
    }  # fmt: skip
