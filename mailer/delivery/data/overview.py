"""What there is: each newsletter's sources with what came of them, and the tables of data/ with who uses them.

`mailer data` and the studio show it. Nothing is asked from a site here, unless the caller says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import select

from mailer.compose.data.sources import DATA, DataSource
from mailer.compose.data.tables import LOOKUP, LookupTable
from mailer.compose.source.written import Source
from mailer.delivery.data.kept import kept_readings
from mailer.delivery.data.read import UNREADABLE, DataReading
from mailer.delivery.data.tables import TableFile, table_files, table_of
from mailer.diagnostics import Diagnostic
from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.store.tables.data import lookup_tables
from mailer.workspace import Newsletter, Workspace

NAMED = re.compile(rf"{LOOKUP}\(\s*(?:\"([^\"]+)\"|'([^']+)')")
MESSAGES = ("*.md", "*.mjml")


@dataclass(frozen=True, slots=True)
class SourceState:
    """A source of a newsletter: what it shows, when it was read, or what is wrong with it."""

    source: DataSource
    shown: Any  # entries, rows or values; None while nobody has read it
    read_at: datetime | None
    fault: Diagnostic | None = None

    @property
    def entries(self) -> int:
        """How many of them are shown."""
        if isinstance(self.shown, list):
            return len(cast("list[Any]", self.shown))
        return 0 if self.shown in (None, {}) else 1


@dataclass(frozen=True, slots=True)
class TableState:
    """A file of data/. `table` is None where `fault` says why it can't be used; `rows` is known once one was made."""

    file: TableFile
    size: int  # bytes
    used_by: tuple[str, ...]  # newsletters whose texts name it
    table: LookupTable | None = None
    rows: int | None = None
    fault: Diagnostic | None = None


def states_of(source: Source, reading: DataReading) -> list[SourceState]:
    """The sources of a newsletter after `read_data`."""
    faults = {one.place: one for one in reading.diagnostics if one.rule == UNREADABLE}
    found: list[SourceState] = []
    for one in source.data_sources:
        fault = faults.get(source.place(f"{DATA}.{one.name}"))
        shown = None if fault else reading.data.values.get(one.name)
        found.append(SourceState(one, shown, reading.read_at.get(one.name), fault))
    return found


def kept_states(database: Database, source: Source) -> list[SourceState]:
    """The same as far as it is known without reading anything."""
    with database.read() as connection:
        kept = kept_readings(connection, source.newsletter.slug)
    found: list[SourceState] = []
    for one in source.data_sources:
        last, place = kept.get(one.key), source.place(f"{DATA}.{one.name}")
        fault = Diagnostic(last.fault, place, last.remedy, rule=UNREADABLE) if last and last.fault else None
        found.append(SourceState(one, None, last.read_at if last else None, fault))
    return found


def tables_of(database: Database, workspace: Workspace) -> list[TableState]:
    """Every file of data/ that may be a table, by name, with the newsletters that use it."""
    files = list(table_files(workspace))
    if not files:
        return []
    used = _used_by(workspace)
    with database.read() as connection:
        query = select(lookup_tables.c.digest, lookup_tables.c.rows).where(lookup_tables.c.whole == 1)
        rows = {row.digest: int(row.rows) for row in connection.execute(query)}
    return [_state(one, used.get(one.name, ()), rows) for one in files]


def _state(file: TableFile, used_by: Sequence[str], rows: Mapping[str, int]) -> TableState:
    try:
        size, table = file.path.stat().st_size, table_of(file)
    except MailerError as error:
        return TableState(file, file.path.stat().st_size, tuple(used_by), fault=error.diagnostics[0])
    return TableState(file, size, tuple(used_by), table, rows.get(table.digest))


def _used_by(workspace: Workspace) -> dict[str, list[str]]:
    """Table → the newsletters whose texts look something up in it or show its rows."""
    found: dict[str, list[str]] = {}
    for slug in workspace.slugs():
        for name in dict.fromkeys(_names(Newsletter(workspace, slug))):
            found.setdefault(name, []).append(slug)
    return found


def _names(newsletter: Newsletter) -> Iterator[str]:
    for path in sorted(path for ending in MESSAGES for path in newsletter.folder.glob(ending)):
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        if LOOKUP in text:
            yield from (one[1] or one[2] for one in NAMED.finditer(text))
