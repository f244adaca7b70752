"""The databases of the tests: SQLite files and PostgreSQL, empty and at the program's schema.

A test that uses a database runs once on each engine (`pytest_generate_tests` in conftest.py, where the fixtures are);
one that is about SQLite's own things says so: `@pytest.mark.sqlite`. Emptying the tables of one PostgreSQL database
takes a millisecond; making and dropping another for each test took a hundred.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from mailer.store.tables import metadata
from tests.servers.postgres import why_missing

SQLITE, POSTGRESQL = "sqlite", "postgresql"
MISSING = "" if os.environ.get("CI") == "true" else why_missing()
ENGINES: tuple[Any, ...] = (
    SQLITE,
    pytest.param(POSTGRESQL, marks=pytest.mark.skip(reason=MISSING)) if MISSING else POSTGRESQL,
)

on_postgresql = pytest.mark.skipif(bool(MISSING), reason=MISSING or "never")

NewDatabase = Callable[[str], str]


def emptied(url: str) -> str:
    """Empty every table of a PostgreSQL database, number rows from 1 again, and cut off who is left over."""
    with psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(False), autocommit=True) as raw:
        raw.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
        )
        raw.execute("SET lock_timeout = '10s'")
        with raw.transaction():
            for table in reversed(metadata.sorted_tables):
                raw.execute(f'DELETE FROM "{table.name}"'.encode())
            raw.execute("SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'")
    return url
