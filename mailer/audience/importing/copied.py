"""The first people of a workspace on PostgreSQL: themselves, their proofs and their subscriptions by COPY alone.

COPY writes a page of rows at a time, where INSERT writes each into the log by itself. All numbers are given out here,
so nothing is asked of the database while the file is read; keys and indexes are made in the end (`unchecked`).
"""

from __future__ import annotations

from sqlalchemy import Connection

from mailer.audience.importing.batches import Batch
from mailer.audience.importing.bulk import Packed, as_lines, copy_text, numbers_as_text, pack_text
from mailer.audience.importing.first import COLUMNS, GIVEN, JOINED_TOGETHER, counts_of
from mailer.audience.importing.joining import Joining, Origin
from mailer.audience.importing.judging import SUBSCRIBED
from mailer.audience.importing.unchecked import alike, bare, with_keys, without_doubles
from mailer.store.copying import go_on_from, numbers_used
from mailer.store.tables import consents, people, subscriptions, to_microseconds

# Rows as they are after a VACUUM, of which nobody need find out later that they were committed. Allowed for tables
# that were emptied in the same transaction. https://www.postgresql.org/docs/current/sql-copy.html
FROZEN = "FREEZE"


class Copied:
    """Takes judged people in, within the caller's write transaction. Two rows with one address must come in order."""

    by_address = False

    def __init__(self, connection: Connection, origin: Origin) -> None:
        self.connection = connection
        bare(connection)
        joining, at = Joining(connection, origin), to_microseconds(origin.now)
        alike(connection, people, created_at=at, updated_at=at)
        theirs = {"list_id": joining.list_id, "status": SUBSCRIBED}
        alike(connection, subscriptions, **theirs, changed_at=at)
        alike(connection, consents, **theirs, source_id=joining.source_id, at=at)
        self.rows = 0
        self._person, self._proof = numbers_used(connection, people), numbers_used(connection, consents)
        self._packed = 0  # rows, in the process that packs them
        self._joined = 0  # rows whose people are on the list

    def pack(self, batch: Batch) -> Packed:
        """People ready to be taken in, in this order; this may be done in another process."""
        first = self._person + self._packed + 1
        self._packed += len(batch[0])
        return pack_text(batch, GIVEN, first=first)

    def add(self, packed: Packed) -> None:
        """Take in judged people."""
        self.rows += packed.rows
        copy_text(self.connection, f"people (id, {', '.join(COLUMNS)})", packed.text, FROZEN)
        if self.rows - self._joined >= JOINED_TOGETHER:
            self._join()

    def finish(self) -> dict[str, int]:
        """Put everyone on the list, and leave the first of each address; how many rows became what."""
        self._join()
        go_on_from(self.connection, people, self._person + self.rows)
        go_on_from(self.connection, consents, self._proof + self.rows)
        doubles = without_doubles(self.connection)
        with_keys(self.connection)
        return counts_of(self.rows, added=self.rows - doubles)

    def _join(self) -> None:
        """Put those on the list who have come since the last time."""
        if self._joined == self.rows:
            return
        new, old = self.rows, self._joined
        persons = numbers_as_text(range(self._person + old + 1, self._person + new + 1))
        proofs = numbers_as_text(range(self._proof + old + 1, self._proof + new + 1))
        copy_text(self.connection, "consents (id, person_id)", as_lines([proofs, persons]), FROZEN)
        copy_text(self.connection, "subscriptions (person_id)", as_lines([persons]), FROZEN)
        self._joined = self.rows
