"""Migration 0020: the tags that imports kept as an attribute become tags, and nothing else of a person changes."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from mailer.audience.people.people import supporters
from mailer.store.engine.database import migrate_database, open_database
from mailer.store.engine.dialects import make_engine
from tests.databases import ENGINES, NewDatabase
from tests.store.earlier_versions import dump_of, load


@pytest.mark.parametrize("engine", ENGINES)
def test_attributes_become_tags(engine: str, new_database: NewDatabase) -> None:
    url, long = new_database(engine), "y" * 101
    load(dump_of("0018", engine), url)
    old = make_engine(url)
    with old.begin() as connection:
        for number, tags in ((1, f"Swimmer, Zürich, {long}"), (2, "swimmer, swimmer"), (3, '"tags"')):
            kept = json.dumps({"town": "Zürich", ("note" if number == 3 else "tags"): tags}, ensure_ascii=False)
            value = "CAST(:kept AS json)" if engine == "postgresql" else ":kept"
            connection.execute(
                text(f"UPDATE people SET attributes = {value} WHERE id = :n"), {"kept": kept, "n": number}
            )
    old.dispose()
    migrate_database(url)
    database = open_database(url)
    with database.read() as connection:
        found = supporters(connection, [1, 2, 3])
    database.close()
    told = {n: {name: one.get(name) for name in ("tags", "town", "tags_as_given", "note")} for n, one in found.items()}
    assert told == {
        1: {"tags": "Swimmer, Zürich", "town": "Zürich", "tags_as_given": long, "note": None},
        2: {"tags": "Swimmer", "town": "Zürich", "tags_as_given": None, "note": None},
        3: {"tags": "", "town": "Zürich", "tags_as_given": None, "note": '"tags"'},
    }
