"""Carries rows from one database to another: table by table in the order of the primary keys, in bounded memory.

A batch is bounded in bytes as well as in rows, since a picture or a provider's post takes as much as a thousand people.

Values travel as they are stored, JSON as its text and instants as numbers, so that nothing is parsed and
written out again. Both sides are read the same way, and each table's digest tells whether they hold the same.
Transactions, and who may write meanwhile, are for `move`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
    LargeBinary,
    Table,
    Text,
    cast,
    collate,
    column,
    func,
    insert,
    inspect,
    select,
    text,
    type_coerce,
)
from sqlalchemy import table as plain_table

from mailer.store.tables.core import Instant

BATCH_ROWS = 2000
BATCH_BYTES = 2_000_000  # of values; each is held several times over while it is hashed and written again
VARIABLE = (Text, JSON, LargeBinary)  # what may be of any length
Rows = Sequence[tuple[Any, ...]]
Progress = Callable[[str, int, int], None]  # the table, rows done, rows in all


@dataclass(frozen=True, slots=True)
class Content:
    """How many rows a table holds, and a digest of all of them in the order of their keys."""

    rows: int
    digest: str


def copy_table(source: Connection, target: Connection, table: Table, progress: Progress) -> Content:
    """Write all rows of a table into the same, empty one of another database; returns what was read."""
    total = count_rows(source, table)
    with _writing(target, table) as write:

        def carry(rows: Rows, done: int) -> None:
            write(rows)
            progress(table.name, done, total)

        return content_of(source, table, carry)


def content_of(
    connection: Connection, table: Table, each: Callable[[Rows, int], None] = lambda _rows, _done: None
) -> Content:
    """What a table holds now. `each` gets every batch of its rows, and how many that makes so far."""
    done, digest = 0, hashlib.blake2b(digest_size=16)
    for rows in read_rows(connection, table):
        done += len(rows)
        for row in rows:  # one at a time: a row may be large
            digest.update(repr(row).encode("utf-8", "surrogatepass"))
        each(rows, done)
    return Content(done, digest.hexdigest())


def count_rows(connection: Connection, table: Table) -> int:
    """How many rows a table holds."""
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def read_rows(connection: Connection, table: Table) -> Iterator[Rows]:
    """The rows of a table as they are stored, in the order of its primary key, alike on both engines."""
    postgresql = connection.dialect.name == "postgresql"
    # Byte by byte, as SQLite orders texts, whatever the language of the PostgreSQL database is.
    keys = [collate(c, "C") if postgresql and isinstance(c.type, Text) else c for c in table.primary_key.columns]
    stored = [cast(c, Text) if isinstance(c.type, JSON) else type_coerce(c, _plain(c.type)) for c in table.columns]
    streamed = {"stream_results": True, "yield_per": _batch_rows(connection, table)}
    for part in connection.execute(select(*stored).order_by(*keys), execution_options=streamed).partitions():
        yield [tuple(row) for row in part]


def _batch_rows(connection: Connection, table: Table) -> int:
    """How many rows stay within `BATCH_BYTES`, were all as large as the largest one. Texts are measured in letters."""
    texts = [cast(c, Text) if isinstance(c.type, JSON) else c for c in table.columns if isinstance(c.type, VARIABLE)]
    if not texts:
        return BATCH_ROWS
    sizes = [func.coalesce(func.length(value), 0) for value in texts]
    largest = connection.execute(select(func.max(sum(sizes[1:], sizes[0]))).select_from(table)).scalar() or 0
    return max(1, min(BATCH_ROWS, BATCH_BYTES // max(1, largest)))


@contextmanager
def _writing(connection: Connection, table: Table) -> Generator[Callable[[Rows], None], None, None]:
    """Within it, a function that writes rows: by COPY on PostgreSQL, else by INSERT."""
    names = [c.name for c in table.columns]
    if connection.dialect.name == "postgresql":
        driver: Any = connection.connection.driver_connection
        listed = ", ".join(f'"{name}"' for name in names)
        with driver.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({listed}) FROM STDIN') as copy:

            def copied(rows: Rows) -> None:
                for row in rows:
                    copy.write_row(row)

            yield copied
        return
    # A table of plain columns: the declared types would read a meaning into the values.
    statement = insert(plain_table(table.name, *(column(c.name, _plain(c.type)) for c in table.columns)))

    def inserted(rows: Rows) -> None:
        connection.execute(statement, [dict(zip(names, row, strict=True)) for row in rows])

    yield inserted


def _plain(declared: Any) -> Any:
    if isinstance(declared, JSON):
        return Text()
    return BigInteger() if isinstance(declared, Instant) else declared


def numbers_used(connection: Connection, table: Table) -> int:
    """The highest number a table ever gave a row by itself; 0 when it gives none."""
    key = table.autoincrement_column
    if key is None:
        return 0
    highest = connection.execute(select(func.coalesce(func.max(key), 0))).scalar_one()
    if connection.dialect.name == "postgresql":
        last = f"SELECT last_value, is_called FROM {_sequence(connection, table)}"  # noqa: S608 - the server's own name
        value, called = connection.execute(text(last)).one()
        return max(highest, value if called else 0)
    if not inspect(connection).has_table("sqlite_sequence"):
        return highest
    kept = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
    return max(highest, connection.execute(kept, {"name": table.name}).scalar() or 0)


def go_on_from(connection: Connection, table: Table, number: int) -> None:
    """Let the next row that is numbered by the table get a number above `number`."""
    if not number or table.autoincrement_column is None:
        return
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT setval('{_sequence(connection, table)}', :number)"), {"number": number})
    elif table.dialect_options["sqlite"]["autoincrement"]:
        values = {"name": table.name, "number": number}
        connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), values)
        connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :number)"), values)


def _sequence(connection: Connection, table: Table) -> str:
    key = table.autoincrement_column
    assert key is not None
    named = text("SELECT pg_get_serial_sequence(:table, :key)")
    return str(connection.execute(named, {"table": table.name, "key": key.name}).scalar_one())
