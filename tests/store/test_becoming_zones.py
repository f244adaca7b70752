"""Migration 0032: the zones that imports kept as an attribute get their column; nothing else of a person changes."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select, text

from mailer.store.engine.database import migrate_database, open_database
from mailer.store.engine.dialects import make_engine
from mailer.store.tables.core import people
from tests.databases import ENGINES, NewDatabase
from tests.store.earlier_versions import dump_of, load


@pytest.mark.parametrize("engine", ENGINES)
def test_attributes_become_zones(engine: str, new_database: NewDatabase) -> None:
    url = new_database(engine)
    load(dump_of("0028", engine), url)
    old = make_engine(url)
    with old.begin() as connection:
        for number, zone in ((1, "Europe/London"), (2, "Mars/Olympus"), (3, None)):
            kept = json.dumps({"town": "Zürich", **({"timezone": zone} if zone else {})}, ensure_ascii=False)
            value = "CAST(:kept AS json)" if engine == "postgresql" else ":kept"
            connection.execute(
                text(f"UPDATE people SET attributes = {value} WHERE id = :n"), {"kept": kept, "n": number}
            )
    old.dispose()
    migrate_database(url)
    database = open_database(url)
    with database.read() as connection:
        columns = (people.c.timezone, people.c.timezone_source, people.c.attributes)
        rows = connection.execute(select(*columns).where(people.c.id <= 3).order_by(people.c.id)).all()
    database.close()
    assert [tuple(row) for row in rows] == [
        ("Europe/London", "import", {"town": "Zürich"}),
        ("", "", {"town": "Zürich", "timezone": "Mars/Olympus"}),
        ("", "", {"town": "Zürich"}),
    ]
