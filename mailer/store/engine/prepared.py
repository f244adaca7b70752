"""Statements that run for every mail: declared in SQLAlchemy Core like all others, compiled once, given to the driver.

SQLAlchemy takes fifteen times as long to run a small statement as SQLite does (docs/internals/performance.md). Here
a statement is turned into the engine's SQL when it is first used; after that only its parameters are bound. Rows come
back as the driver has them, so select texts and whole numbers. Everything else goes through SQLAlchemy as usual, on
the same connection and in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Executable, Table, and_, bindparam, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

from mailer.store.engine.arrays import among
from mailer.store.engine.by_campaign import campaign_of, given, in_part, those
from mailer.store.tables.core import deliveries

Values = Mapping[str, Any]
Bind = Callable[[Values], Any]


class PreparedStatement:
    """A statement whose parameters are all named with `bindparam`, or what makes it for a connection's engine
    (`insert_for`). `rows` and `count` run it, `each` runs it often."""

    def __init__(self, statement: Executable | Callable[[Connection], Executable]) -> None:
        self._statement: Any = statement
        self._known: dict[str, tuple[str, Bind]] = {}

    def rows(self, connection: Connection, values: Values) -> list[tuple[Any, ...]]:
        """What it selects or returns."""
        return self._run(connection, values, lambda cursor: cursor.fetchall())

    def count(self, connection: Connection, values: Values) -> int:
        """How many rows it changed."""
        return self._run(connection, values, lambda cursor: cursor.rowcount)

    def each(self, connection: Connection, many: Iterable[Values]) -> None:
        """Run it once for each set of values."""
        sql, bind = self._compiled(connection)
        cursor = _driver(connection).cursor()
        try:
            cursor.executemany(sql, [bind(values) for values in many])
        except _errors(connection) as error:
            raise _as_usual(connection, sql, error) from error
        finally:
            cursor.close()

    def _run(self, connection: Connection, values: Values, result: Callable[[Any], Any]) -> Any:
        sql, bind = self._compiled(connection)
        cursor = _driver(connection).cursor()
        try:
            cursor.execute(sql, bind(values))
            return result(cursor)
        except _errors(connection) as error:
            raise _as_usual(connection, sql, error) from error
        finally:
            cursor.close()

    def _compiled(self, connection: Connection) -> tuple[str, Bind]:
        known = self._known.get(connection.dialect.name)
        if known is None:
            statement: Any = self._statement(connection) if callable(self._statement) else self._statement
            compiled: SQLCompiler = statement.compile(dialect=connection.dialect)
            known = self._known[connection.dialect.name] = (str(compiled), _binder(compiled, connection))
        return known


class ByNumber:
    """A statement about rows by their numbers, however many: as spans of numbers that follow one another, or as a set.

    A campaign's deliveries are numbered in the order they are mailed in, so hundreds are mostly one span, which is
    looked up once. To look numbers up in a set SQLite makes a small table of it first, which takes longer than several
    spans by themselves; PostgreSQL is asked over a network, so what isn't one span is a set there. `build` is given the
    condition that says which rows. Of deliveries it names their campaigns too (`by_campaign`).
    """

    MOST_SPANS = 8  # where asking once more costs little
    ROWS_A_SPAN = 8  # from this many rows a span costs less than its rows' places in a set

    def __init__(self, column: Column[Any], build: Callable[[Any], Executable]) -> None:
        one = column == bindparam("first")
        span = column.between(bindparam("first"), bindparam("last"))
        many: ColumnElement[bool] = among(column, "numbers")
        if column is deliveries.c.id:
            theirs = in_part(deliveries.c.campaign_id, bindparam("of_campaign"))
            one, span, many = and_(one, theirs), and_(span, theirs), those("numbers")
        self._one, self._span, self._many = (PreparedStatement(build(which)) for which in (one, span, many))

    def rows(self, connection: Connection, numbers: Sequence[int], values: Values) -> list[tuple[Any, ...]]:
        """What it returns for all of them, in no certain order."""
        asked = self._asked(connection, numbers, values)
        return [row for statement, own in asked for row in statement.rows(connection, own)]

    def count(self, connection: Connection, numbers: Sequence[int], values: Values) -> int:
        """How many of these rows it changed."""
        return sum(statement.count(connection, own) for statement, own in self._asked(connection, numbers, values))

    def each(self, connection: Connection, many: Sequence[tuple[Sequence[int], Values]]) -> None:
        """Run it for each set of numbers with its own values."""
        asked: dict[PreparedStatement, list[Values]] = {}
        for numbers, values in many:
            for statement, own in self._asked(connection, numbers, values):
                asked.setdefault(statement, []).append(own)
        for statement, sets in asked.items():
            statement.each(connection, sets)

    def _asked(
        self, connection: Connection, numbers: Sequence[int], values: Values
    ) -> list[tuple[PreparedStatement, Values]]:
        """The statements that together say all of these numbers, and no other."""
        spans = spans_of(numbers)
        cheap = max(self.MOST_SPANS, len(numbers) // self.ROWS_A_SPAN) if connection.dialect.name == "sqlite" else 1
        if len(spans) > cheap:
            return [(self._many, {**values, **given("numbers", numbers)})]
        return [
            (
                self._one if first == last else self._span,
                {**values, "first": first, "last": last, "of_campaign": campaign_of(first)},
            )
            for first, last in spans
        ]


def spans_of(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """The first and last of each run of numbers without a gap, in order; each number is in one run."""
    if not numbers:
        return []
    ordered = sorted(set(numbers))
    first, last = ordered[0], ordered[-1]
    if last - first == len(ordered) - 1:
        return [(first, last)]
    ends = [place for place, (one, other) in enumerate(pairwise(ordered), 1) if other - one > 1]
    return [(ordered[start], ordered[end - 1]) for start, end in pairwise([0, *ends, len(ordered)])]


class PreparedInsert:
    """Puts rows into a table, many by one statement.

    SQLite's driver lets other threads run after each statement, and may wait milliseconds for its turn again.
    """

    SIZES = (64, 16, 4, 1)  # rows of a statement

    def __init__(self, table: Table, columns: Sequence[str]) -> None:
        self._columns = columns
        self._statements = {
            size: PreparedStatement(
                insert(table).values(
                    [
                        {name: bindparam(f"{name}_{row}", type_=table.c[name].type) for name in columns}
                        for row in range(size)
                    ]
                )
            )
            for size in self.SIZES
        }

    def insert(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Store all rows; each has a value for every column."""
        start = 0
        for size in self.SIZES:
            while len(rows) - start >= size:
                part = rows[start : start + size]
                values = {f"{name}_{place}": row[name] for place, row in enumerate(part) for name in self._columns}
                self._statements[size].count(connection, values)
                start += size


