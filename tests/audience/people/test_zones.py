"""People's zones: who says so, what goes before what, and that one question for everybody means one answer for each."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from mailer.audience.addresses import address_hash
from mailer.audience.imports.undo import undo_import
from mailer.audience.people.people import find_supporter, show
from mailer.audience.people.zones import ZoneKey, in_words, people_by_key, zone_of
from mailer.audience.supporter_care.edit import change_person
from mailer.errors import MailerError
from mailer.staff.actor import terminal
from mailer.store.engine.database import Database
from mailer.store.tables.core import people
from mailer.store.tables.imports import imports
from mailer.store.tables.states import ZoneSource
from tests.audience.world import KEY, bring
from tests.conftest import NOW


def stored(database: Database) -> tuple[str, str]:
    with database.read() as connection:
        return tuple(connection.execute(select(people.c.timezone, people.c.timezone_source)).one())  # pyright: ignore[reportReturnType]


def imported(database: Database, folder: Path, text: str) -> None:
    path = folder / "people.csv"
    path.write_text(text, encoding="utf-8")
    bring(database, path)


def test_an_import_fills_a_zone_and_never_overwrites_their_own_choice(database: Database, tmp_path: Path) -> None:
    imported(database, tmp_path, "email,TIMEZONE\na@example.org,europe/london\n")
    assert stored(database) == ("Europe/London", "import")
    imported(database, tmp_path, "email,Time Zone\na@example.org,Asia/Kolkata\n")
    assert stored(database) == ("Asia/Kolkata", "import")
    imported(database, tmp_path, "email,timezone\na@example.org,\n")
    assert stored(database) == ("Asia/Kolkata", "import"), "an empty cell says nothing"
    with database.write() as connection:
        person = connection.execute(select(people.c.id)).scalar_one()
        change_person(
            connection, terminal(), person, {"timezone": "america/new york"}, seen={"timezone": "Asia/Kolkata"}, at=NOW
        )
    assert stored(database) == ("America/New_York", "own")
    imported(database, tmp_path, "email,timezone,first_name\na@example.org,Europe/Paris,Ada\n")
    assert stored(database) == ("America/New_York", "own")
    with database.read() as connection:
        assert find_supporter(connection, "a@example.org")[1]["first_name"] == "Ada"


def test_what_is_no_zone_is_kept_as_it_was_given(database: Database, tmp_path: Path) -> None:
    imported(database, tmp_path, "email,timezone\na@example.org,BST\n")
    assert stored(database) == ("", "")
    with database.read() as connection:
        assert find_supporter(connection, "a@example.org")[1]["timezone_as_given"] == "BST"


def test_a_zone_among_attributes_is_taken(database: Database, tmp_path: Path) -> None:
    cell = '"{""timezone"": ""Europe/Berlin"", ""town"": ""Bonn""}"'
    imported(database, tmp_path, f"email,attributes\na@example.org,{cell}\n")
    assert stored(database) == ("Europe/Berlin", "import")
    with database.read() as connection:
        assert find_supporter(connection, "a@example.org")[1]["town"] == "Bonn"


def test_taking_an_import_back_gives_the_zone_back(database: Database, tmp_path: Path) -> None:
    imported(database, tmp_path, "email,timezone\na@example.org,Europe/London\n")
    with database.write() as connection:
        connection.execute(update(people).values(timezone="", timezone_source=""))
    imported(database, tmp_path, "email,timezone\na@example.org,Asia/Kolkata\n")
    with database.write() as connection:
        last = connection.execute(select(imports.c.id).order_by(imports.c.id.desc()).limit(1)).scalar_one()
        undo_import(connection, last, by=terminal(), at=NOW)
    assert stored(database) == ("", "")


def test_staff_can_not_write_what_is_no_zone(database: Database, tmp_path: Path) -> None:
    imported(database, tmp_path, "email\na@example.org\n")
    with database.read() as connection:
        person = connection.execute(select(people.c.id)).scalar_one()
    with database.write() as connection, pytest.raises(MailerError, match="short name of a time"):
        change_person(connection, terminal(), person, {"timezone": "BST"}, seen={}, at=NOW)


def test_the_copy_of_their_data_says_who_said_so(database: Database, tmp_path: Path) -> None:
    imported(database, tmp_path, "email,timezone\na@example.org,Europe/London\n")
    with database.read() as connection:
        dossier = show(connection, "a@example.org", address_key=KEY)
    assert dossier
    assert (dossier.fields["timezone"], dossier.timezone_source) == ("Europe/London", "import")


@pytest.mark.parametrize(
    ("fields", "source", "zone", "said"),
    [
        ({"timezone": "Asia/Kolkata", "country": "GB"}, "own", "Asia/Kolkata", "Asia/Kolkata, their own choice"),
        ({"timezone": "Asia/Kolkata", "country": "GB"}, "import", "Asia/Kolkata", "Asia/Kolkata"),
        ({"country": "GB"}, "", "Europe/London", "Europe/London, guessed from the country"),
        (
            {"country": "US", "state": "CA"}, "", "America/Los_Angeles",
            "America/Los_Angeles, guessed from region or postcode",
        ),
        ({"country": ""}, "", "", "not known"),
    ],
)  # fmt: skip
def test_who_says_it_comes_first(fields: dict[str, str], source: str, zone: str, said: str) -> None:
    found = zone_of(fields, source)
    assert found[0] == zone
    assert in_words(*found) == said


COUNTRIES = st.sampled_from(["", "US", "CA", "GB", "AU", "RU"])
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["state", "region", "zip", "postcode", "town"]),
    st.sampled_from(["", "CA", "new york", "k1a 0b1", "90210", "2000", "Ürümqi", "0800"]), max_size=3,
)  # fmt: skip
WHO = st.lists(
    st.tuples(st.sampled_from(["", "", "Asia/Kolkata"]), COUNTRIES, ATTRIBUTES), min_size=1, max_size=12
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(WHO)
def test_everybody_at_once_is_everybody_one_by_one(
    database: Database, who: list[tuple[str, str, dict[str, str]]]
) -> None:
    with database.write() as connection:
        connection.execute(people.delete())
        for number, (zone, country, attributes) in enumerate(who):
            address = f"p{number}@example.org"
            connection.execute(
                insert(people).values(
                    address=address, address_hash=address_hash(address, KEY), created_at=NOW, updated_at=NOW,
                    timezone=zone, country=country, attributes=attributes,
                )
            )  # fmt: skip
        everybody = select(people.c.id.label("person_id")).subquery()
        together: dict[tuple[str, ZoneSource], int] = {}
        for key, number in people_by_key(connection, everybody):
            together[key.zone] = together.get(key.zone, 0) + number
    alone: dict[tuple[str, ZoneSource], int] = {}
    for zone, country, attributes in who:
        found = zone_of({**attributes, "timezone": zone, "country": country})
        alone[found] = alone.get(found, 0) + 1
    assert together == alone


def test_a_zone_that_the_machine_does_not_know_is_none() -> None:
    assert ZoneKey("Mars/Olympus").zone == ("", ZoneSource.UNKNOWN)
