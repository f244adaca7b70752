"""Export, then import: nothing changes where it came from, and another workspace gets the same list."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, literal, select

from mailer.audience.addresses import address_hash
from mailer.audience.consent.changes import leave, leave_everything, list_id, suppress
from mailer.audience.consent.eligibility import EVERY_LIST
from mailer.audience.names import clean_name
from mailer.audience.people.csv_export import COLUMNS, export_list
from mailer.audience.tags import add_tags
from mailer.compose.expressions.tagged import sound_tag
from mailer.store.engine.database import Database, open_database
from mailer.store.tables.core import consents, people, people_tags, subscriptions, suppressions
from mailer.store.tables.states import Membership, SuppressionReason
from tests.audience.world import KEY, bring
from tests.conftest import NOW

TABLES = (people, people_tags, subscriptions, consents, suppressions)
# Names as people have them, and as they attack spreadsheets and parsers with; no controls, which no form or import lets
# in.
HOSTILE = st.text(alphabet="=+-@'\"|%,;＝＠ aB1é🙂\u202e\u05d0ع\u00df\\&<>{}$", max_size=8).map(str.strip)
ODD = st.sampled_from(
    [
        "=HYPERLINK(1)",
        "'=x",
        "''+1",
        "'t Hooft",
        "'",
        "''",
        '"',
        "NULL",
        "null",
        "true",
        "0012",
        "-",
        "N/A",
        "unsubscribed",
        "sep=;",
        'Ann, "A"',
        "🏳️‍🌈",
        "عائشة",
        "a\\",
        "|",
        "@SUM(A1)",
    ]
)
NAME = HOSTILE.map(clean_name).map(str.strip) | ODD
LINES = HOSTILE | ODD | st.sampled_from(["two\nlines", "a\tb", "a\r\nb", "=1\n+2"])
KEYS = st.sampled_from(
    [
        "town",
        "größe",
        "note",
        "opt_in_source",
        "status",
        "changed_at",
        "suppressed",
        "tags_as_given",
        "address",
        "unsub",
        "attributes",
        "file",
        "line",
        "reason",
        "timezone_as_given",
        "timezone",
        "uuid",
        "_1_1",
        "country_as_given",
    ]
)
LOCAL = st.sampled_from(["ann", "'o", "=x", "+y", "-z", "o'neil", "'=q", "{b}", "''=r", "%s", "|p"])


PERSON = st.fixed_dictionaries(
    {
        "first_name": NAME,
        "last_name": NAME,
        "country": st.sampled_from(["", "GB", "DE"]),
        "language": st.sampled_from(["", "en", "pt-BR"]),
        "timezone": st.sampled_from(["", "Europe/London", "Asia/Kolkata"]),
        "attributes": st.dictionaries(KEYS, LINES.filter(bool), max_size=3),
        "tags": st.sets(LINES.map(sound_tag).filter(bool), max_size=3),
        "status": st.sampled_from(list(Membership)),
        # An export doesn't say who is inactive (decision 78).
        "stops": st.sets(
            st.sampled_from([*(one for one in SuppressionReason if one != SuppressionReason.INACTIVE), "here"]),
            max_size=2,
        ),
    }
)


def add(store: Database, persons: dict[str, dict[str, Any]]) -> None:
    with store.write() as connection:
        number = list_id(connection, "supporters")
        for count, (local, person) in enumerate(persons.items(), start=1):
            address = f"{local}@example.org"
            fields = {
                name: person[name]
                for name in ("first_name", "last_name", "country", "language", "timezone", "attributes")
            }
            fields["timezone_source"] = "import" if fields["timezone"] else ""
            hashed = address_hash(address, KEY)
            connection.execute(
                insert(people).values(
                    id=count, address=address, address_hash=hashed, created_at=NOW, updated_at=NOW, **fields
                )
            )
            add_tags(connection, select(literal(count)), sorted(person["tags"]), source="x", at=NOW)
            row = {"list_id": number, "person_id": count, "status": person["status"].value, "changed_at": NOW}
            connection.execute(insert(subscriptions).values(row))
            stops = person["stops"] | ({"here"} if person["status"] == Membership.UNSUBSCRIBED else set())
            for stop in stops:
                if stop == "here":
                    suppress(
                        connection, address_hash=hashed, reason=SuppressionReason.UNSUBSCRIBED, at=NOW, list_id=number
                    )
                    leave(connection, person_id=count, list_ids=[number], how="link", source="x", at=NOW)
                elif stop == SuppressionReason.UNSUBSCRIBED:
                    leave_everything(connection, person_id=count, how="link", source="x", at=NOW)
                else:
                    suppress(connection, address_hash=hashed, reason=stop, at=NOW, list_id=EVERY_LIST)


def everything(store: Database) -> list[list[Any]]:
    with store.read() as connection:
        return [sorted(map(repr, connection.execute(select(table)))) for table in TABLES]


def exported(store: Database) -> str:
    text = io.StringIO()
    with store.read() as connection:
        export_list(connection, "supporters", text)
    return text.getvalue()


@settings(max_examples=30, deadline=None)
@given(persons=st.dictionaries(LOCAL, PERSON, max_size=4))
def test_export_then_import_is_the_identity(
    tmp_path_factory: pytest.TempPathFactory, migrated_file: Path, persons: dict[str, dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("law")
    stores: list[Database] = []
    for name in ("here.db", "there.db"):
        shutil.copyfile(migrated_file, folder / name)
        stores.append(open_database(f"sqlite:///{folder / name}"))
    here, there = stores
    try:
        add(here, persons)
        before, text = everything(here), exported(here)
        report = bring(here, folder / "out.csv", "\ufeff" + text)
        assert (report.added, report.updated, report.rejected) == (0, 0, 0)
        assert everything(here) == before
        bring(there, folder / "out.csv")
        assert of(there) == {key: value for key, value in of(here).items() if is_mailed(value)}
        assert {one[:3] for one in stopped(there)} == {one[:3] for one in stopped(here)}
    finally:
        for store in stores:
            store.close()


def of(store: Database) -> dict[str, dict[str, str]]:
    """The people on the list as their export has them, without when."""
    rows = csv.DictReader(io.StringIO(exported(store)))
    return {
        row["email"]: {name: value for name, value in row.items() if value and name != "changed_at"} for row in rows
    }


def is_mailed(row: dict[str, str]) -> bool:
    """Whether more than a hash is kept of somebody in another workspace."""
    return row["status"] != "unsubscribed" and "suppressed" not in row


def stopped(store: Database) -> set[tuple[bytes, int, str]]:
    with store.read() as connection:
        rows = connection.execute(select(suppressions.c.address_hash, suppressions.c.list_id, suppressions.c.reason))
        return {(bytes(hashed), number, reason) for hashed, number, reason in rows}


def test_the_export_says_who_is_not_mailed_and_why(database: Database, tmp_path: Path) -> None:
    bring(database, tmp_path / "people.csv", "email\na@example.org\nb@example.org\nc@example.org\n")
    with database.write() as connection:
        suppress(connection, address_hash=address_hash("a@example.org", KEY), reason=SuppressionReason.BOUNCED, at=NOW)
        leave_everything(connection, person_id=2, how="link", source="x", at=NOW)
    rows = list(csv.DictReader(io.StringIO(exported(database))))
    assert tuple(rows[0])[: len(COLUMNS)] == COLUMNS
    assert {row["email"][0]: (row["status"], row["suppressed"]) for row in rows} == {
        "a": ("subscribed", "bounced"),
        "b": ("unsubscribed", "unsubscribed; unsubscribed everywhere"),
        "c": ("subscribed", ""),
    }
    report = bring(database, tmp_path / "again.csv", exported(database))
    assert (report.unchanged, report.suppressed) == (1, 2)
