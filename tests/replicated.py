"""A server and a standby that follows it, with a database of ours on both."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest

from mailer.store.engine.database import Database, migrate_database, open_database
from tests.servers.postgres import FOLLOWED, Cluster, Standby, server_programs

NAME = "mailer"
LASTING = "synchronous_commit=on"  # as on people's servers: the log is written by the end of a commit


@dataclass
class Replicated:
    """`database` is opened by `url`, which names both."""

    server: Cluster
    standby: Standby
    database: Database
    url: str

    def on_server(self, statement: str) -> None:
        """Run by a superuser there, outside transactions."""
        with self.server.administrate(NAME) as connection:
            connection.execute(statement.encode())

    def on_standby(self, statement: str) -> None:
        """The same on the standby."""
        with self.standby.administrate(NAME) as connection:
            connection.execute(statement.encode())


@contextmanager
def replicated() -> Generator[Replicated, None, None]:
    """Both, until the end of the block. Skips the test where they can't be had."""
    programs = server_programs()
    if programs is None or not (programs / "pg_basebackup").exists():
        pytest.skip("a standby is made by pg_basebackup, which isn't installed here")
    with ExitStack() as stack:
        server = stack.enter_context(Cluster(settings=(*FOLLOWED, LASTING)))
        url = server.create(NAME)
        migrate_database(url)
        standby = stack.enter_context(Standby(server))
        both = f"{url}?replica=127.0.0.1:{standby.port}"
        database = open_database(both)
        stack.callback(database.close)
        yield Replicated(server, standby, database, both)
