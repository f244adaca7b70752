"""Tags: the same in any case, put on by imports and staff, gone with the person; a file takes none away."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from mailer.audience.consent.changes import forget
from mailer.audience.imports import ImportReport
from mailer.audience.people.data_export import everything
from mailer.audience.people.people import find_supporter, supporters
from mailer.audience.selection.segment_sql import condition
from mailer.audience.tags import add_tags, known_tags, remove_tags
from mailer.compose.expressions.tagged import is_tagged, sound_tag
from mailer.store.engine.database import Database
from mailer.store.tables.core import people, people_tags
from tests.audience.world import KEY, add_person, bring
from tests.conftest import NOW

EVERYBODY = select(people.c.id)


def tags_of(connection: Connection, number: int = 1) -> str:
    return supporters(connection, [number])[number]["tags"]


def test_a_tag_is_the_same_in_any_case(database: Database) -> None:
    with database.write() as connection:
        for number in (1, 2):
            add_person(connection, number)
        one = select(people.c.id).where(people.c.id == 1)
        assert add_tags(connection, one, ["Swimmer", "hay"], source="ada", at=NOW) == 2
        assert add_tags(connection, EVERYBODY, ["swimmer"], source="ada", at=NOW) == 1
        assert (tags_of(connection), tags_of(connection, 2)) == ("hay, Swimmer", "Swimmer")
        for asked, who in (('tagged("SWIMMER")', {1, 2}), ('tagged("swim")', set[int]()), ('not tagged("hay")', {2})):
            assert set(connection.execute(EVERYBODY.where(condition(asked, now=NOW))).scalars()) == who
        assert known_tags(connection) == ["hay", "Swimmer"]
        assert remove_tags(connection, one, ["HAY", "nobody has it"]) == 1
        assert (tags_of(connection), known_tags(connection)) == ("Swimmer", ["Swimmer"])


def test_a_forgotten_person_has_no_tags(database: Database) -> None:
    with database.write() as connection:
        add_person(connection, 1)
        add_tags(connection, EVERYBODY, ["a"], source="x", at=NOW)
        assert everything(connection, "person1@example.org", address_key=KEY)["fields"]["tags"] == "a"
        assert forget(connection, address="person1@example.org")
        assert connection.execute(select(func.count()).select_from(people_tags)).scalar() == 0


def test_a_file_adds_tags_and_takes_none_away(database: Database, tmp_path: Path) -> None:
    def imported(*rows: str) -> ImportReport:
        return bring(database, tmp_path / "people.csv", "email,Tags\n" + "\n".join(rows) + "\n")

    assert imported('a@example.org,"""Swimmer"",""hay"""', "b@example.org,", "c@example.org,").added == 3
    report = imported("a@example.org,swimmer;Wye", "b@example.org,SWIMMER", "c@example.org,", "d@example.org,new")
    assert (report.added, report.updated, report.unchanged) == (1, 2, 1)
    assert imported("a@example.org,wye", "b@example.org,").unchanged == 2
    with database.read() as connection:
        tags = {letter: find_supporter(connection, f"{letter}@example.org")[1]["tags"] for letter in "abcd"}
        assert tags == {"a": "hay, Swimmer, Wye", "b": "Swimmer", "c": "", "d": "new"}
        sources = set(connection.execute(select(people_tags.c.source)).scalars())
    assert sources == {"imported from people.csv on 2026-11-24"}


def test_what_can_not_be_a_tag_is_kept_as_it_was_given(database: Database, tmp_path: Path) -> None:
    long = "x" * 101
    bring(database, tmp_path / "people.csv", f"email,tags\na@example.org,{long}|fit\n")
    with database.read() as connection:
        found = find_supporter(connection, "a@example.org")[1]
    assert (found["tags"], found["tags_as_given"]) == ("fit", long)


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("  Two   words ", "Two words"),
        ('["vip"]', "vip"),
        ("👩‍🌾", "👩‍🌾"),
        ("a,b", ""),
        ("a|b", ""),
        ("", ""),
        ("x" * 101, ""),
        ("a\x00", ""),
    ],
)
def test_a_sound_tag(text: str, tag: str) -> None:
    assert sound_tag(text) == tag
    if tag:
        assert is_tagged(text)(f"before, {tag.upper()}")
