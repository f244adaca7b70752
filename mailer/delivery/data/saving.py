"""Takes a table in from staff: judged whole, then put into data/ in one moment; one of people into data/private/."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from mailer.compose.data.sources import DATA
from mailer.compose.data.tables import JoinedBy, LookupTable
from mailer.delivery.data.keeping import keep_rows
from mailer.delivery.data.tables import ENDINGS, NAME, PRIVATE, TableFile, table_files, table_of
from mailer.diagnostics import Diagnostic, Place
from mailer.editing.files import one_at_a_time, write_file
from mailer.errors import MailerError
from mailer.private_files import FILE, open_private, private_folder
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.store.engine.database import Database
from mailer.workspace import Workspace

SAVED = "table saved"  # as the audit log says it
NAMED = "Small letters, figures and hyphens, such as constituencies."


def save_table(
    workspace: Workspace, database: Database, actor: Actor, *, name: str, file_name: str, content: bytes, at: datetime
) -> LookupTable:
    """Put a table into data/, in the place of the one that has its name. Raises `MailerError` with everything that is
    wrong with it; then nothing was changed. `file_name` is what its sender calls it, and tells its form."""
    actor.require(Right.WRITE)
    ending = Path(file_name).suffix.lower()
    if not NAME.fullmatch(name):
        raise MailerError(f"a table can’t be called {name!r}", remedy=NAMED)
    if ending not in ENDINGS:
        raise MailerError("this is no table", remedy="Choose a CSV file, or an Excel workbook.")
    address_key: Callable[[], bytes] = workspace.secrets.require_address_key
    with tempfile.TemporaryDirectory() as made:
        # As if it were private already, whatever it holds: which it is shows only now.
        path = private_folder(Path(made) / PRIVATE) / f"{name}{ending}"
        with open_private(path, "wb") as file:
            file.write(content)
        try:
            trial = TableFile(name, path, file_name)
            table = table_of(trial)
            keep_rows(database, trial, table, address_key=address_key, now=at)
        except MailerError as error:
            raise MailerError(f"{file_name} can’t be used:", diagnostics=map(_by_its_name, error.diagnostics)) from None
    of_people = table.kind is JoinedBy.ADDRESS
    folder = workspace.root / DATA / (PRIVATE if of_people else "")
    with database.write() as connection:
        one_at_a_time(connection)
        before = [one for one in table_files(workspace) if one.name == name]
        if of_people:
            private_folder(folder)
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{name}{ending}"
        write_file(target, content, within=workspace.root, mode=FILE if of_people else 0o644)
        if of_people:
            target.chmod(FILE)
        for old in before:
            if old.path != target:
                old.path.unlink(missing_ok=True)
        audit.record(connection, actor, SAVED, at=at, subject=f"table {name}", detail=", ".join(table.tags))
    return table


def _by_its_name(one: Diagnostic) -> Diagnostic:
    line = one.place.line if one.place else None
    return replace(one, place=Place(part=f"line {line}") if line else None)
