"""Many people into a table, straight to the driver: SQLAlchemy's own way takes longer for a row than the engine does.

SQLite takes many rows with one statement, PostgreSQL takes them by COPY. People are packed for it where they are
judged.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection

from mailer.audience.importing.batches import Batch

TOGETHER = 125  # rows in one statement, since each statement begun costs as much as some rows

# What the text format of COPY would take for its own (https://www.postgresql.org/docs/current/sql-copy.html).
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


@dataclass(frozen=True, slots=True)
class Packed:
    """People as the driver takes them, so that the process which writes has nothing to do but hand them on."""

    rows: int
    statuses: frozenset[str]  # found among them
    values: list[Any]  # one after the other, for SQLite
    text: bytes  # for PostgreSQL


def pack_values(people: Batch, part: slice) -> Packed:
    """For `insert_packed`: these columns of the people."""
    columns = people[part]
    values: list[Any] = [None] * (len(people[0]) * len(columns))
    for place, column in enumerate(columns):
        values[place :: len(columns)] = column
    return Packed(len(people[0]), frozenset(people[-1]), values, b"")


def pack_text(people: Batch, part: slice, *, first: int | None = None) -> Packed:
    """For `copy_text`: these columns of the people, after their numbers from `first` on if it is given."""
    rows = len(people[0])
    numbers = [] if first is None else [numbers_as_text(range(first, first + rows))]
    text = as_lines([*numbers, *map(_texts, people[part])])
    return Packed(rows, frozenset(people[-1]), [], text)


def insert_packed(
    connection: Connection, into: str, packed: Packed, *, constants: Sequence[int] = (), conflict: str = ""
) -> None:
    """INSERT packed rows INTO a table (SQLite), each followed by the constants, with a conflict clause."""
    driver = cast(sqlite3.Connection, connection.connection.driver_connection)
    width = len(packed.values) // max(packed.rows, 1)
    one = f"({', '.join([*['?'] * width, *map(str, constants)])})"
    for start in range(0, packed.rows, TOGETHER):
        rows = min(packed.rows - start, TOGETHER)
        statement = f"INSERT INTO {into} VALUES {', '.join([one] * rows)} {conflict}"  # noqa: S608 - no values
        driver.execute(statement, packed.values[start * width : (start + rows) * width]).close()


def copy_text(connection: Connection, into: str, text: bytes, option: str = "") -> None:
    """COPY rows INTO a table (PostgreSQL)."""
    driver = cast(Any, connection.connection.driver_connection)
    options = f"WITH ({option})" if option else ""
    with driver.cursor() as cursor, cursor.copy(f"COPY {into} FROM STDIN {options}") as copy:
        copy.write(text)


def as_copy_text(columns: Batch) -> bytes:
    """Columns of values as rows in the text format of COPY: a line for each, tabs between the values."""
    return as_lines([_texts(column) for column in columns])


def as_lines(columns: Sequence[Iterable[str]]) -> bytes:
    """Columns of texts that need no escaping, as rows."""
    lines = list(map("\t".join, zip(*columns, strict=True)))
    return "\n".join([*lines, ""]).encode()


def numbers_as_text(numbers: range) -> list[str]:
    """Numbers as COPY reads them."""
    return list(map(str, numbers))


def _texts(column: Sequence[Any]) -> Iterable[str]:
    """The values of a column, escaped where they must be."""
    first = column[0]
    if isinstance(first, bytes):
        return [rf"\\x{value.hex()}" for value in column]
    if isinstance(first, int):
        return map(str, column)
    together = "\n".join(column)
    if "\\" in together or "\t" in together or "\r" in together or together.count("\n") >= len(column):
        return [value.translate(_ESCAPES) for value in column]
    return column
