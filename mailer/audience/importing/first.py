"""The first people of a workspace, put straight into their table while the file is read.

Where nobody is known and nobody suppressed there is nothing to compare rows with, so staging would only write twice.
Everyone in the file joins the list, the first row of each address.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from mailer.audience.importing.bulk import Packed, copy_packed, insert_packed, pack_text, pack_values
from mailer.audience.importing.columns import Columns
from mailer.audience.importing.joining import Joining, Origin
from mailer.audience.importing.judging import SUBSCRIBED, Person
from mailer.audience.importing.staging import TEXTS
from mailer.audience.importing.unchecked import may_alter, with_keys, with_unique_people, without_keys
from mailer.store.tables import people, suppressions, to_microseconds

COLUMNS = ("address", "address_hash", *TEXTS, "attributes", "created_at", "updated_at")
GIVEN = slice(1, -1)  # of a `Person`: without line and status
JOINED_TOGETHER = 50_000  # rows


def may_be_first(connection: Connection, columns: Columns) -> bool:
    """Whether a file with these columns could be taken in this way, as it seems; `is_empty` must hold in the end.

    A status could say, further down, that somebody must not be mailed.
    """
    return "status" not in columns.fields and (_is_sqlite(connection) or may_alter(connection)) and is_empty(connection)


def is_empty(connection: Connection) -> bool:
    """Whether nobody is known, nor suppressed."""
    return all(connection.execute(select(table).limit(1)).first() is None for table in (people, suppressions))


def _is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


class First:
    """Takes judged people in, within the caller's write transaction. Two rows with one address must come in order."""

    def __init__(self, connection: Connection, origin: Origin) -> None:
        self.connection = connection
        self.is_sqlite = _is_sqlite(connection)
        if not self.is_sqlite:
            without_keys(connection)
        self.joining = Joining(connection, origin)
        self.at = to_microseconds(origin.now)
        self.rows = 0
        self.added = 0
        self._joined = self.joining.newest  # everyone up to this number is on the list
        self._waiting = 0  # rows taken in since

    def pack(self, batch: Sequence[Person]) -> Packed:
        """People ready to be taken in; this may be done in another process."""
        return pack_values(batch, GIVEN) if self.is_sqlite else pack_text(batch, GIVEN, constants=(self.at, self.at))

    def add(self, packed: Packed) -> None:
        """Take in judged people; of those with the same address, the first."""
        self.rows += packed.rows
        self._waiting += packed.rows
        into = f"people ({', '.join(COLUMNS)})"
        if not self.is_sqlite:
            copy_packed(self.connection, into, packed)
            return
        conflict = "ON CONFLICT (address) DO NOTHING"
        insert_packed(self.connection, into, packed, constants=(self.at, self.at), conflict=conflict)
        if self._waiting >= JOINED_TOGETHER:
            self._join()

    def finish(self) -> dict[str, int]:
        """Put everyone on the list; how many rows became what."""
        if not self.is_sqlite:
            with_unique_people(self.connection)
        self._join()
        if not self.is_sqlite:
            with_keys(self.connection)
        duplicate = self.rows - self.added
        return {"added": self.added, "updated": 0, "unchanged": 0, "duplicate": duplicate, "suppressed": 0}

    def _join(self) -> None:
        """Put those on the list who have come since the last time, while their pages are still in memory."""
        new = select(people.c.id).where(people.c.id > self._joined)
        self.joining.prove(new, SUBSCRIBED)
        self.joining.subscribe(new, SUBSCRIBED)
        found = select(func.count(), func.coalesce(func.max(people.c.id), self._joined))
        count, newest = self.connection.execute(found.where(people.c.id > self._joined)).one()
        self.added += count
        self._joined, self._waiting = newest, 0
