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

    def pack(self, batch: Sequence[Person]) -> Packed:
        """People ready to be taken in; this may be done in another process."""
        return pack_values(batch, GIVEN) if self.is_sqlite else pack_text(batch, GIVEN, constants=(self.at, self.at))

    def add(self, packed: Packed) -> None:
        """Take in judged people; of those with the same address, the first."""
        self.rows += packed.rows
        into = f"people ({', '.join(COLUMNS)})"
        if self.is_sqlite:
            conflict = "ON CONFLICT (address) DO NOTHING"
            insert_packed(self.connection, into, packed, constants=(self.at, self.at), conflict=conflict)
        else:
            copy_packed(self.connection, into, packed)

    def finish(self) -> dict[str, int]:
        """Put everyone on the list; how many rows became what."""
        if not self.is_sqlite:
            with_unique_people(self.connection)
        everyone = select(people.c.id).where(people.c.id > self.joining.newest)
        self.joining.prove(everyone, SUBSCRIBED)
        self.joining.subscribe(everyone, SUBSCRIBED)
        if not self.is_sqlite:
            with_keys(self.connection)
        added = self.connection.execute(select(func.count()).select_from(everyone.subquery())).scalar_one()
        return {"added": added, "updated": 0, "unchanged": 0, "duplicate": self.rows - added, "suppressed": 0}
