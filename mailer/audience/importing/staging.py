"""Judged people put aside in a temporary table, from which `writing` takes them over. It locks nobody out meanwhile."""

from __future__ import annotations

from sqlalchemy import Column, Connection, LargeBinary, MetaData, Table, Text

from mailer.audience.importing.batches import Batch
from mailer.audience.importing.bulk import Packed, copy_text, insert_packed, pack_text, pack_values
from mailer.store.tables import Id

TEXTS = ("first_name", "last_name", "country", "language")

_temporary = MetaData()
stage = Table(  # the rows of the file that could be taken, in the order of `Person`
    "import_stage",
    _temporary,
    Column("line", Id, primary_key=True, autoincrement=False),
    Column("address", Text, nullable=False),
    Column("address_hash", LargeBinary, nullable=False),
    *(Column(name, Text, nullable=False) for name in TEXTS),
    Column("attributes", Text, nullable=False),  # JSON
    Column("status", Text, nullable=False),  # Membership or SuppressionReason
    prefixes=["TEMPORARY"],
)
known = Table(  # people who were known before and whom the file names
    "import_known",
    _temporary,
    Column("person_id", Id, primary_key=True, autoincrement=False),
    Column("line", Id, nullable=False),  # the first that names them
    Column("outcome", Text, nullable=False),  # what became of them: `writing` has the words
    prefixes=["TEMPORARY"],
)


class Stage:
    """The staged rows on a connection. Filling it locks nobody out: the tables are this connection's own."""

    by_address = False

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._is_sqlite = connection.dialect.name == "sqlite"
        self.rows = 0
        self.statuses: set[str] = set()
        self.drop()
        _temporary.create_all(connection, checkfirst=False)

    def pack(self, people: Batch) -> Packed:
        """People ready to be taken in; this may be done in another process."""
        return (pack_values if self._is_sqlite else pack_text)(people, slice(None))

    def add(self, packed: Packed) -> None:
        """Take in judged rows."""
        self.rows += packed.rows
        self.statuses |= packed.statuses
        into = f"import_stage ({', '.join(stage.c.keys())})"
        if self._is_sqlite:
            insert_packed(self.connection, into, packed)
        else:
            copy_text(self.connection, into, packed.text)

    def filled(self) -> None:
        """All is in: let the engine know what it has there, which it can't see of a temporary table by itself."""
        if not self._is_sqlite:
            self.connection.exec_driver_sql("ANALYZE import_stage")

    def drop(self) -> None:
        """Drop the tables, also those that an import left which was broken off."""
        for table in _temporary.sorted_tables:
            self.connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table.name}")
