"""The first people of a workspace, put straight into their table while the file is read.

Where nobody is known and nobody suppressed there is nothing to compare rows with, so staging would only write twice.
Everyone in the file joins the list, the first row of each address.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from mailer.audience.importing.bulk import Packed, insert_packed, pack_values
from mailer.audience.importing.columns import Columns
from mailer.audience.importing.joining import Joining, Origin
from mailer.audience.importing.judging import SUBSCRIBED, Person
from mailer.audience.importing.staging import TEXTS
from mailer.store.tables import people, suppressions, to_microseconds

COLUMNS = ("address", "address_hash", *TEXTS, "attributes", "created_at", "updated_at")
GIVEN = slice(1, -1)  # of a `Person`: without line and status


def may_be_first(connection: Connection, columns: Columns) -> bool:
    """Whether a file with these columns could be taken in this way; `is_empty` must hold too.

    A status could say, further down, that somebody must not be mailed. PostgreSQL has no such way: COPY stops at the
    first address that comes twice.
    """
    return connection.dialect.name == "sqlite" and "status" not in columns.fields


def is_empty(connection: Connection) -> bool:
    """Whether nobody is known, nor suppressed."""
    return all(connection.execute(select(table).limit(1)).first() is None for table in (people, suppressions))


class First:
    """Takes judged people in, within the caller's write transaction. Two rows with one address must come in order."""

    def __init__(self, connection: Connection, origin: Origin) -> None:
        self.connection = connection
        self.joining = Joining(connection, origin)
        self.at = to_microseconds(origin.now)
        self.rows = 0

    def pack(self, people: Sequence[Person]) -> Packed:
        """People ready to be taken in; this may be done in another process."""
        return pack_values(people, GIVEN)

    def add(self, packed: Packed) -> None:
        """Take in judged people; of those with the same address, the first."""
        self.rows += packed.rows
        insert_packed(
            self.connection,
            f"people ({', '.join(COLUMNS)})",
            packed,
            constants=(self.at, self.at),
            conflict="ON CONFLICT (address) DO NOTHING",
        )

    def finish(self) -> dict[str, int]:
        """Put everyone on the list; how many rows became what."""
        everyone = select(people.c.id).where(people.c.id > self.joining.newest)
        self.joining.prove(everyone, SUBSCRIBED)
        self.joining.subscribe(everyone, SUBSCRIBED)
        added = self.connection.execute(select(func.count()).select_from(everyone.subquery())).scalar_one()
        return {"added": added, "updated": 0, "unchanged": 0, "duplicate": self.rows - added, "suppressed": 0}
