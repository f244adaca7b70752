"""The import of a file into a list: all of it or nothing, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, select

from mailer.audience.addresses import address_hash
from mailer.audience.importing.columns import Columns, missing_columns, understand
from mailer.audience.importing.judging import Person, judge_rows
from mailer.audience.importing.reading import Table, open_table
from mailer.audience.importing.report import ImportReport, Rejects
from mailer.audience.importing.writing import Stage, Writer
from mailer.audience.sqlite_tools import bulk_writing, drop_search
from mailer.errors import Fault, FaultsFound, MailerError, Place
from mailer.store.database import Database
from mailer.store.tables import people
from mailer.workspace import ListDefinition

MANY_ROWS = 10_000  # beyond which the search index is quicker made anew than kept
BATCH = 500  # rows handed on together: few enough to stay in the processor's cache
Progress = Callable[[int, float], None]  # rows read, and the share of the file from 0 to 1


def import_file(  # noqa: PLR0913 - what an import is told; all but the first by name
    database: Database,
    *,
    definition: ListDefinition,
    path: Path,
    address_key: bytes,
    now: datetime,
    mapping: Mapping[str, str] | None = None,
    dry_run: bool = False,
    rejects_path: Path | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Bring the people in a file onto a list, and say what became of each row.

    `mapping` (column → field, "-" to leave it out) goes over the list's own [columns]. Nobody who left, bounced or
    complained comes back by this. A dry run does it all and takes it back. Raises `MailerError` when the file can't be
    read or the database not written, and then nothing has changed.
    """
    with open_table(path) as table:
        columns = _columns(table, definition.columns, mapping or {})
        with (
            closing(Rejects(rejects_path, table.columns)) as rejects,
            database.connect() as connection,
            bulk_writing(connection),
        ):
            judged = judge_rows(table.rows, columns=columns, address_key=address_key, refuse=rejects.add)
            with connection.begin():
                check_key(connection, address_key)
                stage = Stage(connection)
                _fill(stage, judged, table=table, rejects=rejects, progress=progress)
            try:
                counts = _take_over(stage, definition, source=path.name, now=now, dry_run=dry_run)
            finally:
                connection.execution_options(immediate=False)
                with connection.begin():
                    stage.drop()
            rejects.finish()
    report = _report(counts, rejects, table=table, columns=columns, dry_run=dry_run)
    assert report.read == stage.rows + rejects.count, report
    return report


def _fill(stage: Stage, judged: Iterator[Person], *, table: Table, rejects: Rejects, progress: Progress | None) -> None:
    while batch := list(islice(judged, BATCH)):
        stage.add(batch)
        if progress:
            progress(stage.rows + rejects.count, min(table.position() / table.size, 1.0))


def _take_over(
    stage: Stage, definition: ListDefinition, *, source: str, now: datetime, dry_run: bool
) -> dict[str, int]:
    """All of it in one transaction, which is the only thing others wait for."""
    connection = stage.connection
    connection.execution_options(immediate=True)
    with connection.begin() as transaction:
        if stage.rows > MANY_ROWS:
            drop_search(connection)
        writer = Writer(stage, list_name=definition.name, source=source, wording=definition.consent, now=now)
        counts = writer.finish()
        if dry_run:
            transaction.rollback()
    return counts


def check_key(connection: Connection, address_key: bytes) -> None:
    """Raise when the database was made with another address key: its suppressions would be missed, every one."""
    known = connection.execute(select(people.c.address, people.c.address_hash).limit(1)).first()
    if known is not None and address_hash(known.address, address_key) != bytes(known.address_hash):
        raise MailerError(
            "the address key is not the one this database was made with",
            hint="Restore secrets.toml (or MAILER_ADDRESS_KEY): without it nobody's unsubscribe would be found.",
        )


def _columns(table: Table, usual: Mapping[str, str], by_hand: Mapping[str, str]) -> Columns:
    if missing := missing_columns(table.columns, by_hand):
        shown = ", ".join(repr(column) for column in table.columns[:12])
        place = Place(table.place, 1)
        raise FaultsFound(
            "The mapping has faults:",
            [Fault(f"there is no column {name!r}", place=place, hint=f"There are: {shown}.") for name in missing],
        )
    return understand(table.columns, {**usual, **by_hand}, place=table.place)


def _report(
    counts: Mapping[str, int], rejects: Rejects, *, table: Table, columns: Columns, dry_run: bool
) -> ImportReport:
    return ImportReport(
        read=sum(counts.values()) + rejects.count,
        **counts,
        rejected=rejects.count,
        reasons=dict(rejects.reasons.most_common()),
        rejects=tuple(rejects.first),
        warnings=table.warnings,
        attributes=tuple(name for name, _ in columns.attributes),
        dry_run=dry_run,
    )
