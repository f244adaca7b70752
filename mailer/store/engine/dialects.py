"""How each engine is set up: SQLite's pragmas and transactions, PostgreSQL's time limits and isolation.

A URL is the whole switch between them. `?pooler=HOST:PORT` says where a pooler in transaction mode answers for the
server: there the next transaction may have another session, so nothing is kept in one
(https://www.pgbouncer.org/features.html). What a transaction of ours promises is for `database`.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, cast

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from mailer.store.engine.errors import DatabaseTrouble

BUSY_SECONDS = 30.0  # how long a writer waits for another before it gives up
LOOK_AGAIN_SECONDS = 0.02
WRITER_LOOKS_SECONDS = 0.0005  # a worker's transaction takes about twice as long
PAGE_CACHE_KIB = 16 * 1024  # of SQLite's pages in memory
# The same for a worker: a campaign's rows lie in the order they are mailed in, so it needs the pages around its place.
WORKER_CACHE_KIB = 4 * 1024
CONNECT_SECONDS = 10  # for a PostgreSQL server to answer
REPLICA_CONNECT_SECONDS = 3  # for the replica, in whose place the server answers
# A worker that is frozen in the middle of a transaction must not hold its rows for longer than its lease lasts.
IDLE_SECONDS = 60
LOST_SECONDS = 60  # an answer that is not even acknowledged for so long will not come: the network is gone
POOLER = "pooler"  # of a URL: host and port of the pooler
REPLICA = "replica"  # the same, of a standby that only reads
SORTING = "64MB"  # of the PostgreSQL server's memory, for each thing that a statement over many rows sorts or joins by
BUSY = "mailer busy milliseconds"  # what a SQLite connection was told last
SYNCED = "mailer synchronous"  # the same, of when it waits for the disk

_patience: ContextVar[float] = ContextVar("patience", default=BUSY_SECONDS)
HOST = re.compile(r"[A-Za-z0-9._:\[\]%-]*|/.*")
POOLED_AT = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\]):([0-9]{1,5})")


@contextmanager
def waiting_at_most(seconds: float) -> Generator[None, None, None]:
    """Within the block, transactions of this thread wait for another program's lock so long, and not BUSY_SECONDS.

    In PostgreSQL that is so for each statement of a transaction that writes.
    """
    token = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(token)


def make_engine(url: str) -> Engine:
    """An engine for a SQLAlchemy URL; nothing is connected yet. Raises `DatabaseTrouble` for one that can't be."""
    address = parse_url(url)
    pooled = POOLER in address.query
    options = _sqlite_options() if address.drivername.startswith("sqlite") else _postgresql_options(address)
    address = reached(address)
    try:
        engine = create_engine(address, json_serializer=_json, **options)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise DatabaseTrouble(
            f"the driver of this database is not installed: {error}",
            remedy="For PostgreSQL: pip install 'advocacy-mailer[postgres]'",
        ) from error
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    else:
        event.listen(engine, "begin", _limit_pooled if pooled else _limit_locks)
    return engine


def make_replica_engine(url: str) -> Engine | None:
    """An engine for the replica that a URL names; None where there is none. Its transactions can't write."""
    address = replica_of(parse_url(url))
    if address is None:
        return None
    options = _postgresql_options(address)
    connect = options["connect_args"]
    connect["connect_timeout"] = REPLICA_CONNECT_SECONDS
    connect["options"] = f"{connect['options']} -c default_transaction_read_only=on"
    engine = create_engine(address, json_serializer=_json, **options)
    event.listen(engine, "begin", _limit_locks)
    return engine


