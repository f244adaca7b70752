"""Laws of the import: every row is counted once, and the list is what a plain reading of the rules makes it."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.audience.addresses import BadAddress, normalise
from mailer.audience.importing.batches import judge_batches
from mailer.audience.importing.bulk import as_copy_text
from mailer.audience.importing.columns import Columns, understand
from mailer.audience.importing.judging import Person, RowRefused, clean, judge_rows
from mailer.audience.importing.reading import open_table
from mailer.audience.people import list_counts, supporters
from mailer.store.database import Database, open_database
from tests.audience.world import KEY, bring

NAMES = st.sampled_from(
    ["", "Ada", " Bob ", "Zoë", "علي", 'say "it"', "a,b", "x" * 201, "bell\x07", "two\nlines", "\u00a0"]
)
ADDRESSES = st.sampled_from(
    [
        "a@example.org",
        "A@Example.org ",
        "b@example.org",
        "c@example.org",
        "d@bücher.example",
        "bad",
        "",
        "é@example.org",
    ]
)
STATUSES = st.sampled_from(["", "", "", "subscribed", "pending", "unsubscribed", "bounced", "what?"])
ROWS = st.lists(st.tuples(ADDRESSES, NAMES, NAMES, STATUSES).map(list), max_size=12)
HEADER = ["email", "first_name", "town", "status"]


def as_csv(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([HEADER, *rows])
    return text.getvalue()


class Model:
    """The rules of an import, for one list, as plainly as they can be written."""

    def __init__(self) -> None:
        self.people: dict[str, dict[str, str]] = {}
        self.on_list: dict[str, str] = {}
        self.suppressed: set[str] = set()

    def bring(self, rows: list[list[str]]) -> dict[str, int]:
        names = ("added", "updated", "unchanged", "duplicate", "rejected", "suppressed")
        counts: dict[str, int] = dict.fromkeys(names, 0)
        taken: list[Person] = []
        columns = understand(HEADER, {}, place="x")
        numbered = list(enumerate(rows, start=1))
        for person in judge_rows(
            numbered, columns=columns, address_key=KEY, refuse=lambda *_: counts.update(rejected=counts["rejected"] + 1)
        ):
            taken.append(person)
        for _, address, *_, status in taken:
            if status not in ("subscribed", "pending"):
                self.suppressed.add(address)
        seen: set[str] = set()
        for _, address, _, first, _, _, _, attributes, status in taken:
            if address in self.suppressed:
                counts["suppressed"] += 1
                if status == "unsubscribed" and address in self.on_list:
                    self.on_list[address] = "unsubscribed"
            elif address in seen:
                counts["duplicate"] += 1
            else:
                seen.add(address)
                counts[self.take(address, first, attributes, status)] += 1
        return counts

    def take(self, address: str, first: str, attributes: str, status: str) -> str:
        new = {"first_name": first, "attributes": attributes}
        if address not in self.people:
            self.people[address], self.on_list[address] = new, status
            return "added"
        known = self.people[address]
        changes = {name: value for name, value in new.items() if value not in ("", "{}", known[name])}
        known.update(changes)
        if self.on_list[address] == "pending" and status == "subscribed":
            self.on_list[address] = status
            return "updated"
        return "updated" if changes else "unchanged"


@settings(max_examples=60, deadline=None)
@given(files=st.lists(ROWS, min_size=1, max_size=3))
def test_every_row_is_counted_once_and_the_list_is_as_the_rules_say(
    tmp_path_factory: pytest.TempPathFactory, migrated_file: Path, files: list[list[list[str]]]
) -> None:
    folder = tmp_path_factory.mktemp("laws")
    shutil.copyfile(migrated_file, folder / "mailer.db")
    store, model = open_database(f"sqlite:///{folder / 'mailer.db'}"), Model()
    try:
        for rows in files:
            report = bring(store, folder / "people.csv", as_csv(rows))
            expected = model.bring(rows)
            assert {name: getattr(report, name) for name in expected} == expected
            assert report.read == len(rows) == sum(expected.values())
            assert report.adds_up
        check(store, model)
    finally:
        store.close()


def check(store: Database, model: Model) -> None:
    with store.read() as connection:
        found = {one["email"]: one for one in supporters(connection, range(1, 100)).values()}
        count = list_counts(connection).get("supporters")
    assert set(found) == set(model.people)
    assert {address: one["first_name"] for address, one in found.items()} == {
        address: one["first_name"] for address, one in model.people.items()
    }
    standing = list(model.on_list.values())
    if count:
        assert (count.subscribed, count.pending, count.unsubscribed) == tuple(
            standing.count(status) for status in ("subscribed", "pending", "unsubscribed")
        )
    else:
        assert not standing


CELLS = st.text(alphabet="aB1 .@-_é\u00a0\u200b\t\x07'\"", max_size=20) | NAMES


@given(
    email=ADDRESSES | st.from_regex(r"[a-zA-Z.]{1,8}@[a-z-]{1,6}\.(org|test)", fullmatch=True) | CELLS,
    first=CELLS,
    town=CELLS,
)
def test_the_short_way_judges_as_the_careful_one(email: str, first: str, town: str) -> None:
    columns = understand(["email", "first_name", "town"], {}, place="x")
    refused: list[str] = []
    row = [email, first, town]
    judged = list(
        judge_rows(
            [(1, list(row))],
            columns=columns,
            address_key=KEY,
            refuse=lambda line, reason, values: refused.append(reason),
        )
    )
    assert judge_all([(1, list(row))], columns) == judged
    try:
        cells = clean(list(row), columns)
        address = normalise(cells[0])
    except (BadAddress, RowRefused) as error:
        assert refused, error
        assert not judged
        return
    ((_, found, _, name, _, _, _, attributes, _),) = judged
    assert (found, name) == (address, cells[1])
    assert json.loads(attributes) == ({"town": cells[2]} if cells[2] else {})


WIDE = understand(["e-mail", "name", "last_name", "country", "language", "town", "job", "status"], {}, place="x")
PLACES = st.sampled_from(["", "GB", "uk", "France", " DE", "en", "pt_BR", "English", "e n"])
WIDE_ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a@example.org", "B.c@Example.org", " d@example.org", "x" * 60 + "@example.org", "bad"]),
        NAMES | st.sampled_from(["Ada King Lovelace", "Lovelace, Ada"]),
        st.sampled_from(["", "Lovelace"]), PLACES, PLACES, NAMES, NAMES, STATUSES,
    ).map(list),
    max_size=6,
)  # fmt: skip


def judge_all(rows: list[tuple[int, list[str]]], columns: Columns) -> list[Person]:
    batches = judge_batches(rows, columns=columns, address_key=KEY, refuse=lambda *_: None)
    return [person for batch in batches for person in cast(Iterator[Person], zip(*batch, strict=True))]


@given(rows=WIDE_ROWS)
def test_rows_judged_together_are_judged_as_one_by_one(rows: list[list[str]]) -> None:
    numbered = list(enumerate(rows, start=1))
    together = judge_all(numbered, WIDE)
    alone = [one for row in numbered for one in judge_all([row], WIDE)]
    rowwise = list(judge_rows(numbered, columns=WIDE, address_key=KEY, refuse=lambda *_: None))
    assert together == alone == rowwise


TEXT = st.text(alphabet="ab\\\t\n\rN.é", max_size=8)
BACK = {"t": "\t", "n": "\n", "r": "\r"}


@given(rows=st.lists(st.tuples(st.integers(0, 9), TEXT, st.binary(max_size=3), TEXT), min_size=1, max_size=4))
def test_text_for_copy_says_what_the_rows_say(rows: list[tuple[int, str, bytes, str]]) -> None:
    text = as_copy_text(list(zip(*rows, strict=True))).decode()
    assert text.endswith("\n")
    read = [
        [re.sub(r"\\(.)", lambda found: BACK.get(found[1], found[1]), cell) for cell in line.split("\t")]
        for line in text[:-1].split("\n")
    ]
    assert read == [[str(a), b, "\\x" + c.hex(), d] for a, b, c, d in rows]


@given(rows=st.lists(st.lists(st.text(alphabet="ab,;\t|\"'\n é", max_size=6), min_size=3, max_size=3), max_size=5))
def test_what_csv_writes_is_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]) -> None:
    path = tmp_path_factory.mktemp("csv") / "people.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["email", "name", "town"], *rows])
    with open_table(path) as table:
        assert table.columns == ["email", "name", "town"]
        assert [values for _, values in table.rows] == rows
