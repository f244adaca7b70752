"""Opens the workspace's database, SQLite or PostgreSQL, at the schema this program knows, and hands out transactions.

A database that is missing is made; one of another version, or one that was moved away, is refused with the remedy.
The engines' own errors are turned into `DatabaseTrouble` at the edge of each transaction. Which rows are read or
written is decided above.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from sqlalchemy import Connection, Engine

from mailer.store.engine.dialects import make_engine, make_replica_engine, sorting_on_disk
from mailer.store.engine.errors import Conflict, DatabaseTrouble, translated
from mailer.store.engine.fence import check_marks, refuse_moved
from mailer.store.engine.replica import Replica
from mailer.store.engine.version import SCHEMA, check_schema
from mailer.store.engine.version import migrate as migrate_engine

__all__ = ["SCHEMA", "Conflict", "Database", "DatabaseTrouble", "migrate_database", "open_database"]

Figures = TypeVar("Figures")


@dataclass(frozen=True, slots=True)
class Looked(Generic[Figures]):
    """What was counted. `as_of`: the moment that a replica showed, by the server's clock; None from the server."""

    figures: Figures
    as_of: datetime | None = None


class Database:
    """An open database. `read` and `write` are transactions; a write is alone in SQLite from its first statement.

    `held` is for the one thread of a process that writes all the time.
    """

    def __init__(self, engine: Engine, replica: Engine | None = None) -> None:
        self.engine = engine
        self.held = Held(engine)
        self._replica = None if replica is None else Replica(replica)

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self, *, of_everyone: bool = False) -> Generator[Connection, None, None]:
        """A transaction that sees one state of the database throughout. `of_everyone` is for looks at a whole audience:
        what is sorted there does not stay in memory."""
        with self._reading(self.engine, of_everyone) as connection:
            yield connection

    def look(
        self, count: Callable[[Connection], Figures], *, of_everyone: bool = False, up_to_now: bool = False
    ) -> Looked[Figures]:
        """What `count` returns, of figures that staff look at. It reads as in `read`: on the replica where there is one
        that can be used; else, or when that breaks off, on the server, so `count` may be called twice.

        What a replica shows may be older, so nothing may be decided by it; `up_to_now` is for figures that must have
        all that is committed at this moment: a replica that lacks something is waited for a second at most.
        """
        if self._replica is not None:
            with translated():
                as_of = self._replica.shows(self.engine, up_to_now=up_to_now)
            if as_of is not None:
                try:
                    with self._reading(self._replica.engine, of_everyone) as connection:
                        return Looked(count(connection), as_of)
                except DatabaseTrouble:
                    self._replica.leave()
        with self._reading(self.engine, of_everyone, only=True) as connection:
            return Looked(count(connection))

    @contextmanager
    def _reading(self, engine: Engine, of_everyone: bool, *, only: bool = False) -> Generator[Connection, None, None]:
        """`only`: PostgreSQL lets nothing be written, as a replica does."""
        with translated(), engine.connect() as connection, _room(connection, of_everyone):
            if not self.is_sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ")
                if only:
                    connection.execution_options(postgresql_readonly=True)
            with connection.begin():
                yield connection

    @contextmanager
    def write(
        self, *, one_state: bool = False, of_everyone: bool = False, lasting: bool = True
    ) -> Generator[Connection, None, None]:
        """A transaction that writes; committed at the end, rolled back whole on any exception.

        In PostgreSQL others may commit while it runs, and its next statement sees that. With `one_state` it sees one
        state throughout, and raises `Conflict` when somebody else changed meanwhile what it changes.
        `of_everyone` as for `read`. `lasting=False`: it needn't outlive a power cut, so nobody waits for the disk.
        """
        with translated(), self.engine.connect() as connection, _room(connection, of_everyone):
            connection.execution_options(immediate=True, lasting=lasting)
            if one_state and not self.is_sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                if not lasting and not self.is_sqlite:
                    connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
                yield connection

    @contextmanager
    def connect(self) -> Generator[Connection, None, None]:
        """A connection without a transaction, for work in several steps; `immediate` makes its next one a write."""
        with translated(), self.engine.connect() as connection:
            yield connection

    def close(self) -> None:
        self.held.close()
        self.engine.dispose()
        if self._replica is not None:
            self._replica.engine.dispose()


def _room(connection: Connection, of_everyone: bool) -> AbstractContextManager[None]:
    return sorting_on_disk(connection) if of_everyone else nullcontext()


class Held:
    """One connection kept for many short transactions, such as a worker's. Opened when first used, and again if it
    breaks. What it has read stays in its memory, so what its next write needs is there."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._immediate: bool | None = None  # how its next transaction begins

    @contextmanager
    def write(self) -> Generator[Connection, None, None]:
        """A transaction that writes, as `Database.write`, without the cost of fetching a connection."""
        with self._transaction(immediate=True) as connection:
            yield connection

    @contextmanager
    def read(self) -> Generator[Connection, None, None]:
        """A transaction for one query; in PostgreSQL a second one would see what was committed meanwhile."""
        with self._transaction(immediate=False) as connection:
            yield connection

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            held, self._connection = self._connection, None
            held.close()

    @contextmanager
    def _transaction(self, *, immediate: bool) -> Generator[Connection, None, None]:
        with translated():
            connection = self._open(immediate=immediate)
            try:
                with connection.begin():
                    yield connection
            except Exception:  # the driver's own too, which `begin` may raise
                self.close()
                raise

    def _open(self, *, immediate: bool) -> Connection:
        if self._connection is None:
            self._connection, self._immediate = self._engine.connect(), None
        if immediate is not self._immediate:  # said when it changes, since that takes as long as a small statement
            self._connection.execution_options(immediate=immediate)
            self._immediate = immediate
        return self._connection


def _utc_now() -> datetime:
    return datetime.now(UTC)


def open_database(url: str, *, clock: Callable[[], datetime] = _utc_now) -> Database:
    """The database at a SQLAlchemy URL, made if it is missing. Raises `DatabaseTrouble` when it can't be used.

    When it is a backup that was put back, what may have been mailed since is held back first (`fence`).
    """
    database = Database(make_engine(url), make_replica_engine(url))
    try:
        with translated():
            refuse_moved(database.engine)
            check_schema(database.engine)
            check_marks(database.engine, clock)
    except BaseException:
        database.close()
        raise
    return database


def migrate_database(url: str) -> str:
    """Bring the database at a URL to this program's schema, made if it is missing; returns the schema's number.

    Safe to run twice and from two places at once. Raises `DatabaseTrouble` for a schema newer than this program.
    """
    engine = make_engine(url)
    try:
        with translated():
            refuse_moved(engine)
            migrate_engine(engine)
    finally:
        engine.dispose()
    return SCHEMA
