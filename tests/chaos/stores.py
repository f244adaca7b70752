"""The databases that sites stand on: a SQLite file, or a database of its own in a throw-away PostgreSQL cluster.

Each can be locked by a second program, and put back to an old copy.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Generator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import psycopg

from tests.servers.postgres import Cluster


class Store(Protocol):
    """A database of the mailer, seen from outside."""

    @property
    def url(self) -> str: ...

    def locked(self) -> AbstractContextManager[None]:
        """A context in which another program keeps everybody else from writing deliveries."""
        ...

    def is_being_written(self) -> bool:
        """Whether some program is in a transaction that writes, just now."""
        ...

    def copy(self) -> None:
        """Keep a copy of the database as it is now. No program may be using it."""
        ...

    def restore(self) -> None:
        """Put the copy in its place. No program may be using it."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class SqliteStore:
    """mailer.db in the workspace."""

    path: Path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    @contextmanager
    def locked(self) -> Generator[None]:
        with closing(sqlite3.connect(self.path, timeout=30, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

    def is_being_written(self) -> bool:
        with closing(sqlite3.connect(self.path, timeout=0, isolation_level=None)) as other:
            try:
                other.execute("BEGIN IMMEDIATE")
                other.execute("ROLLBACK")
            except sqlite3.OperationalError:
                return True
        return False

    def copy(self) -> None:
        with closing(sqlite3.connect(self.path)) as whole, closing(sqlite3.connect(self._kept)) as kept:
            whole.backup(kept)

    def restore(self) -> None:
        for suffix in ("-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        shutil.copyfile(self._kept, self.path)

    def close(self) -> None:
        """Nothing is kept open."""

    @property
    def _kept(self) -> Path:
        return self.path.with_name("kept.db")


@dataclass(frozen=True)
class PostgresStore:
    """One database of a cluster."""

    cluster: Cluster
    name: str

    @property
    def url(self) -> str:
        return self.cluster.url(self.name)

    @contextmanager
    def locked(self) -> Generator[None]:
        with psycopg.connect(self.url.replace("+psycopg", "")) as other:
            other.execute("LOCK TABLE deliveries")
            yield
            other.rollback()

    def is_being_written(self) -> bool:
        writing = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_xid IS NOT NULL"
        row = self._watcher.execute(writing, (self.name,)).fetchone()
        return bool(row and row[0])

    @cached_property
    def _watcher(self) -> psycopg.Connection:
        return self.cluster.administrate()

    def close(self) -> None:
        self._watcher.close()

    def copy(self) -> None:
        self.cluster.create(f"{self.name}_kept", template=self.name)

    def restore(self) -> None:
        self.cluster.drop(self.name)
        self.cluster.create(self.name, template=f"{self.name}_kept")
