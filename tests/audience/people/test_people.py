"""Looking people up, and taking a list elsewhere."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from mailer.audience.addresses import BadAddress
from mailer.audience.consent.changes import forget, leave, list_id
from mailer.audience.people.csv_export import export_list, guarded
from mailer.audience.people.people import example, find_supporter, show, supporters
from mailer.audience.people.search import PeopleSearch, ensure_search, find, find_numbers, has_search, matching
from mailer.audience.people.sqlite_search import drop_search
from mailer.audience.tags import add_tags
from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.store.tables.core import people
from tests.audience.world import KEY, add_campaign, add_person, bring, deliver, subscribe
from tests.conftest import NOW

CROWD = (
    "email,first_name,last_name,town\nzoe@example.org,Zoë,O'Neil,Łódź\nbob@example.org,Bob,Zoellner,Leeds\n"
    "ali@example.com,علي,حسن,\n"
)


@pytest.fixture
def crowd(store: Database, tmp_path: Path) -> Database:
    bring(store, tmp_path / "people.csv", CROWD)
    return store


def found(store: Database, text: str) -> list[str]:
    with store.read() as connection:
        return sorted(one["email"].partition("@")[0] for one in find(connection, text))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("zoe", ["bob", "zoe"]),
        ("leeds", ["bob"]),
        ("BOB zoell", ["bob"]),
        ("example.org", ["bob", "zoe"]),
        ("zoe@example.org", ["zoe"]),
        ("علي", ["ali"]),
        ("nobody", []),
        ("", []),
        ("   ", []),
        ('" NEAR(* ^', []),
        ("%", []),
    ],
)
def test_people_are_found_with_and_without_the_index(crowd: Database, text: str, names: list[str]) -> None:
    assert found(crowd, text) == names
    ensure_search(crowd)
    assert found(crowd, text) == names


@pytest.mark.sqlite
def test_the_index_reads_over_accents_and_follows_changes(database: Database, tmp_path: Path) -> None:
    ensure_search(database)
    ensure_search(database)
    bring(database, tmp_path / "people.csv", CROWD)
    assert found(database, "zoe lodz"[:3]) == ["bob", "zoe"]
    assert found(database, "o'neil") == ["zoe"]
    bring(database, tmp_path / "people.csv", "email,town\nzoe@example.org,Ystad\n")
    assert found(database, "ystad") == ["zoe"]
    with database.write() as connection:
        forget(connection, address="zoe@example.org")
    assert found(database, "ystad") == []
    with database.write() as connection:
        drop_search(connection)
        assert not has_search(connection)
    assert found(database, "leeds") == ["bob"]


def test_a_search_is_narrowed_by_tags_lists_and_what_staff_may_see(crowd: Database) -> None:
    ensure_search(crowd)
    with crowd.write() as connection:
        everybody = find_numbers(connection, PeopleSearch(), limit=9)
        zoe = find_numbers(connection, PeopleSearch("zoe@example.org"), limit=9)[0]
        add_tags(connection, select(people.c.id).where(people.c.id == zoe), ["Swimmer"], source="x", at=NOW)
        for search, who in (
            (PeopleSearch("swim"), [zoe]),
            (PeopleSearch(tag="SWIMMER"), [zoe]),
            (PeopleSearch("leeds", tag="swimmer"), []),
            (PeopleSearch("zoe", tag="swimmer", list="supporters"), [zoe]),
            (PeopleSearch(list="supporters"), everybody),
            (PeopleSearch(list="other"), []),
            (PeopleSearch("zoe@example.org", lists={"supporters"}), [zoe]),
            (PeopleSearch("zoe", lists={"other"}), []),
            (PeopleSearch("zoe", lists=()), []),
        ):
            assert find_numbers(connection, search, limit=9) == who, search
            assert sorted(connection.execute(matching(connection, search)).scalars()) == sorted(who), search
        assert len(find_numbers(connection, PeopleSearch("zoe"), limit=1)) == 1


def test_supporters_for_merging(store: Database) -> None:
    with store.write() as connection:
        add_person(connection, 1, first_name="Ada", last_name="Li", country="GB", attributes={"town": "Leeds"})
        add_person(connection, 2, first_name="Bob")
        assert supporters(connection, [1, 2, 3]) == {
            1: {
                "email": "person1@example.org", "first_name": "Ada", "last_name": "Li", "name": "Ada Li",
                "country": "GB", "language": "", "timezone": "", "tags": "", "town": "Leeds",
            },
            2: {
                "email": "person2@example.org", "first_name": "Bob", "last_name": "", "name": "Bob", "country": "",
                "language": "", "timezone": "", "tags": "",
            },
        }  # fmt: skip
        assert supporters(connection, []) == {}
        assert find_supporter(connection, "PERSON2@example.org")[0] == 2
        with pytest.raises(MailerError, match="nobody has the address"):
            find_supporter(connection, "x@example.org")
        with pytest.raises(BadAddress):
            find_supporter(connection, "x")


def test_an_example_has_every_field() -> None:
    assert example({"first_name": "Ada"}) == {
        "email": "", "first_name": "Ada", "last_name": "", "name": "", "country": "", "language": "", "timezone": "",
        "tags": "",
    }  # fmt: skip


def test_everything_known_is_shown(store: Database, now: datetime) -> None:
    with store.write() as connection:
        a = list_id(connection, "a")
        add_person(connection, 1, first_name="Ada")
        subscribe(connection, 1, a)
        campaign = add_campaign(connection, 1, "x")
        deliver(connection, campaign, 1, number=1)
        leave(connection, person_id=1, list_ids=[a], how="link", source="x", at=now)
        dossier = show(connection, " Person1@example.org", address_key=KEY)
        assert dossier
        assert (dossier.person_id, dossier.deliveries, dossier.tracking) == (1, {"sent": 1}, True)
        forget(connection, address="person1@example.org")
        dossier = show(connection, "person1@example.org", address_key=KEY)
        assert dossier
        assert (dossier.person_id, dossier.fields) == (None, {})
        assert [(one.list, one.reason) for one in dossier.suppressions] == [("a", "unsubscribed")]
        assert show(connection, "never@example.org", address_key=KEY) is None


def test_an_export_has_everyone_and_no_formulas(store: Database, tmp_path: Path, now: datetime) -> None:
    content = (
        "email,first_name,town,=1+1\na@example.org,=HYPERLINK(1),Leeds,\nb@example.org,@SUM(A1),,+44\n"
        "+c@example.org,-Ada,,\n"
    )
    bring(store, tmp_path / "people.csv", content)
    with store.write() as connection:
        person, _ = find_supporter(connection, "b@example.org")
        leave(connection, person_id=person, list_ids=[list_id(connection, "supporters")], how="x", source="", at=now)
    text = io.StringIO()
    with store.read() as connection:
        assert export_list(connection, "supporters", text) == 3
    rows = sorted(csv.DictReader(io.StringIO(text.getvalue())), key=lambda row: row["email"].lstrip("'+"))
    assert [row["email"] for row in rows] == ["a@example.org", "b@example.org", "'+c@example.org"]
    assert [row["first_name"] for row in rows] == ["'=HYPERLINK(1)", "'@SUM(A1)", "'-Ada"]
    assert [row["status"] for row in rows] == ["subscribed", "unsubscribed", "subscribed"]
    assert [row["_1_1"] for row in rows] == ["", "'+44", ""]
    assert rows[0]["town"] == "Leeds"


@given(st.text(max_size=8))
def test_a_guarded_cell_never_begins_a_formula(cell: str) -> None:
    safe = guarded(cell)
    assert not safe or safe[0] not in "=+-@\t\r\n"
    assert safe.removeprefix("'") == cell.removeprefix("'") or safe == f"'{cell}"
