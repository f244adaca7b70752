"""What imports did, and for a day what is needed to take one back: what it overwrote, and which of it is its own.

People that an import added need no rows: they are numbered in order, and nobody else adds any while it writes.
"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, LargeBinary, Table, Text

from mailer.store.tables.types import Id, Instant, metadata

imports = Table(
    "imports",
    metadata,
    Column("id", Id, primary_key=True),
    Column("list_id", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),  # what it changed carries this time
    Column("by", Text, nullable=False),  # who imported, as the audit log calls them
    Column("files", JSON, nullable=False),  # their names
    Column("report", JSON, nullable=False, server_default="{}"),  # what became of the rows, counted; names nobody
    Column("sources", JSON, nullable=False),  # numbers of `consent_sources`, of its proofs
    Column("people_after", BigInteger, nullable=False),  # it added those above this number …
    Column("people_until", BigInteger, nullable=False),  # … up to this one
    Column("consents_after", BigInteger, nullable=False),  # and its proofs are among these
    Column("consents_until", BigInteger, nullable=False),
    Column("undo_until", Instant),  # null: the tables below have nothing of it any more
    Column("undone_at", Instant),  # null while it wasn't taken back
    Column("undone_by", Text, nullable=False, server_default=""),
    Column("undone", JSON),  # what was put back, and what stayed, counted
    Column("move_id", BigInteger),  # the move that it is part of
    Column("account", JSON),  # of a part of a move: its rows on both sides, counted; names nobody
)

moves = Table(  # from another program to this one; kept for good
    "moves",
    metadata,
    Column("id", Id, primary_key=True),
    Column("token", Text, nullable=False, unique=True),  # of what was brought or fetched: a second try is the same move
    Column("origin", Text, nullable=False),  # the other program: a name of `moving.origins`
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),  # who moved, as the audit log calls them
    Column("report", JSON),  # signed; null until all of it is here
)

import_people = Table(  # people that the files name and that were known before; null: not changed
    "import_people",
    metadata,
    Column("import_id", BigInteger, primary_key=True, autoincrement=False),
    Column("person_id", BigInteger, primary_key=True, autoincrement=False),
    Column("joined", Boolean, nullable=False),  # whether it put them on the list
    Column("first_name", Text),  # as it was before, like those below
    Column("last_name", Text),
    Column("country", Text),
    Column("language", Text),
    Column("timezone", Text),
    Column("timezone_source", Text),
    Column("attributes", JSON),
    Column("updated_at", Instant),
    sqlite_with_rowid=False,
)

import_subscriptions = Table(  # subscriptions that an import changed, as they were before
    "import_subscriptions",
    metadata,
    Column("import_id", BigInteger, primary_key=True, autoincrement=False),
    Column("list_id", BigInteger, primary_key=True, autoincrement=False),
    Column("person_id", BigInteger, primary_key=True, autoincrement=False),
    Column("status", Text, nullable=False),  # Membership
    Column("changed_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

import_suppressions = Table(  # suppressions that nobody but imports speaks for; one may have several
    "import_suppressions",
    metadata,
    Column("address_hash", LargeBinary, primary_key=True),
    Column("list_id", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", Text, primary_key=True),
    Column("import_id", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
