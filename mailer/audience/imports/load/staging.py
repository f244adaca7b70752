"""Judged people put aside in a temporary table, from which `upsert` takes them over. It locks nobody out meanwhile.

SQLite lets nobody else write from a write's first statement on, so rows are put aside before it. In PostgreSQL it is
all one transaction: behind a pooler the next might have another session, in which the tables aren't.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from typing import Any, cast

from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, MetaData, Table, Text, Transaction

from mailer.audience.imports.row_check import NO_TAGS, Person
from mailer.store.tables.core import Id

TEXTS = ("first_name", "last_name", "country", "language", "timezone")
TOGETHER = 5_000  # rows handed to the driver at once

_temporary = MetaData()
stage = Table(  # the rows that could be taken, in the order of `Person`
    "import_stage",
    _temporary,
    Column("row", Id, primary_key=True, autoincrement=False),  # the file's number and the line in it
    Column("address", Text, nullable=False),
    Column("address_hash", LargeBinary, nullable=False),
    *(Column(name, Text, nullable=False) for name in TEXTS),
    Column("attributes", Text, nullable=False),  # JSON
    Column("tags", Text, nullable=False),  # a JSON list
    Column("status", Text, nullable=False),  # RowStatus, one of MEMBERSHIPS
    Column("stops", Integer, nullable=False),  # bits of `STOPS`
    Column("given_at", BigInteger),  # microseconds since 1970
    prefixes=["TEMPORARY"],
)
known = Table(  # people named by the files: those known before, or all when their rows tell more
    "import_known",
    _temporary,
    Column("person_id", Id, primary_key=True, autoincrement=False),
    Column("row", Id, nullable=False),  # the first that names them
    Column("outcome", Text, nullable=False),  # what became of them: `upsert` has the words
    prefixes=["TEMPORARY"],
)
named_tags = Table(  # the tags that rows name, as they spell them
    "import_named_tags",
    _temporary,
    Column("name", Text, primary_key=True),
    Column("tag_id", Id, nullable=False),
    prefixes=["TEMPORARY"],
)
staged_tags = Table(  # which row gives which tag
    "import_tags",
    _temporary,
    Column("row", Id, primary_key=True, autoincrement=False),
    Column("tag_id", Id, primary_key=True, autoincrement=False),
    prefixes=["TEMPORARY"],
)


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of an import on one connection: rows are put aside, then taken over."""

    connection: Connection
    whole: Transaction | None  # that all of them are in, where it is one

    @contextmanager
    def reading(self) -> Generator[Transaction, None, None]:
        """The step in which rows are put aside."""
        if self.whole is not None:
            yield self.whole
            return
        with self.connection.begin() as transaction:
            yield transaction

    @contextmanager
    def writing(self) -> Generator[Transaction, None, None]:
        """The step that takes them over; it may be rolled back."""
        self.connection.execution_options(immediate=True)
        try:
            with self.reading() as transaction:
                yield transaction
        finally:
            self.connection.execution_options(immediate=False)


@contextmanager
def staging(connection: Connection) -> Generator[Steps, None, None]:
    """The steps of an import, after which the temporary tables are gone."""
    if connection.dialect.name == "postgresql":
        for table in _temporary.sorted_tables:  # declared, it would load PostgreSQL's dialects on SQLite too
            table.dialect_options["postgresql"]["on_commit"] = "DROP"
        with connection.begin() as whole:
            yield Steps(connection, whole)
        return
    try:
        yield Steps(connection, None)
    finally:
        with connection.begin():
            drop(connection)


class StagedRows:
    """The staged rows on a connection. Filling it locks nobody out: the tables are this connection's own."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.rows = 0
        self.has_moments = self.has_tags = False
        self.counts: Counter[tuple[str, int]] = Counter()  # status and stops → rows
        drop(connection)
        _temporary.create_all(connection, checkfirst=False)

    def fill(self, people: Iterable[Person], heard: Callable[[], None]) -> Counter[tuple[str, int]]:
        """Stage judged rows; returns how many there are of each status and stops. `heard` is called now and then."""
        before, rows = self.counts.copy(), iter(people)
        insert = self._insert if self.connection.dialect.name == "sqlite" else self._copy
        while batch := list(islice(rows, TOGETHER)):
            insert(batch)
            self.rows += len(batch)
            self.counts.update(map(itemgetter(10, 11), batch))
            self.has_moments = self.has_moments or any(person[12] is not None for person in batch)
            self.has_tags = self.has_tags or any(person[9] != NO_TAGS for person in batch)
            heard()
        return self.counts - before

    def _insert(self, batch: Sequence[Person]) -> None:
        driver = cast(sqlite3.Connection, self.connection.connection.driver_connection)
        places = ", ".join("?" * len(stage.columns))
        driver.executemany(f"INSERT INTO import_stage VALUES ({places})", batch).close()  # noqa: S608 - no values

    def _copy(self, batch: Sequence[Person]) -> None:
        driver = cast(Any, self.connection.connection.driver_connection)
        with (
            driver.cursor() as cursor,
            cursor.copy(f"COPY import_stage ({', '.join(stage.c.keys())}) FROM STDIN") as copy,
        ):
            for person in batch:
                copy.write_row(person)

    def filled(self) -> None:
        """All rows are in: let the engine know what it has, which it can't see of a temporary table by itself."""
        if self.connection.dialect.name != "sqlite":
            self.connection.exec_driver_sql("ANALYZE import_stage")

    @property
    def statuses(self) -> set[str]:
        """The memberships of rows that don't stop their person."""
        return {status for status, stops in self.counts if not stops}

    @property
    def stops(self) -> int:
        """The bits that any row has."""
        bits = 0
        for _, stops in self.counts:
            bits |= stops
        return bits


def drop(connection: Connection) -> None:
    """Drop the tables, also those that an import left which was broken off."""
    for table in _temporary.sorted_tables:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table.name}")
