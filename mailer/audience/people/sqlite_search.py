"""The only module that uses sqlite-utils, and what is SQLite's own: full-text search over people, bulk writing.

The search index is made when it is first wanted and kept by triggers; a large import drops it, since rebuilding
it is quicker. That of PostgreSQL is made by `search`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

from sqlalchemy import Connection

from mailer.store.engine.database import Database
from mailer.store.engine.dialects import PAGE_CACHE_KIB

TABLE, INDEX = "people", "people_fts"
SEARCHED = ("address", "first_name", "last_name", "attributes")
TOKENIZER = "unicode61 remove_diacritics 2"  # "jorg" finds Jörg
CACHE_KIB = 32 * 1024  # of pages while a large file is written


def has_search(connection: Connection) -> bool:
    """Whether the search index exists."""
    if connection.dialect.name != "sqlite":
        return False
    return connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = ?", (INDEX,)).first() is not None


def ensure_search(database: Database) -> None:
    """Make the search index over people if there is none; triggers keep it from now on. Nothing on other engines."""
    with database.read() as connection:
        if not database.is_sqlite or has_search(connection):
            return
    with database.write() as connection:
        if not has_search(connection):
            _people(connection).enable_fts(SEARCHED, create_triggers=True, tokenize=TOKENIZER)


def drop_search(connection: Connection) -> None:
    """Drop the search index if it exists; the next search rebuilds it."""
    if has_search(connection):
        _people(connection).disable_fts()


@contextmanager
def bulk_writing(connection: Connection) -> Generator[None, None, None]:
    """While a large file is written, keep SQLite's temporary tables on disk, so that memory does not grow with it.

    Foreign keys are not checked row by row meanwhile: the statements of an import take them from the tables themselves.
    Begin and end it between transactions. It does nothing on other engines.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    _pragmas(connection, "temp_store = FILE", f"cache_size = -{CACHE_KIB}", "foreign_keys = OFF")
    try:
        yield
    finally:
        _pragmas(connection, "temp_store = MEMORY", f"cache_size = -{PAGE_CACHE_KIB}", "foreign_keys = ON")


def _pragmas(connection: Connection, *pragmas: str) -> None:
    for pragma in pragmas:
        _driver(connection).execute(f"PRAGMA {pragma}").close()


def _driver(connection: Connection) -> sqlite3.Connection:
    return cast(sqlite3.Connection, connection.connection.driver_connection)


def _tools(connection: Connection) -> Any:
    import sqlite_utils

    # `recursive_triggers` would stay switched on for everyone who gets this connection later.
    return sqlite_utils.Database(_driver(connection), recursive_triggers=False, execute_plugins=False)


def _people(connection: Connection) -> Any:
    return _tools(connection).table(TABLE)
