"""Opens the workspace's database, SQLite or PostgreSQL, at the schema this program knows, and hands out transactions.

A database that is missing is made; one of another version is refused with the remedy. The engines' own errors are
turned into `DatabaseTrouble` at the edge of each transaction. Which rows are read or written is decided above.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError, NoSuchModuleError
from sqlalchemy.exc import OperationalError as SqlalchemyOperationalError

from mailer.errors import MailerError
from mailer.store.tables import metadata

SCHEMA = "0003"  # the newest migration this program knows
BUSY_SECONDS = 30.0  # how long a writer waits for another before it gives up


class DatabaseTrouble(MailerError):
    """The database can't be read or written: locked, read-only, full, unreachable or of another version."""


class Database:
    """An open database. `read` and `write` are transactions; a write is alone in SQLite from its first statement."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Generator[Connection, None, None]:
        """A transaction that sees one state of the database throughout."""
        with _translated(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Generator[Connection, None, None]:
        """A transaction that writes; committed at the end, rolled back whole on any exception."""
        with _translated(), self.engine.connect() as connection:
            connection.execution_options(immediate=True)
            with connection.begin():
                yield connection

    @contextmanager
    def connect(self) -> Generator[Connection, None, None]:
        """A connection without a transaction, for work in several steps; `immediate` makes its next one a write."""
        with _translated(), self.engine.connect() as connection:
            yield connection

    def close(self) -> None:
        self.engine.dispose()


def open_database(url: str) -> Database:
    """The database at a SQLAlchemy URL, made if it is missing. Raises `DatabaseTrouble` when it can't be used."""
    engine = _engine(url)
    with _translated():
        _check_schema(engine)
    return Database(engine)


def migrate_database(url: str) -> str:
    """Bring the database at a URL to this program's schema, made if it is missing; returns the schema's number.

    Safe to run twice and from two places at once. Raises `DatabaseTrouble` for a schema newer than this program.
    """
    engine = _engine(url)
    with _translated():
        _refuse_newer(_version(engine)[0])
        migrate(engine)
    engine.dispose()
    return SCHEMA


def _engine(url: str) -> Engine:
    try:
        engine = create_engine(url, json_serializer=_json, **_options(url))
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise DatabaseTrouble(
            f"the driver of this database is not installed: {error}",
            hint="For PostgreSQL: pip install 'mailer[postgres]'",
        ) from error
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    return engine


def _json(value: Any) -> str:
    # Letters as they are: SQLite finds a key in JSON by its bytes, and would miss one written with escapes.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _options(url: str) -> dict[str, Any]:
    if not make_url(url).drivername.startswith("sqlite"):
        return {"pool_pre_ping": True}
    # The driver must not begin transactions by itself: BEGIN IMMEDIATE is ours to say (`_prepare_sqlite`).
    return {"connect_args": {"timeout": BUSY_SECONDS, "isolation_level": None, "check_same_thread": False}}


def _prepare_sqlite(engine: Engine) -> None:
    def connected(raw: Any, _record: Any) -> None:
        connection = cast(sqlite3.Connection, raw)
        # WAL lets readers go on while one writes. FULL syncs each commit: after a power cut the ledger
        # still knows what was handed over (https://sqlite.org/pragma.html#pragma_synchronous).
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}").close()

    def begun(connection: Connection) -> None:
        # A writer that begins as a reader can't become one when another wrote meanwhile, so it says so at once.
        immediate = connection.get_execution_options().get("immediate")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)


def _check_schema(engine: Engine) -> None:
    version, is_empty = _version(engine)
    if version == SCHEMA:
        return
    if is_empty:
        migrate(engine)
        return
    _refuse_newer(version)
    raise DatabaseTrouble(
        f"the database has schema {version or 'of an unknown age'}, this program needs {SCHEMA}",
        hint="Make a copy of the database, then run: mailer db migrate",
    )


def _version(engine: Engine) -> tuple[str | None, bool]:
    """The schema's number, and whether the database holds none of our tables."""
    with engine.connect() as connection:
        names = set(inspect(connection).get_table_names())
        has_version = "alembic_version" in names
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if has_version else None
    return version, version is None and not names & set(metadata.tables)


def _refuse_newer(version: str | None) -> None:
    if version is not None and version > SCHEMA:
        raise DatabaseTrouble(
            f"the database has schema {version}, newer than this program's {SCHEMA}",
            hint="Another machine runs a newer Mailer. Update this one.",
        )


def migrate(engine: Engine) -> None:
    """Bring the database to this program's schema, from empty or from any earlier version."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.connect() as connection:
        connection.execution_options(immediate=True)
        with connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


@contextmanager
def _translated() -> Generator[None, None, None]:
    try:
        yield
    except DBAPIError as error:
        raise trouble(error) from error
    except sqlite3.Error as error:
        raise trouble(error) from error


def trouble(error: DBAPIError | sqlite3.Error) -> DatabaseTrouble:
    """A database's own error as one for people: what is wrong and what to do."""
    words = str(error.orig if isinstance(error, DBAPIError) else error).strip()
    for sign, message, hint in (
        ("locked", "the database is locked by another program", "Wait for it to finish, then try again."),
        ("readonly", "the database can't be written", "Check the permissions of the file and its folder."),
        ("disk is full", "the disk is full", "Make space; nothing was half-done, so try again then."),
        ("unable to open", "the database can't be opened", "Check the path and the permissions of its folder."),
        ("not a database", "this file is not a database", "Check `database` in mailer.toml."),
        ("malformed", "the database is damaged", "Restore it from a backup; `mailer doctor` tells more."),
    ):
        if sign in words:
            return DatabaseTrouble(message, hint=hint)
    if isinstance(error, SqlalchemyOperationalError):
        return DatabaseTrouble(f"the database does not answer: {words.splitlines()[0]}", hint="Is it running?")
    return DatabaseTrouble(f"the database refused a statement: {words.splitlines()[0]}")
