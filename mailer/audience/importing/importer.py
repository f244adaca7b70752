"""The import of a file into a list: all of it or nothing, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Transaction, select

from mailer.audience.addresses import address_hash
from mailer.audience.importing.aside import judged
from mailer.audience.importing.batches import Batch, judge_batches
from mailer.audience.importing.columns import Columns, missing_columns, understand
from mailer.audience.importing.copied import Copied
from mailer.audience.importing.first import First, is_empty, may_be_first
from mailer.audience.importing.joining import Joining, Origin
from mailer.audience.importing.judging import Refuse
from mailer.audience.importing.reading import Table, open_table
from mailer.audience.importing.report import ImportReport, Rejects
from mailer.audience.importing.staging import Stage
from mailer.audience.importing.unchecked import alone
from mailer.audience.importing.writing import Writer
from mailer.audience.sqlite_tools import bulk_writing, drop_search, sole_writing
from mailer.errors import Fault, FaultsFound, MailerError, Place
from mailer.store.database import Database
from mailer.store.tables import people
from mailer.workspace import ListDefinition

MANY_ROWS = 10_000  # beyond which the search index is quicker made anew than kept
ROW_BYTES = 60  # of a file, about
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
    origin = Origin(definition, path.name, now)
    with open_table(path) as table:
        columns = _columns(table, definition.columns, mapping or {})
        with (
            closing(Rejects(rejects_path, table.columns)) as rejects,
            database.connect() as connection,
            bulk_writing(connection),
        ):
            file = _File(table, columns, address_key, rejects, progress)
            rows, counts = _import_first(connection, file, origin, dry_run=dry_run) or _import_staged(
                connection, file, origin, dry_run=dry_run
            )
            rejects.finish()
    report = _report(counts, rejects, table=table, columns=columns, dry_run=dry_run)
    assert report.read == rows + rejects.count, report
    return report


Counts = tuple[int, dict[str, int]]  # rows that could be taken, and what they became


@dataclass(frozen=True, slots=True)
class _File:
    """A file being read, and who is told of what is found in it."""

    table: Table
    columns: Columns
    address_key: bytes
    rejects: Rejects
    progress: Progress | None

    def fill(self, place: Stage | First | Copied) -> None:
        """Read and judge the rest of the file, and put the people in their place."""

        def judge(refuse: Refuse) -> Iterator[Batch]:
            return judge_batches(self.table.rows, columns=self.columns, address_key=self.address_key, refuse=refuse)

        table = self.table
        reading = judged(
            judge,
            place.pack,
            refuse=self.rejects.add,
            position=table.position,
            size=table.size,
            by_address=place.by_address,
        )
        with reading as pieces:
            for packed, position in pieces:
                place.add(packed)
                if self.progress:
                    self.progress(place.rows + self.rejects.count, min(position / table.size, 1.0))


def _import_first(connection: Connection, file: _File, origin: Origin, *, dry_run: bool) -> Counts | None:
    """All of it in one transaction, when the database holds nobody yet; otherwise None, and nothing is read."""
    with connection.begin():
        if not may_be_first(connection, file.columns):
            return None
    with sole_writing(connection), _writing(connection) as transaction:
        is_sqlite = connection.dialect.name == "sqlite"
        if not is_sqlite:
            alone(connection)
        if not is_empty(connection):  # by now
            return None
        if file.table.size > MANY_ROWS * ROW_BYTES:
            drop_search(connection)
        first = First(connection, origin) if is_sqlite else Copied(connection, origin)
        file.fill(first)
        counts = first.finish()
        if dry_run:
            transaction.rollback()
    return first.rows, counts


def _import_staged(connection: Connection, file: _File, origin: Origin, *, dry_run: bool) -> Counts:
    """Staged first, which locks nobody out; then taken over in one transaction, the only thing others wait for."""
    with connection.begin():
        check_key(connection, file.address_key)
        stage = Stage(connection)
        file.fill(stage)
        stage.filled()
    try:
        with _writing(connection) as transaction:
            if stage.rows > MANY_ROWS:
                drop_search(connection)
            counts = Writer(stage, Joining(connection, origin)).finish()
            if dry_run:
                transaction.rollback()
    finally:
        with connection.begin():
            stage.drop()
    return stage.rows, counts


@contextmanager
def _writing(connection: Connection) -> Generator[Transaction, None, None]:
    """A write transaction; those after it are not."""
    connection.execution_options(immediate=True)
    try:
        with connection.begin() as transaction:
            yield transaction
    finally:
        connection.execution_options(immediate=False)


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
    read = sum(counts.values()) + rejects.count
    nobody = Fault(
        "the file has nobody in it, so nothing was imported", place=Place(table.place, 1), warning=True,
        hint="Look whether what wrote it found anybody.",
    )  # fmt: skip
    return ImportReport(
        read=read,
        **counts,
        rejected=rejects.count,
        reasons=dict(rejects.reasons.most_common()),
        rejects=tuple(rejects.first),
        warnings=table.warnings if read else (*table.warnings, nobody),
        attributes=tuple(name for name, _ in columns.attributes),
        dry_run=dry_run,
    )
