"""Importing as long work: a file is looked over, rehearsed, imported, and an import is taken back.

Orders name an upload, or an import. Each is done again from its start after a crash, and the import itself once: its
end is recorded in the transaction that did it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from mailer.audience.imports import ImportOptions, ImportReport, ReadFile, import_files
from mailer.audience.imports.files.uploads import REJECTS, SEEN, Upload, Uploads
from mailer.audience.imports.files.zipped import source_files
from mailer.audience.imports.sources import look
from mailer.audience.imports.survey import kept
from mailer.audience.imports.undo import undo_import
from mailer.errors import MailerError
from mailer.long_work.running import Running, WorkElsewhere
from mailer.moving.report import LEFT_OUT, close_files
from mailer.private_files import whole_private

WRITING = timedelta(minutes=10)  # a million people, on a slow PostgreSQL
LOOK, REHEARSAL, IMPORT, UNDO = "import-look", "import-rehearsal", "import", "import-undo"


def look_over(running: Running) -> Mapping[str, Any]:
    """Read the file once, and keep what was seen beside it."""
    uploads, upload = _upload(running)
    definition = running.workspace.list_definition(upload.list)
    with source_files(uploads.paths(upload)) as files:
        seen, errors = look(
            files, definition, options(upload), heard=lambda rows: running.step(rows, None, "rows looked at")
        )
    if errors:
        raise MailerError("; ".join(error.message for error in errors), remedy=errors[0].remedy)
    told = [
        {"place": one.table.place, "line": one.table.line, "columns": one.table.columns, "layout": one.table.layout,
         "warnings": [f"{fault.message}. {fault.remedy}".strip() for fault in one.warnings],
         "survey": kept(one.survey)}
        for one in seen
    ]  # fmt: skip
    with whole_private(uploads.beside(upload, SEEN)) as file:
        json.dump(told, file)
    return {"rows": sum(one.survey.rows for one in seen)}


def rehearse(running: Running) -> Mapping[str, Any]:
    """Do it all and take it back: what would become of each row."""
    return {"report": _told(_import(running, dry_run=True))}


def import_people(running: Running) -> Mapping[str, Any]:
    """The import itself."""
    uploads, upload = _upload(running)
    result: dict[str, Any] = {}

    def settle(connection: Connection, report: ImportReport) -> None:
        result["number"] = report.id
        if upload.origin:
            result["move"] = _close_move(running, connection, upload, report)
        running.settle(connection, result)

    _import(running, settle=settle)
    uploads.remove_file(upload)
    return result


def _close_move(running: Running, connection: Connection, upload: Upload, report: ImportReport) -> int:
    """Note that the import was a move by files, with its signed report; returns the move's number."""
    return close_files(
        connection, running.workspace, report, token=upload.token, origin=upload.origin, by=running.actor,
        at=running.clock(), left_out=Uploads(running.workspace.root).beside(upload, LEFT_OUT),
    ).id  # fmt: skip


def take_back(running: Running) -> Mapping[str, Any]:
    """Take an import back."""
    number = int(running.order["number"])
    _write(running, 0)
    with running.database.write() as connection:
        undo_import(connection, number, by=running.actor, at=running.clock())
        running.settle(connection, {"number": number})
    return {"number": number}


def _write(running: Running, rows: int) -> None:
    """Say that one long transaction begins. On SQLite nobody else can claim the work meanwhile anyway."""
    running.step(rows, rows or None, "being written", silence=timedelta() if running.database.is_sqlite else WRITING)


def options(upload: Upload) -> ImportOptions:
    """What was asked for an upload's import."""
    return ImportOptions(**dict(upload.asked))  # pyright: ignore[reportArgumentType] - as they were written


def _import(running: Running, **more: Any) -> ImportReport:
    uploads, upload = _upload(running)
    workspace = running.workspace

    def progress(rows: int, share: float) -> None:
        running.step(rows, round(rows / share) if share else None, "rows read")

    def read(files: Sequence[ReadFile]) -> None:
        _write(running, sum(one.rows for one in files))

    return import_files(
        running.database, definition=workspace.list_definition(upload.list), paths=uploads.paths(upload),
        address_key=workspace.secrets.require_address_key(), by=running.actor, now=running.clock(),
        asked=options(upload), rejects_path=uploads.beside(upload, REJECTS), progress=progress,
        show=read, **more,
    )  # fmt: skip


def _upload(running: Running) -> tuple[Uploads, Upload]:
    uploads = Uploads(running.workspace.root)
    upload = uploads.find(str(running.order["upload"]))
    if upload is None and not uploads.folder.is_dir():
        raise WorkElsewhere
    if upload is None or uploads.received(upload) != upload.size:
        raise MailerError("the file isn't there any more", remedy="Bring it again.")
    return uploads, upload


def _told(report: ImportReport) -> Mapping[str, Any]:
    """A report as JSON, without the people in it."""
    warnings = [f"{fault.message}. {fault.remedy}".strip() for fault in report.warnings]
    return {**asdict(replace(report, rejects=(), warnings=())), "warnings": warnings}