def _binder(compiled: SQLCompiler, connection: Connection) -> Bind:
    """Puts values into the form and order the driver wants; constants of the statement are worked out here."""
    dialect = connection.dialect
    named = compiled.positiontup if compiled.positional else list(compiled.bind_names.values())
    constants: list[Any] = []
    free: list[tuple[int, str, Callable[[Any], Any] | None]] = []
    names: list[str] = list(named or ())
    for place, name in enumerate(names):
        parameter = compiled.binds[name]
        process = parameter.type.dialect_impl(dialect).bind_processor(dialect)
        if parameter.required:
            free.append((place, name, process))
            constants.append(None)
        else:
            value = parameter.effective_value
            constants.append(process(value) if process else value)

    def in_order(values: Values) -> list[Any]:
        bound = constants.copy()
        for place, name, process in free:
            bound[place] = process(values[name]) if process else values[name]
        return bound

    def by_name(values: Values) -> dict[str, Any]:
        return dict(zip(names, in_order(values), strict=True))

    return in_order if compiled.positional else by_name


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _errors(connection: Connection) -> type[Exception]:
    return connection.dialect.loaded_dbapi.Error


def _as_usual(connection: Connection, sql: str, error: Exception) -> BaseException:
    """The driver's error as SQLAlchemy would have raised it; without the parameters, which may name people."""
    dbapi = connection.dialect.loaded_dbapi
    return DBAPIError.instance(sql, None, error, dbapi.Error, hide_parameters=True, dialect=connection.dialect)
