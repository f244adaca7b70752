"""The databases of the tests: SQLite files and PostgreSQL, empty and at the program's schema.

A test that uses a database runs once on each engine (`pytest_generate_tests` in conftest.py, where the fixtures are);
one that is about SQLite's own things says so: `@pytest.mark.sqlite`. Emptying the tables of one PostgreSQL database
takes a millisecond or two by a connection that is kept; by a new one it takes 25, since each has to learn the tables
anew, and making and dropping another database for each test took a hundred.
"""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Dialect, Engine, create_engine, event, make_url

from mailer.store.engine import dialects
from mailer.store.engine.dialects import POOLER
from mailer.store.engine.parts import TABLES
from mailer.store.engine.prepared import PreparedStatement
from mailer.store.tables.core import metadata
from tests.servers.postgres import why_missing

SQLITE, POSTGRESQL = "sqlite", "postgresql"
MISSING = "" if os.environ.get("CI") == "true" else why_missing()
ENGINES: tuple[Any, ...] = (
    SQLITE,
    pytest.param(POSTGRESQL, marks=pytest.mark.skip(reason=MISSING)) if MISSING else POSTGRESQL,
)

on_postgresql = pytest.mark.skipif(bool(MISSING), reason=MISSING or "never")

NewDatabase = Callable[[str], str]

CUT_OFF = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
)
EMPTY = "; ".join(
    [
        "BEGIN",
        "SET LOCAL lock_timeout = '10s'",
        "DROP TABLE IF EXISTS mailer_mark",
        "TRUNCATE audit_log",  # which lets no row be deleted
        *(f'DELETE FROM "{table.name}"' for table in reversed(metadata.sorted_tables) if table.name != "audit_log"),
        "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'",
        "COMMIT",
    ]
)
ROOT = Path(__file__).parents[1]
CHANGES_PARTS = re.compile(rf"\s*(UPDATE|DELETE FROM) ({'|'.join(TABLES)})\b")
# Those of one person, or that one worker has claimed, may be in all parts, and are found by an index.
SAYS_WHICH = re.compile(r"campaign_id|person_id|worker_id")
_kept: dict[str, psycopg.Connection] = {}

CompiledKey = tuple[Dialect | str, *tuple[Any, ...]]


class SharedStatements(dict[CompiledKey, Any]):
    """What SQLAlchemy compiled, for all engines of a kind: each test opens a database of its own, and would compile
    every statement again, a fifth of its processor time."""

    MOST = 3_000

    def get(self, key: CompiledKey, default: Any = None) -> Any:  # type: ignore[override]
        return super().get(self._of_all(key), default)

    def __setitem__(self, key: CompiledKey, compiled: Any) -> None:
        if len(self) >= self.MOST:
            self.clear()
        super().__setitem__(self._of_all(key), compiled)

    @staticmethod
    def _of_all(key: CompiledKey) -> CompiledKey:
        dialect, *rest = key
        return (dialect if isinstance(dialect, str) else dialect.name, *rest)


def share_statements() -> None:
    """Let all engines that this process makes from now on share what they compile."""
    compiled = SharedStatements()

    def make(*arguments: Any, **options: Any) -> Engine:
        engine = create_engine(*arguments, **options)
        engine.update_execution_options(compiled_cache=compiled)
        if engine.dialect.name == POSTGRESQL:
            event.listen(engine, "before_cursor_execute", lambda *told: refuse_all_parts(told[2]))
        return engine

    dialects.create_engine = make
    compile_prepared = PreparedStatement._compiled

    def compiled_prepared(statement: PreparedStatement, connection: Connection) -> Any:
        sql, bind = compile_prepared(statement, connection)
        if connection.dialect.name == POSTGRESQL:
            refuse_all_parts(sql)
        return sql, bind

    PreparedStatement._compiled = compiled_prepared  # type: ignore[method-assign]


def refuse_all_parts(sql: str) -> None:
    """Fails a change of rows of one mail that PostgreSQL would look for in the parts of every campaign, hundreds of
    them: it takes a hundred times as long, and no test of a few rows would notice."""
    which = sql.partition(" WHERE ")[2] if CHANGES_PARTS.match(sql) else ""
    # What the tests themselves put in place may look anywhere.
    if which and not SAYS_WHICH.search(which) and "/mailer/" in _asked_from():
        raise AssertionError(f"of which campaign? {sql}")


def _asked_from() -> str:
    """The file of ours in which a statement was run."""
    files = (frame.f_code.co_filename for frame, _ in traceback.walk_stack(None))
    own = (file for file in files if file.startswith(str(ROOT)) and file != __file__ and "/.venv/" not in file)
    return next((file.removeprefix(str(ROOT)) for file in own if "/store/engine/" not in file), "")


def emptied(url: str) -> str:
    """Empty every table of a PostgreSQL database, number rows from 1 again, and cut off who is left over."""
    raw = _kept.get(url)
    if raw is None or raw.closed:
        plain = make_url(url).set(drivername="postgresql", query={}).render_as_string(False)
        raw = _kept[url] = psycopg.connect(plain, autocommit=True)
    raw.execute(CUT_OFF if POOLER not in url else f"{CUT_OFF} AND state <> 'idle'")  # a pooler's rest for the next
    raw.execute(EMPTY.encode())
    return url


def let_go(url: str) -> None:
    """Close the connection that `emptied` keeps to a database."""
    if url in _kept:
        _kept.pop(url).close()
