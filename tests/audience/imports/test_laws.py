"""Laws of the import: every row is counted once, and the list is what a plain reading of the rules makes it."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.audience.imports.columns import Columns, Meaning, understand
from mailer.audience.imports.files.delimited import unguarded
from mailer.audience.imports.files.reader import Table, open_table
from mailer.audience.imports.meaning.statuses import STOPS, UNSUBSCRIBED
from mailer.audience.imports.row_check import Judge, Person
from mailer.audience.imports.survey import survey
from mailer.audience.people.csv_export import guarded
from mailer.audience.people.people import list_counts, supporters
from mailer.compose.expressions.tagged import sound_tag
from mailer.diagnostics import Place
from mailer.store.engine.database import Database, open_database
from tests.audience.world import KEY, bring
from tests.conftest import NOW

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
        names = ("added", "updated", "unchanged", "duplicate", "rejected", "suppressed", "no_consent")
        counts: dict[str, int] = dict.fromkeys(names, 0)
        rows = [row for row in rows if any(cell.strip() for cell in row)]
        columns = columns_of(HEADER, rows)
        taken: list[Person] = []
        numbered = list(enumerate(rows, start=1))
        for person in Judge(columns, KEY, NOW).people(
            numbered, lambda *_: counts.update(rejected=counts["rejected"] + 1)
        ):
            taken.append(person)
        for _, address, *_, stops, _ in taken:
            if stops:
                self.suppressed.add(address)
        seen: set[str] = set()
        for _, address, _, first, *_, attributes, _, status, stops, _ in taken:
            if address in self.suppressed:
                counts["suppressed"] += 1
                if stops & STOPS[UNSUBSCRIBED] and address in self.on_list:
                    self.on_list[address] = "unsubscribed"
            elif status == "no consent":
                counts["no_consent"] += 1
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


def columns_of(header: list[str], rows: list[list[str]] | None = None) -> Columns:
    """The columns of a file with this header and these rows."""
    numbered = list(enumerate(rows or [], start=2))
    seen = survey(Table("x.csv", header, lambda: iter(numbered))).columns
    understood = understand(header, Meaning(), seen=seen, peer=None, at=Place("x.csv", 1))
    assert understood.columns, understood.faults
    return understood.columns


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
            filled = [row for row in rows if any(cell.strip() for cell in row)]
            assert report.read == len(filled) == sum(expected.values())
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
WIDE = ["e-mail", "name", "last_name", "country", "language", "town", "tags", "status"]
PLACES = st.sampled_from(["", "GB", "uk", "France", " DE", "en", "pt_BR", "English", "e n"])
WIDE_ROWS = st.tuples(
    st.sampled_from(["a@example.org", "B.c@Example.org", " d@example.org", "x" * 60 + "@example.org", "bad"]) | CELLS,
    NAMES | st.sampled_from(["Ada King Lovelace", "Lovelace, Ada"]) | CELLS,
    st.sampled_from(["", "Lovelace"]), PLACES, PLACES, NAMES | CELLS, NAMES, STATUSES,
).map(list)  # fmt: skip


@settings(deadline=None)
@given(row=WIDE_ROWS)
def test_the_short_way_judges_as_the_careful_one(row: list[str]) -> None:
    columns = columns_of(WIDE, [["", "", "", "", "", "", "", "subscribed"]])
    judged, said = [], []
    # A value too many, which is empty, changes nothing but the way.
    for values in (row, [*row, ""]):
        refused: list[str] = []
        judge = Judge(columns, KEY, NOW)
        judged.append(list(judge.people([(1, values)], lambda line, reason, _, told=refused: told.append(reason))))
        said.append(refused)
    assert judged[0] == judged[1]
    assert said[0] == said[1]
    assert len(judged[0]) + len(said[0]) == 1
    for person in judged[0]:
        json.loads(person[8])
        assert all(sound_tag(one) == one for one in json.loads(person[9]))


@settings(deadline=None)
@given(rows=st.lists(st.lists(st.text(alphabet="ab,;\t|\"'\n é", max_size=6), min_size=3, max_size=3), max_size=5))
def test_what_csv_writes_is_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]) -> None:
    path = tmp_path_factory.mktemp("csv") / "people.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["email", "name", "town"], *rows])
    table = open_table(path, is_header=lambda cells: "email" in cells)
    assert table.columns == ["email", "name", "town"]
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    assert [values for _, values in table.rows()] == [[unguarded(cell) for cell in row] for row in filled]


@settings(deadline=None)
@given(st.text(alphabet="'=+-@\t\n|%＝ab \u202e🙂", max_size=6))
def test_a_guard_comes_off_again_and_only_one(cell: str) -> None:
    assert unguarded(guarded(cell)) == cell
