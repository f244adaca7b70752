"""The first people of a workspace, put straight into their table while the file is read.

Where nobody is known and nobody suppressed there is nothing to compare rows with, so staging would only write twice.
Everyone in the file joins the list, the first row of each address. This is SQLite's way, and what both have in common;
PostgreSQL's is `copied`.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from mailer.audience.importing.batches import Batch
from mailer.audience.importing.bulk import Packed, insert_packed, pack_values
from mailer.audience.importing.columns import Columns
from mailer.audience.importing.joining import Joining, Origin
from mailer.audience.importing.judging import SUBSCRIBED
from mailer.audience.importing.staging import TEXTS
from mailer.audience.importing.unchecked import may_alter
from mailer.store.tables import people, suppressions, to_microseconds

COLUMNS = ("address", "address_hash", *TEXTS, "attributes")
GIVEN = slice(1, -1)  # of a `Person`: without line and status
JOINED_TOGETHER = 50_000  # rows


def may_be_first(connection: Connection, columns: Columns) -> bool:
    """Whether a file with these columns could be taken in this way, as it seems; `is_empty` must hold in the end.

    A status could say, further down, that somebody must not be mailed.
    """
    if "status" in columns.fields or not is_empty(connection):
        return False
    return connection.dialect.name == "sqlite" or may_alter(connection)


def is_empty(connection: Connection) -> bool:
    """Whether nobody is known, nor suppressed."""
    return all(connection.execute(select(table).limit(1)).first() is None for table in (people, suppressions))


def counts_of(rows: int, *, added: int) -> dict[str, int]:
    """How many rows of a first import became what."""
    return {"added": added, "updated": 0, "unchanged": 0, "duplicate": rows - added, "suppressed": 0}


class First:
    """Takes judged people in, within the caller's write transaction. Two rows with one address must come in order."""

    by_address = True  # as the index of addresses likes it, which is kept meanwhile

    def __init__(self, connection: Connection, origin: Origin) -> None:
        self.connection = connection
        self.joining = Joining(connection, origin)
        self.at = to_microseconds(origin.now)
        self.rows = 0
        self.added = 0
        self._joined = self.joining.newest  # everyone up to this number is on the list
        self._waiting = 0  # rows taken in since

    def pack(self, batch: Batch) -> Packed:
        """People ready to be taken in; this may be done in another process."""
        return pack_values(batch, GIVEN)

    def add(self, packed: Packed) -> None:
        """Take in judged people; of those with the same address, the first."""
        self.rows += packed.rows
        self._waiting += packed.rows
        into = f"people ({', '.join(COLUMNS)}, created_at, updated_at)"
        conflict = "ON CONFLICT (address) DO NOTHING"
        insert_packed(self.connection, into, packed, constants=(self.at, self.at), conflict=conflict)
        if self._waiting >= JOINED_TOGETHER:
            self._join()

    def finish(self) -> dict[str, int]:
        """Put everyone on the list; how many rows became what."""
        self._join()
        return counts_of(self.rows, added=self.added)

    def _join(self) -> None:
        """Put those on the list who have come since the last time, while their pages are still in memory."""
        new = select(people.c.id).where(people.c.id > self._joined)
        self.joining.prove(new, SUBSCRIBED)
        self.joining.subscribe(new, SUBSCRIBED)
        found = select(func.count(), func.coalesce(func.max(people.c.id), self._joined))
        count, newest = self.connection.execute(found.where(people.c.id > self._joined)).one()
        self.added += count
        self._joined, self._waiting = newest, 0
