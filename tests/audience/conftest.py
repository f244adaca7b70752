"""An empty database on each engine: SQLite, and PostgreSQL when the environment names an empty database for tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from mailer.store.database import Database, open_database
from mailer.store.tables import metadata

POSTGRESQL = os.environ.get("POSTGRESQL_FOR_TESTS", "")
ENGINES = ("sqlite", "postgresql") if POSTGRESQL else ("sqlite",)


def emptied(store: Database) -> Database:
    with store.write() as connection:
        for table in metadata.sorted_tables:
            connection.execute(text(f"TRUNCATE {table.name} RESTART IDENTITY CASCADE"))
    return store


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    made = request.param == "sqlite"
    found = open_database(f"sqlite:///{tmp_path / 'mailer.db'}") if made else emptied(open_database(POSTGRESQL))
    yield found
    found.close()
