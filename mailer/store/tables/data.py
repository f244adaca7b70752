"""What messages take from data: how each source was when it was last read, and tables with a row for each postcode,
country or person, which are kept as long as a mail was merged with them."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from mailer.store.tables.types import Id, Instant, metadata

data_readings = Table(
    "data_readings",
    metadata,
    Column("newsletter", Text, primary_key=True),  # the name of its folder
    Column("source", Text, primary_key=True),  # `DataSource.key`
    Column("read_at", Instant, nullable=False),  # when it was asked last, whatever came of it
    Column("body", LargeBinary, nullable=False),  # as it came
    Column("charset", Text, nullable=False),  # what its server said of it
    Column("base", Text, nullable=False),  # the address it came from in the end; relative ones begin there
    Column("fault", Text, nullable=False, server_default=""),  # why there is none; "" when there is
    Column("remedy", Text, nullable=False, server_default=""),
    Index("ix_data_readings_read_at", "read_at"),
)

lookup_tables = Table(
    "lookup_tables",
    metadata,
    Column("id", Id, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),  # SHA-256 of the file, 16 hex digits
    Column("kind", Text, nullable=False),  # what it is joined by: address, postcode, country, text
    Column("columns", JSON, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("whole", Integer, nullable=False),  # 0 while its rows are being put in
    Column("used_at", Instant, nullable=False),  # within a day
    sqlite_autoincrement=True,
)

lookup_rows = Table(
    "lookup_rows",
    metadata,
    # No foreign key: millions of rows are deleted in batches, before their table is.
    Column("table_id", BigInteger, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),  # normalised; of an address its keyed hash
    Column("cells", Text, nullable=False),  # JSON: a text for each column
    sqlite_with_rowid=False,
)

campaign_lookups = Table(  # the tables that a campaign's mails were merged with
    "campaign_lookups",
    metadata,
    Column("campaign_id", BigInteger, primary_key=True, autoincrement=False),
    Column("table_id", BigInteger, primary_key=True, autoincrement=False),
    Index("ix_campaign_lookups_table_id", "table_id"),
)
