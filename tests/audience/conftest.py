"""An empty database, under the name that the audience's tests know it by."""

from __future__ import annotations

import pytest

from mailer.store.engine.database import Database


@pytest.fixture
def store(database: Database) -> Database:
    return database