def parse_url(url: str) -> URL:
    """The parts of a database's URL. Raises `DatabaseTrouble`, without quoting it: it may hold a password."""
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        address = None
    # Signs that are not encoded shift the parts, so that half a password becomes a host, and would be shown.
    if address is None or not HOST.fullmatch(address.host or "") or (address.database or "").count("@"):
        raise DatabaseTrouble(
            "the address of the database can't be read",
            remedy="It looks like postgresql+psycopg://user:password@host/name; in a password, write @ as %40, / as"
            " %2F, : as %3A and % as %25.",
        ) from None
    if address.drivername in ("postgresql", "postgres"):
        address = address.set(drivername="postgresql+psycopg")
    for name in (POOLER, REPLICA):
        where = address.query.get(name)
        sound = isinstance(where, str) and POOLED_AT.fullmatch(where) and not address.drivername.startswith("sqlite")
        if where is not None and not sound:
            said = f"{name} in the address of the database can't be read"
            raise DatabaseTrouble(said, remedy=f"Write ?{name}=HOST:PORT.")
    return address


def server(address: URL) -> URL:
    """The address of the server itself, for what needs a session of its own."""
    return address.difference_update_query([POOLER, REPLICA])


def reached(address: URL) -> URL:
    """The address that is connected to: of the pooler where there is one, else of the server itself."""
    return _instead(address, POOLER) or server(address)


def replica_of(address: URL) -> URL | None:
    """The address of the replica that it names; None where there is none."""
    return _instead(address, REPLICA)


def _instead(address: URL, which: str) -> URL | None:
    if which not in address.query:
        return None
    host, _, port = str(address.query[which]).rpartition(":")
    return server(address).set(host=host.strip("[]"), port=int(port))


def shown(url: str) -> str:
    """The URL as it may be shown and written down: without its password."""
    a = parse_url(url)
    without = URL.create(a.drivername, a.username, host=a.host, port=a.port, database=a.database, query=a.query)
    return without.render_as_string()


# Letters as they are: SQLite finds a key in JSON by its bytes, and would miss one written with escapes.
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@contextmanager
def sorting_on_disk(connection: Connection) -> Generator[None, None, None]:
    """Keep what SQLite sorts and its temporary tables on disk beyond a few megabytes, so that memory does not grow with
    the people. Begin and end it between transactions: temporary tables are dropped. Nothing on other engines."""
    if connection.dialect.name != "sqlite":
        yield
        return
    raw = cast(sqlite3.Connection, connection.connection.driver_connection)
    raw.execute("PRAGMA temp_store = FILE").close()
    try:
        yield
    finally:
        raw.execute("PRAGMA temp_store = MEMORY").close()


def keep_few_pages(connection: Connection) -> None:
    """From now on keep in memory only as much of SQLite's pages as a worker comes back to, so that memory does not grow
    with the people. Nothing on other engines."""
    if connection.dialect.name == "sqlite":
        raw = cast(sqlite3.Connection, connection.connection.driver_connection)
        raw.execute(f"PRAGMA cache_size=-{WORKER_CACHE_KIB}").close()


def expect_many_rows(connection: Connection) -> None:
    """For the rest of this transaction, let PostgreSQL sort in memory, and not compile statements, which takes longer
    than a million rows gain by it (docs/internals/performance.md). Nothing on other engines."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL work_mem = '{SORTING}'")
        connection.exec_driver_sql("SET LOCAL jit = off")


def insert_for(connection: Connection, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT: both engines have it, in SQLAlchemy each under its own name."""
    # Only that of the engine in use is loaded: PostgreSQL's dialects alone take a tenth of a start.
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


def _sqlite_options() -> dict[str, Any]:
    # The driver must not begin transactions by itself: BEGIN IMMEDIATE is ours to say (`_prepare_sqlite`).
    return {"connect_args": {"timeout": BUSY_SECONDS, "isolation_level": None, "check_same_thread": False}}


def _postgresql_options(address: URL) -> dict[str, Any]:
    connect: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "tcp_user_timeout": LOST_SECONDS * 1000,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "application_name": "mailer",
    }
    if POOLER in address.query:
        connect["prepare_threshold"] = None  # the session that a statement was prepared in may be somebody else's next
    else:
        limits = {**_limits(), "tcp_user_timeout": LOST_SECONDS * 1000}
        theirs = address.query.get("options", "")
        connect["options"] = " ".join([*(f"-c {name}={value}" for name, value in limits.items()), str(theirs)]).strip()
    return {
        # A connection that died while nobody used it is noticed and replaced before it is handed out.
        "pool_pre_ping": True,
        # What the queries lean on, whatever the server's own default is: each statement sees what is committed by
        # then, and rows are fought for by FOR UPDATE and by conditions in UPDATE.
        "isolation_level": "READ COMMITTED",
        "connect_args": connect,
    }


