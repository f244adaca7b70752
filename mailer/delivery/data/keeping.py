"""Puts the rows of a table into the database, once for each state of its file, and says what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import Connection, func, select, update

from mailer.compose.data.tables import Cells, JoinedBy, LookupTable
from mailer.compose.message import Message
from mailer.delivery.data.rows import TableCells, meta_of, normal_key, rows_of
from mailer.delivery.data.tables import TableFile, TableFiles, readable_by_others, rows_of_table
from mailer.diagnostics import Diagnostic, Place
from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.store.engine.dialects import insert_for
from mailer.store.tables.data import lookup_rows, lookup_tables
from mailer.workspace import Workspace

BATCH = 2_000  # rows of one statement
MOST_ROWS = 5_000_000
LONGEST_CELL = 2_000  # characters
MOST_FAULTS = 20
ROUND = timedelta(days=1)


def keep_rows(
    database: Database, file: TableFile, table: LookupTable, *, address_key: Callable[[], bytes], now: datetime
) -> None:
    """Put a table's rows into the database, unless they are there. Raises `MailerError` with all faults of its rows;
    then nothing of it is used.

    Who is killed in the middle leaves a table that isn't whole; the next puts it in again.
    """
    with database.read() as connection:
        known = connection.execute(meta_of(table.digest)).first()
    if known is not None and known.whole:
        if now - known.used_at >= ROUND:
            with database.write() as connection:
                connection.execute(update(lookup_tables).where(lookup_tables.c.id == known.id).values(used_at=now))
        return
    number = _begun(database, table, now=now)
    keeper = _Keeper(number, file, table, address_key)
    rows = rows_of_table(file, table)
    while batch := list(islice(rows, BATCH)):
        with database.write() as connection:
            keeper.put(connection, batch)
    with database.read() as connection:  # counted, since another process may have put some in meanwhile
        count = select(func.count()).select_from(lookup_rows).where(lookup_rows.c.table_id == number)
        many = int(connection.execute(count).scalar_one())
    if not keeper.faults and not many:
        keeper.faults.append(Diagnostic("the table has no rows", Place(file.place)))
    if keeper.faults:
        raise MailerError(f"{file.place} can’t be used:", diagnostics=keeper.faults)
    with database.write() as connection:
        done = {"rows": many, "whole": 1, "used_at": now}
        connection.execute(update(lookup_tables).where(lookup_tables.c.id == number).values(**done))


def with_rows(
    database: Database, message: Message, workspace: Workspace, *, now: datetime
) -> tuple[Cells, list[Diagnostic]]:
    """What merging the message looks its rows up by, once they are in the database; and what is wrong with them."""
    wrong: list[Diagnostic] = []
    address_key = workspace.secrets.require_address_key
    tables = {one.name: one for version in message.mails.values() for one in version.tables}
    files = TableFiles(workspace).files
    for name, table in tables.items():
        try:
            keep_rows(database, files[name], table, address_key=address_key, now=now)
        except MailerError as error:
            wrong += error.diagnostics
        wrong += filter(None, [readable_by_others(files[name])])
    return TableCells(database, address_key), wrong


def _begun(database: Database, table: LookupTable, *, now: datetime) -> int:
    with database.write() as connection:
        row = {"digest": table.digest, "kind": table.kind.value, "columns": list(table.columns), "rows": 0, "whole": 0}
        put = insert_for(connection, lookup_tables).values(**row, used_at=now)
        connection.execute(put.on_conflict_do_nothing(index_elements=["digest"]))
        return int(connection.execute(meta_of(table.digest)).one().id)


class _Keeper:
    """Puts batches of rows in, and notes what is wrong with them."""

    def __init__(self, number: int, file: TableFile, table: LookupTable, address_key: Callable[[], bytes]) -> None:
        self.number, self.file, self.table, self.address_key = number, file, table, address_key
        self.faults: list[Diagnostic] = []
        self.rows = 0

    def put(self, connection: Connection, batch: Iterable[tuple[int, list[str]]]) -> None:
        found: dict[str, str] = {}
        lines: dict[str, int] = {}
        for line, cells in batch:
            key = normal_key(self.table.kind, cells[0], address_key=self.address_key)
            first = "" if self.table.kind is JoinedBy.ADDRESS else cells[0]
            written = json.dumps([first, *cells[1:]], ensure_ascii=False, separators=(",", ":"))
            if not key or any(len(cell) > LONGEST_CELL for cell in cells):
                what = f"a cell has more than {LONGEST_CELL:,} characters" if key else f"this is no {self.table.kind}"
                self._wrong(what, line, "Correct the line, or take it out.")
            elif found.setdefault(key, written) != written:
                self._wrong(f"this {self.table.kind} has two rows", line, "Keep one of them.")
            lines.setdefault(key, line)
        kept = self._kept(connection, found)
        for key, written in kept.items():
            if found[key] != written:
                self._wrong(f"this {self.table.kind} has two rows", lines[key], "Keep one of them.")
        new = [{"table_id": self.number, "key": key, "cells": cells} for key, cells in found.items() if key not in kept]
        if new and not self.faults:
            connection.execute(insert_for(connection, lookup_rows).on_conflict_do_nothing(), new)
        self.rows += len(new)
        if self.rows > MOST_ROWS:
            raise MailerError(f"the table has more than {MOST_ROWS:,} rows", place=Place(self.file.place))

    def _kept(self, connection: Connection, found: Mapping[str, str]) -> dict[str, str]:
        rows = connection.execute(rows_of(self.number, list(found)))
        return {row.key: row.cells for row in rows}

    def _wrong(self, what: str, line: int, remedy: str) -> None:
        """The key itself isn't told: it may be somebody's address."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Diagnostic(what, Place(self.file.place, line), remedy))
