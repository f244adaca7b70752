"""Rows by their numbers: whichever way they are asked for, it is these rows and no others, on both engines."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import bindparam, insert, select, update

from mailer.store.engine.database import Database, DatabaseTrouble
from mailer.store.engine.prepared import ByNumber, PreparedInsert, PreparedStatement, spans_of
from mailer.store.tables.core import lists

COUNT = 200
WAYS = {
    "one": [7],
    "a span": list(range(20, 80)),
    "in no order, one of them twice": [31, 30, 32, 31],
    "few spans": [1, 2, 3, 50, 51, 52, 99],
    "many gaps": list(range(1, COUNT, 2)),
    "one that is not there": [5, 6, 9_999],
    "nobody": [],
}
NAMES = ByNumber(lists.c.id, lambda those: select(lists.c.id).where(those))
RENAME = ByNumber(lists.c.id, lambda those: update(lists).where(those).values(name=lists.c.name + bindparam("more")))


@pytest.fixture
def numbered(database: Database) -> Database:
    with database.write() as connection:
        connection.execute(insert(lists), [{"id": n, "name": f"list{n}"} for n in range(1, COUNT + 1)])
    return database


def renamed(database: Database) -> list[int]:
    with database.read() as connection:
        return list(
            connection.execute(select(lists.c.id).where(lists.c.name.endswith("!")).order_by(lists.c.id)).scalars()
        )


@given(st.lists(st.integers(0, 9)))
def test_spans_are_all_the_numbers_each_once_and_no_others(numbers: list[int]) -> None:
    spans = spans_of(numbers)
    assert [n for first, last in spans for n in range(first, last + 1)] == sorted(set(numbers))
    assert all(one[1] + 1 < other[0] for one, other in pairwise(spans)), "none could be one span"


@pytest.mark.parametrize("way", WAYS)
def test_these_rows_are_read_and_changed_and_no_others(numbered: Database, way: str) -> None:
    there = sorted({n for n in WAYS[way] if n <= COUNT})
    with numbered.write() as connection:
        assert sorted(NAMES.rows(connection, WAYS[way], {})) == [(n,) for n in there]
        assert RENAME.count(connection, WAYS[way], {"more": "!"}) == len(there)
    assert renamed(numbered) == there


def test_many_sets_each_with_its_own_values(numbered: Database) -> None:
    with numbered.write() as connection:
        RENAME.each(connection, [(numbers, {"more": f" {way}!"}) for way, numbers in WAYS.items() if numbers])
    assert renamed(numbered) == sorted({n for numbers in WAYS.values() for n in numbers if n <= COUNT})
    with numbered.read() as connection:
        assert connection.execute(select(lists.c.name).where(lists.c.id == 50)).scalar() == "list50 a span! few spans!"


def test_the_kept_connection_reads_and_writes_in_turn(numbered: Database) -> None:
    for n in (1, 2):
        with numbered.held.write() as connection:
            assert RENAME.count(connection, [n], {"more": "!"}) == 1
        with numbered.held.read() as connection:
            assert sorted(NAMES.rows(connection, [n, n + 1], {})) == [(n,), (n + 1,)]
            with numbered.write() as other:  # a reader keeps no writer out
                assert RENAME.count(other, [n + 100], {"more": "!"}) == 1
    assert renamed(numbered) == [1, 2, 101, 102]


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 15, 16, 17, 63, 64, 65, 84, 85, 150])
def test_rows_are_put_in_once_each_however_many_they_are(database: Database, count: int) -> None:
    rows = [{"id": n, "name": f"list {n}"} for n in range(1, count + 1)]
    with database.write() as connection:
        PreparedInsert(lists, ["id", "name"]).insert(connection, rows)
        found = connection.execute(select(lists.c.id, lists.c.name).order_by(lists.c.id)).all()
    assert found == [(row["id"], row["name"]) for row in rows]


def test_a_statement_is_run_for_each_set_of_values_and_counts_its_rows(numbered: Database) -> None:
    rename = PreparedStatement(
        update(lists).where(lists.c.id == bindparam("number")).values(name=bindparam("new", type_=lists.c.name.type))
    )
    with numbered.write() as connection:
        rename.each(connection, [{"number": n, "new": f"{n}!"} for n in (3, 5)])
        assert rename.count(connection, {"number": 7, "new": "7!"}) == 1
        assert rename.count(connection, {"number": 9_999, "new": "none"}) == 0
    assert renamed(numbered) == [3, 5, 7]


def test_a_statement_that_is_refused_is_trouble_without_its_values(numbered: Database) -> None:
    insert_one = PreparedStatement(insert(lists).values(id=bindparam("id"), name=bindparam("name")))
    again = {"id": 1, "name": "somebody@example.org"}
    for run in (lambda c: insert_one.count(c, again), lambda c: insert_one.each(c, [again])):
        with pytest.raises(DatabaseTrouble, match="refused a statement") as refused, numbered.write() as connection:
            run(connection)
        assert "somebody" not in refused.value.message
