"""The import of files into a list: all of it or nothing, in one transaction, those who left before everybody else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Transaction, select

from mailer.audience.addresses import address_hash
from mailer.audience.imports.columns import Columns, Meaning, understand
from mailer.audience.imports.files.reader import Table, open_table
from mailer.audience.imports.files.zipped import SourceFile, source_files
from mailer.audience.imports.headers import identifier, missing_columns, names_columns
from mailer.audience.imports.load.staging import StagedRows
from mailer.audience.imports.load.upsert import Counts, Writer
from mailer.audience.imports.meaning.peers import BY_NAME, Peer, peer_of
from mailer.audience.imports.meaning.statuses import MEMBERSHIPS, STOPS, RowStatus, status_by_name, word
from mailer.audience.imports.report import ImportReport, ReadFile, Rejects
from mailer.audience.imports.row_check import Judge
from mailer.audience.imports.subscribe import ImportOrigin, ImportTarget
from mailer.audience.imports.survey import Survey, survey
from mailer.audience.people.sqlite_search import bulk_writing, drop_search
from mailer.diagnostics import Diagnostic, Level, Place
from mailer.errors import MailerError, nearest
from mailer.store.engine.database import Database
from mailer.store.tables.core import people
from mailer.workspace import ListDefinition

MANY_ROWS = 10_000  # beyond which the search index is quicker made again than kept
NO_PEER = "none"  # --from: the files are no known program's export
SHOWN_VALUES = 50  # of a column that says who may be mailed
Progress = Callable[[int, float], None]  # rows read, and the share of all from 0 to 1


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The options of an import."""

    mapping: Mapping[str, str] = field(default_factory=dict[str, str])  # column → field; "-" leaves it out
    words: Mapping[str, str] = field(default_factory=dict[str, str])  # a value of a status column → RowStatus
    status: str = ""  # RowStatus of everyone in the files
    kind: str = ""  # a peer's name, or "none"; "" finds it
    delimiter: str = ""


def import_files(  # noqa: PLR0913 - what an import is told; all but the first by name
    database: Database,
    *,
    definition: ListDefinition,
    paths: Sequence[Path],
    address_key: bytes,
    now: datetime,
    asked: ImportOptions | None = None,
    dry_run: bool = False,
    rejects_path: Path | None = None,
    progress: Progress | None = None,
    show: Callable[[Sequence[ReadFile]], None] | None = None,
) -> ImportReport:
    """Bring the people in files onto a list, and say what became of each row.

    `show` is told what each file was taken for and what its rows say, before anything is written. Nobody who left,
    bounced or complained comes back by this. A dry run does it all and takes it back. Raises `MailerError` with every
    fault of every file when one can't be read or understood, or the database not written; then nothing has changed.
    """
    with source_files(paths) as files:
        sources = _understood(files, definition, asked or ImportOptions())
        headers = {source.table.place: source.table.columns for source in sources}
        with (
            closing(Rejects(rejects_path, headers)) as rejects,
            database.connect() as connection,
            bulk_writing(connection),
        ):
            with connection.begin():
                check_key(connection, address_key)
                stage = StagedRows(connection)
                read = _fill(stage, sources, rejects, address_key=address_key, now=now, progress=progress)
                stage.filled()
            try:
                if show:
                    show(read)
                with _writing(connection) as transaction:
                    if stage.rows > MANY_ROWS:
                        drop_search(connection)
                    counts = Writer(stage, ImportTarget(connection, _origin(definition, sources, now))).finish()
                    if dry_run:
                        transaction.rollback()
            finally:
                with connection.begin():
                    stage.drop()
            rejects.finish()
    report = _report(counts, rejects, sources, read, dry_run=dry_run)
    assert report.read == stage.rows + rejects.count and report.adds_up, report  # noqa: PT018
    return report


@dataclass(frozen=True, slots=True)
class _Source:
    """A file that was understood."""

    table: Table
    survey: Survey
    columns: Columns
    peer: Peer | None
    warnings: Sequence[Diagnostic]


