"""Statements that run for every mail: declared in SQLAlchemy Core like all others, compiled once, given to the driver.

SQLAlchemy takes fifteen times as long to run a small statement as SQLite does (docs/performance.md). Here a statement
is turned into the engine's SQL when it is first used; after that only its parameters are bound. Rows come back as the
driver has them, so select texts and whole numbers. Everything else goes through SQLAlchemy as usual, on the same
connection and in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

Values = Mapping[str, Any]
Bind = Callable[[Values], Any]


class Prepared:
    """A statement whose parameters are all named with `bindparam`. `rows` and `count` run it, `each` runs it often."""

    def __init__(self, statement: Executable) -> None:
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
            compiled: SQLCompiler = self._statement.compile(dialect=connection.dialect)
            known = self._known[connection.dialect.name] = (str(compiled), _binder(compiled, connection))
        return known


def _binder(compiled: SQLCompiler, connection: Connection) -> Bind:
    """Puts values into the form and order the driver wants; constants of the statement are worked out here."""
    dialect = connection.dialect
    named = compiled.positiontup if compiled.positional else list(compiled.bind_names.values())
    fixed: dict[str, Any] = {}
    steps: list[tuple[str, Callable[[Any], Any] | None]] = []
    for name in named or ():
        parameter = compiled.binds[name]
        process = parameter.type.dialect_impl(dialect).bind_processor(dialect)
        steps.append((name, process))
        if not parameter.required:
            value = parameter.effective_value
            fixed[name] = process(value) if process else value
    free = [(name, process) for name, process in steps if name not in fixed]

    def bind(values: Values) -> Any:
        bound = {name: process(values[name]) if process else values[name] for name, process in free}
        return bound | fixed

    def bind_in_order(values: Values) -> Any:
        bound = bind(values)
        return [bound[name] for name in names]

    names: Sequence[str] = [name for name, _ in steps]
    return bind_in_order if compiled.positional else bind


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _errors(connection: Connection) -> type[Exception]:
    return connection.dialect.loaded_dbapi.Error


def _as_usual(connection: Connection, sql: str, error: Exception) -> BaseException:
    """The driver's error as SQLAlchemy would have raised it; without the parameters, which may name people."""
    dbapi = connection.dialect.loaded_dbapi
    return DBAPIError.instance(sql, None, error, dbapi.Error, hide_parameters=True, dialect=connection.dialect)