def _limits(locks_seconds: float = BUSY_SECONDS) -> dict[str, int]:
    """How many milliseconds PostgreSQL lets a statement wait for a lock, and a transaction of ours do nothing."""
    return {
        "lock_timeout": max(1, round(locks_seconds * 1000)),
        "idle_in_transaction_session_timeout": IDLE_SECONDS * 1000,
    }


def _limit_locks(connection: Connection) -> None:
    """The patience of `waiting_at_most` for PostgreSQL, which is told with each transaction."""
    seconds = _patience.get()
    if seconds < BUSY_SECONDS and connection.get_execution_options().get("immediate"):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {max(1, round(seconds * 1000))}")


def _limit_pooled(connection: Connection) -> None:
    """Behind a pooler every limit is told with each transaction, in one question: sessions keep none of ours."""
    if connection.connection.driver_connection.autocommit:  # type: ignore[union-attr]
        return
    limits = _limits(min(_patience.get(), BUSY_SECONDS))
    connection.exec_driver_sql("; ".join(f"SET LOCAL {name} = {value}" for name, value in limits.items()))


def _keep_private(path: str) -> None:
    """A database that is made now is its owner's alone: people's addresses are in it. SQLite gives its WAL the same
    permissions. One that is there is left as it is; `mailer doctor` says who can read it."""
    if path not in ("", ":memory:") and not path.startswith("file:"):
        with suppress(OSError):  # what is wrong with the path is said when it is opened
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Put the file into WAL mode. Another program that does so just now is waited for: SQLite itself does not here."""
    until = time.monotonic() + BUSY_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(LOOK_AGAIN_SECONDS)


def _begin_writing(connection: sqlite3.Connection, patience: float) -> None:
    """Wait for the one place of a writer. SQLite's own waiting sleeps for longer each time, up to 100 ms, so of several
    programs that write all the time one would hardly ever be in time."""
    until = time.monotonic() + patience
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE").close()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(WRITER_LOOKS_SECONDS)


def _prepare_sqlite(engine: Engine) -> None:
    def connected(raw: Any, _record: Any) -> None:
        connection = cast(sqlite3.Connection, raw)
        # WAL lets readers go on while one writes. FULL syncs each commit: after a power cut the ledger
        # still knows what was handed over (https://sqlite.org/pragma.html#pragma_synchronous).
        _write_ahead(connection)
        for pragma in ("synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY", f"cache_size=-{PAGE_CACHE_KIB}"):
            connection.execute(f"PRAGMA {pragma}").close()

    def begun(connection: Connection) -> None:
        # A writer that begins as a reader can't become one when another wrote meanwhile, so it says so at once.
        immediate = connection.get_execution_options().get("immediate")
        # Straight to the driver, since SQLAlchemy's own way takes ten times as long, for every group of mails.
        raw = cast(sqlite3.Connection, connection.connection.driver_connection)
        patience = _patience.get()
        milliseconds = 0 if immediate else max(1, round(patience * 1000))
        if connection.info.get(BUSY, round(BUSY_SECONDS * 1000)) != milliseconds:
            raw.execute(f"PRAGMA busy_timeout={milliseconds}").close()
            connection.info[BUSY] = milliseconds
        # In WAL mode NORMAL doesn't sync a commit; the next that does brings it to the disk as well.
        level = "FULL" if connection.get_execution_options().get("lasting", True) else "NORMAL"
        if connection.info.get(SYNCED, "FULL") != level:
            raw.execute(f"PRAGMA synchronous={level}").close()
            connection.info[SYNCED] = level
        if immediate:
            _begin_writing(raw, patience)
        else:
            raw.execute("BEGIN").close()

    def connecting(*_: object) -> None:
        _keep_private(engine.url.database or "")

    event.listen(engine, "do_connect", connecting)
    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