def _understood(files: Sequence[SourceFile], definition: ListDefinition, asked: ImportOptions) -> list[_Source]:
    """Each file with what its columns mean. Raises with all the faults of all of them."""
    meaning, faults, sources = _meaning(definition, asked), list[Diagnostic](), list[_Source]()
    forced = _forced_peer(asked)
    names = set[str]()
    missing = dict.fromkeys(asked.mapping, 0)
    single: MailerError | None = None
    for file in files:
        try:
            table = open_table(
                file.path, place=_once(file.name, names), delimiter=asked.delimiter,
                is_header=lambda cells: names_columns(cells, meaning.mapping),
            )  # fmt: skip
            seen = survey(table)
        except MailerError as error:
            single = error
            faults += error.diagnostics
            continue
        for column in missing_columns(table.columns, asked.mapping):
            missing[column] += 1
        peer = forced or (None if asked.kind == NO_PEER else peer_of([*map(identifier, table.columns)]))
        at = Place(table.place, table.line)
        of_file, fault = _of_this_file(meaning, peer, at)
        columns, found = understand(table.columns, of_file, seen=seen.columns, peer=peer, at=at)
        if fault and columns and not columns.statuses:
            found = [*found, fault]
        faults += [one for one in found if one.stops]
        if columns:
            sources.append(_Source(table, seen, columns, peer, (*file.warnings, *table.warnings, *found)))
    faults += [
        Diagnostic(f"there is no column {column!r}", remedy="--map names a column that no file has.")
        for column, without in missing.items()
        if without == len(files)
    ]
    if single and len(faults) == 1:
        raise single
    if faults:
        raise MailerError("Nothing was imported:", diagnostics=faults)
    return sources


def _once(name: str, names: set[str]) -> str:
    """A file's name that no other file of this import has."""
    shown, number = name, 1
    while shown in names:
        number += 1
        shown = f"{name} ({number})"
    names.add(shown)
    return shown


def _meaning(definition: ListDefinition, asked: ImportOptions) -> Meaning:
    words = {word(value): _status(status) for value, status in asked.words.items()}
    everyone = _status(asked.status) if asked.status else None
    return Meaning(definition.columns, asked.mapping, words, everyone)


def _status(text: str) -> RowStatus:
    try:
        return RowStatus(word(text))
    except ValueError:
        known = ", ".join(f"'{one}'" if " " in one else one for one in RowStatus)
        raise MailerError(f"{text!r} is not a status", remedy=f"Use one of {known}.") from None


def _forced_peer(asked: ImportOptions) -> Peer | None:
    if asked.kind in ("", NO_PEER):
        return None
    if asked.kind not in BY_NAME:
        raise MailerError(
            f"{asked.kind!r} is not a program whose exports are known", remedy=nearest(asked.kind, {*BY_NAME, NO_PEER})
        )
    return BY_NAME[asked.kind]


def _of_this_file(meaning: Meaning, peer: Peer | None, at: Place) -> tuple[Meaning, Diagnostic | None]:
    """What holds for one file by its name, unless --status says it; the fault if that must be asked."""
    named = status_by_name(Path(at.file).name)
    if meaning.everyone or named is None or (peer and peer.is_ours):
        return meaning, None
    if peer and peer.tells_by_name:
        return Meaning(meaning.usual, meaning.by_hand, meaning.words, named), None
    return meaning, Diagnostic(
        f"by its name this file may hold people who must not be mailed ({named}), and no column says so",
        place=at,
        remedy=f"Say what everyone in it is: --status '{named}', or --status subscribed if they may be mailed.",
    )


