"""The rows of tables that mails are merged with, kept by the digest of their file, as pictures are: a mail that is
resumed, retried or opened years later reads what everybody else's did.

Two million postcodes are put into the database once and looked up one by one, so memory doesn't grow with them. An
address is kept as its keyed hash, and goes with its person.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, Select, insert, select

from mailer.audience.addresses import address_hash, normalise
from mailer.compose.data.tables import JoinedBy, LookupOf, LookupTable
from mailer.compose.message import Message
from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.store.tables.data import campaign_lookups, lookup_rows, lookup_tables

SMALL = 2_000  # a table of so many rows is read at once
MOST_REMEMBERED = 20_000  # rows in memory
LONGEST_KEY = 200  # characters


def normal_key(kind: JoinedBy, text: str, *, address_key: Callable[[], bytes]) -> str:
    """What spellings of a key have in common; "" for none. `address_key` keys the hash of an address."""
    text = " ".join(text.split())
    match kind:
        case JoinedBy.POSTCODE:
            return "".join(sign for sign in text.upper() if sign.isalnum())[:LONGEST_KEY]
        case JoinedBy.COUNTRY:
            from mailer.audience.imports.meaning.values import country_code  # few tables need it

            return country_code(text) or text.casefold()[:LONGEST_KEY]
        case JoinedBy.ADDRESS:
            with suppress(MailerError):
                return address_hash(normalise(text), address_key()).hex()
            return ""
        case JoinedBy.TEXT:
            return text.casefold()[:LONGEST_KEY]


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
                rows = [] if whole else list(connection.execute(rows_of(number, list(filter(None, wanted)))))
            self._known |= {(table.digest, row.key): tuple(json.loads(row.cells)) for row in rows}
            for key in wanted:
                self._known.setdefault((table.digest, key), None)

    def _number(self, connection: Connection, table: LookupTable) -> tuple[int, bool]:
        known = self._numbers.get(table.digest)
        if known is None:
            meta = connection.execute(meta_of(table.digest)).first()
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


def meta_of(digest: str) -> Select[Any]:
    return select(lookup_tables).where(lookup_tables.c.digest == digest)


def rows_of(number: int, keys: list[str]) -> Select[Any, Any]:
    wanted = lookup_rows.c.key.in_(keys)
    return select(lookup_rows.c.key, lookup_rows.c.cells).where(lookup_rows.c.table_id == number, wanted)
