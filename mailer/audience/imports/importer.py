"""The import of files into a list: all of it or nothing, in one transaction, those who left before everybody else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, select

from mailer.audience.addresses import address_hash
from mailer.audience.imports.files.zipped import source_files
from mailer.audience.imports.load.journal import Journal
from mailer.audience.imports.load.staging import StagedRows, staging
from mailer.audience.imports.load.upsert import Counts, Writer
from mailer.audience.imports.meaning.statuses import MEMBERSHIPS, STOPS, RowStatus
from mailer.audience.imports.report import ImportReport, ReadFile, Rejects
from mailer.audience.imports.row_check import Judge
from mailer.audience.imports.sources import ImportOptions, UnderstoodFile, understood
from mailer.audience.imports.subscribe import ImportOrigin, ImportTarget
from mailer.audience.people.sqlite_search import bulk_writing, drop_search
from mailer.diagnostics import Diagnostic, Level, Place
from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.store.engine.database import Database
from mailer.store.tables.core import people
from mailer.workspace import ListDefinition

MANY_ROWS = 10_000  # beyond which the search index is quicker made again than kept
SHOWN_VALUES = 50  # of a column that says who may be mailed
Progress = Callable[[int, float], None]  # rows read, and the share of all from 0 to 1
Settle = Callable[[Connection, ImportReport], None]


def import_files(  # noqa: PLR0913 - what an import is told; all but the first by name
    database: Database,
    *,
    definition: ListDefinition,
    paths: Sequence[Path],
    address_key: bytes,
    by: Actor,
    now: datetime,
    asked: ImportOptions | None = None,
    dry_run: bool = False,
    rejects_path: Path | None = None,
    progress: Progress | None = None,
    show: Callable[[Sequence[ReadFile]], None] | None = None,
    settle: Settle | None = None,
) -> ImportReport:
    """Bring the people in files onto a list, and say what became of each row.

    `show` is told what each file was taken for and what its rows say, before anything is written; `settle` is called
    last in the transaction that did it all. Nobody who left, bounced or complained comes back by this. A dry run does
    it all and takes it back. Raises `MailerError` with every fault of every file when one can't be read or understood,
    or the database not written; then nothing has changed.
    """
    asked = asked or ImportOptions()
    by.require(Right.IMPORT, definition.name)
    with source_files(paths) as files:
        sources = understood(files, definition, asked)
        headers = {source.table.place: source.table.columns for source in sources}
        with (
            closing(Rejects(rejects_path, headers)) as rejects,
            database.connect() as connection,
            bulk_writing(connection),
            staging(connection) as steps,
        ):
            with steps.reading():
                check_key(connection, address_key)
                stage = StagedRows(connection)
                read = _fill(stage, sources, rejects, address_key=address_key, now=now, progress=progress)
                stage.filled()
            if show:
                show(read)
            with steps.writing() as transaction:
                if stage.rows > MANY_ROWS:
                    drop_search(connection)
                target = ImportTarget(connection, _origin(definition, sources, asked, now))
                journal = Journal(target, by, [path.name for path in paths])
                report = _report(Writer(stage, target, journal).finish(), rejects, sources, read, dry_run=dry_run)
                if dry_run:
                    transaction.rollback()
                else:
                    report = replace(report, id=journal.number)
                    _record(connection, report, journal, by=by, definition=definition, now=now)
                    if settle:
                        settle(connection, report)
            rejects.finish()
    assert report.read == stage.rows + rejects.count and report.adds_up, report  # noqa: PT018
    return report


def _record(
    connection: Connection, report: ImportReport, journal: Journal, *, by: Actor, definition: ListDefinition,
    now: datetime,
) -> None:  # fmt: skip
    """Note in the transaction of an import that it was done, and by which actor."""
    journal.close(asdict(replace(report, rejects=(), warnings=(), files=())))
    detail = f"import {report.id}: {report.read:,} rows, {report.added:,} new"
    audit.record(connection, by, "people imported", at=now, subject=f"list {definition.name}", detail=detail)


def _fill(
    stage: StagedRows,
    sources: Sequence[UnderstoodFile],
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


def _words_of(source: UnderstoodFile) -> Iterator[tuple[str, Mapping[str, str]]]:
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


def _origin(
    definition: ListDefinition, sources: Sequence[UnderstoodFile], asked: ImportOptions, now: datetime
) -> ImportOrigin:
    def told(source: UnderstoodFile) -> str:
        place = source.table.place
        what = f"{source.peer.title} ({place})" if source.peer and not source.peer.is_ours else place
        return f"imported from {what} on {now:%Y-%m-%d}" + (f"; agreed: {asked.agreed}" if asked.agreed else "")

    # What people agreed to at another program isn't known here.
    ours = [source.peer is None or source.peer.is_ours for source in sources]
    usual = [definition.consent if one else "" for one in ours]
    wordings = usual if asked.wording is None else [asked.wording] * len(sources)
    return ImportOrigin(definition, [*map(told, sources)], wordings, now)


def check_key(connection: Connection, address_key: bytes) -> None:
    """Raise when the database was made with another address key: its suppressions would be missed, every one."""
    known = connection.execute(select(people.c.address, people.c.address_hash).limit(1)).first()
    if known is not None and address_hash(known.address, address_key) != bytes(known.address_hash):
        raise MailerError(
            "the address key is not the one this database was made with",
            remedy="Restore secrets.toml (or MAILER_ADDRESS_KEY): without it nobody's unsubscribe would be found.",
        )


def _report(
    counts: Counts, rejects: Rejects, sources: Sequence[UnderstoodFile], read: Sequence[ReadFile], *, dry_run: bool
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