def _fill(
    stage: StagedRows,
    sources: Sequence[_Source],
    rejects: Rejects,
    *,
    address_key: bytes,
    now: datetime,
    progress: Progress | None,
) -> list[ReadFile]:
    """Judge every row of every file and put those aside that can be taken; what was read."""
    total = sum(source.survey.rows for source in sources)
    read: list[ReadFile] = []

    def heard() -> None:
        if progress:
            done = stage.rows + rejects.count
            progress(done, min(done / max(total, 1), 1.0))

    for number, source in enumerate(sources):
        place, before = source.table.place, rejects.count

        def refuse(line: int, reason: str, values: list[str], place: str = place) -> None:
            rejects.add(place, line, reason, values)

        judge = Judge(source.columns, address_key, now, number)
        counts = stage.fill(judge.people(source.table.rows(), refuse), heard)
        statuses = _by_status(counts)
        if refused := rejects.count - before:
            statuses["rejected"] = refused
        title, name = (source.peer.title, source.peer.name) if source.peer else ("", "")
        read.append(ReadFile(place, source.survey.rows, title, name, statuses, dict(_words_of(source))))
    return read


def _by_status(counts: Mapping[tuple[str, int], int]) -> dict[str, int]:
    """How many rows say what; those that stop somebody by the gravest."""
    found: Counter[str] = Counter()
    gravest = [RowStatus.COMPLAINED, RowStatus.BOUNCED, RowStatus.STAFF, RowStatus.LEFT, RowStatus.UNSUBSCRIBED]
    for (status, stops), number in counts.items():
        found[next((one.value for one in gravest if stops & STOPS[one]), status)] += number
    order = [*reversed(MEMBERSHIPS), *reversed(gravest)]
    return {one.value: found[one.value] for one in order if found[one.value]}


def _words_of(source: _Source) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Of each column that says who may be mailed: its values, and what they were taken for."""
    for column in source.columns.statuses:
        seen, said = source.survey.columns[column.position], dict[str, str]()
        shown = [*seen.most_common(SHOWN_VALUES), *([("", seen.empty)] if seen.empty else [])]
        for value, count in shown:
            try:
                status = column.words.status_of(value)
            except KeyError:
                said[value] = f"{count:,} × not known"
            else:
                said[value] = f"{count:,} × {status or 'says nothing'}"
        yield source.table.columns[column.position], said


def _origin(definition: ListDefinition, sources: Sequence[_Source], now: datetime) -> ImportOrigin:
    def told(source: _Source) -> str:
        place = source.table.place
        what = f"{source.peer.title} ({place})" if source.peer and not source.peer.is_ours else place
        return f"imported from {what} on {now:%Y-%m-%d}"

    # What people agreed to at another program isn't known here.
    ours = [source.peer is None or source.peer.is_ours for source in sources]
    return ImportOrigin(definition, [*map(told, sources)], [definition.consent if one else "" for one in ours], now)


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
            remedy="Restore secrets.toml (or MAILER_ADDRESS_KEY): without it nobody's unsubscribe would be found.",
        )


def _report(
    counts: Counts, rejects: Rejects, sources: Sequence[_Source], read: Sequence[ReadFile], *, dry_run: bool
) -> ImportReport:
    become = counts.added + counts.updated + counts.unchanged + counts.duplicate
    suppressed = sum(counts.suppressed.values())
    warnings = [fault for source in sources for fault in source.warnings]
    warnings += [
        Diagnostic(
            "the file has nobody in it, so nothing was imported", place=Place(one.name, 1), level=Level.WARNING,
            remedy="Check that the program that wrote it found anybody.",
        )
        for one in read if not one.rows
    ]  # fmt: skip
    attributes = dict.fromkeys(name for source in sources for name, _ in source.columns.attributes)
    return ImportReport(
        read=become + counts.no_consent + suppressed + rejects.count,
        added=counts.added,
        updated=counts.updated,
        unchanged=counts.unchanged,
        duplicate=counts.duplicate,
        rejected=rejects.count,
        suppressed=suppressed,
        no_consent=counts.no_consent,
        subscribed=become - counts.pending,
        pending=counts.pending,
        suppressed_by=counts.suppressed,
        reasons=dict(rejects.reasons.most_common()),
        rejects=tuple(rejects.first),
        files=read,
        warnings=tuple(warnings),
        attributes=tuple(attributes),
        dry_run=dry_run,
    )
