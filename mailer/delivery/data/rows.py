"""The rows of tables that mails are merged with, kept by the digest of their file, as pictures are: a mail that is
resumed, retried or opened years later reads what everybody else's did.

Two million postcodes are put into the database once and looked up one by one, so memory doesn't grow with them. An
address is kept as its keyed hash, and goes with its person.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Select, func, insert, select, update

from mailer.audience.addresses import address_hash, normalise
from mailer.audience.imports.meaning.values import country_code
from mailer.compose.data.tables import Cells, JoinedBy, LookupOf, LookupTable, no_cells
from mailer.compose.message import Message
from mailer.delivery.data.tables import TableFile, TableFiles, readable_by_others, rows_of_table
from mailer.diagnostics import Diagnostic, Place
from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.store.engine.dialects import insert_for
from mailer.store.tables.data import campaign_lookups, lookup_rows, lookup_tables
from mailer.workspace import Workspace

BATCH = 2_000  # rows of one statement
SMALL = 2_000  # a table of so many rows is read at once
MOST_REMEMBERED = 20_000  # rows in memory
MOST_ROWS = 5_000_000
LONGEST_KEY, LONGEST_CELL = 200, 2_000  # characters
MOST_FAULTS = 20
ROUND = timedelta(days=1)


def normal_key(kind: JoinedBy, text: str, *, address_key: Callable[[], bytes]) -> str:
    """What spellings of a key have in common; "" for none. `address_key` keys the hash of an address."""
    text = " ".join(text.split())
    match kind:
        case JoinedBy.POSTCODE:
            return "".join(sign for sign in text.upper() if sign.isalnum())[:LONGEST_KEY]
        case JoinedBy.COUNTRY:
            return country_code(text) or text.casefold()[:LONGEST_KEY]
        case JoinedBy.ADDRESS:
            with suppress(MailerError):
                return address_hash(normalise(text), address_key()).hex()
            return ""
        case JoinedBy.TEXT:
            return text.casefold()[:LONGEST_KEY]


# Keeping


def keep_rows(
    database: Database, file: TableFile, table: LookupTable, *, address_key: Callable[[], bytes], now: datetime
) -> None:
    """Put a table's rows into the database, unless they are there. Raises `MailerError` with all faults of its rows;
    then nothing of it is used.

    Who is killed in the middle leaves a table that isn't whole; the next puts it in again.
    """
    with database.read() as connection:
        known = connection.execute(_meta(table.digest)).first()
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
    files = TableFiles(workspace).files if tables else {}
    for name, table in tables.items():
        try:
            keep_rows(database, files[name], table, address_key=address_key, now=now)
        except MailerError as error:
            wrong += error.diagnostics
        wrong += filter(None, [readable_by_others(files[name])])
    return (TableCells(database, address_key) if tables else no_cells), wrong


def _begun(database: Database, table: LookupTable, *, now: datetime) -> int:
    with database.write() as connection:
        row = {"digest": table.digest, "kind": table.kind.value, "columns": list(table.columns), "rows": 0, "whole": 0}
        put = insert_for(connection, lookup_tables).values(**row, used_at=now)
        connection.execute(put.on_conflict_do_nothing(index_elements=["digest"]))
        return int(connection.execute(_meta(table.digest)).one().id)


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
        rows = connection.execute(_rows(self.number, list(found)))
        return {row.key: row.cells for row in rows}

    def _wrong(self, what: str, line: int, remedy: str) -> None:
        """The key itself isn't told: it may be somebody's address."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Diagnostic(what, Place(self.file.place, line), remedy))


def freeze_tables(connection: Connection, campaign_id: int, message: Message) -> None:
    """Note which tables a campaign is mailed with, so that they stay for as long as it does."""
    digests = {one.digest for version in message.mails.values() for one in version.tables}
    if not digests:
        return
    wanted = select(lookup_tables.c.id).where(lookup_tables.c.digest.in_(digests), lookup_tables.c.whole == 1)
    numbers = connection.execute(wanted).scalars().all()
    if len(numbers) != len(digests):
        raise MailerError("a table of this newsletter was changed a moment ago", remedy="Try again.")
    connection.execute(
        insert(campaign_lookups), [{"campaign_id": campaign_id, "table_id": number} for number in numbers]
    )


# Looking up


class TableCells:
    """`Cells` for merging: the cell of a table for what a person's field holds. For several threads."""

    def __init__(self, database: Database, address_key: Callable[[], bytes]) -> None:
        self.database = database
        self.address_key = address_key
        self._lock = threading.Lock()
        self._numbers: dict[str, tuple[int, bool]] = {}  # digest → its number, and whether all of it is in `_rows`
        self._known: dict[tuple[str, str], tuple[str, ...] | None] = {}  # by digest and normalised key

    def __call__(self, lookup: LookupOf, key: str) -> str | None:
        table = lookup.table
        wanted = (table.digest, normal_key(table.kind, key, address_key=self.address_key) if key else "")
        if wanted not in self._known:
            self.fetch(table, [key])
        row = self._known.get(wanted)
        return None if row is None else row[lookup.column]

    def fetch(self, table: LookupTable, keys: Collection[str]) -> None:
        """Have the rows of these keys at hand."""
        with self._lock:
            wanted = {normal_key(table.kind, key, address_key=self.address_key) for key in keys}
            wanted = {key for key in wanted if (table.digest, key) not in self._known}
            if not wanted:
                return
            if len(self._known) + len(wanted) > MOST_REMEMBERED:
                self._known, self._numbers = {}, {}
            with self.database.read() as connection:
                number, whole = self._number(connection, table)
                rows = [] if whole else list(connection.execute(_rows(number, list(filter(None, wanted)))))
            self._known |= {(table.digest, row.key): tuple(json.loads(row.cells)) for row in rows}
            for key in wanted:
                self._known.setdefault((table.digest, key), None)

    def _number(self, connection: Connection, table: LookupTable) -> tuple[int, bool]:
        known = self._numbers.get(table.digest)
        if known is None:
            meta = connection.execute(_meta(table.digest)).first()
            if meta is None or not meta.whole:
                raise MailerError(
                    f"the rows of the table {table.name} are not in this database",
                    remedy="The database is an older copy. Check the newsletter: mailer check NEWSLETTER",
                )
            small = meta.rows <= SMALL
            if small:
                rows = connection.execute(select(lookup_rows).where(lookup_rows.c.table_id == meta.id))
                self._known |= {(table.digest, row.key): tuple(json.loads(row.cells)) for row in rows}
            known = self._numbers[table.digest] = (int(meta.id), small)
        return known


def _meta(digest: str) -> Select[Any]:
    return select(lookup_tables).where(lookup_tables.c.digest == digest)


def _rows(number: int, keys: list[str]) -> Select[Any, Any]:
    wanted = lookup_rows.c.key.in_(keys)
    return select(lookup_rows.c.key, lookup_rows.c.cells).where(lookup_rows.c.table_id == number, wanted)
