"""Rows by their numbers: whichever way they are asked for, it is these rows and no others, on both engines."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import bindparam, insert, select, update

from mailer.store.database import Database
from mailer.store.prepared import ByNumber, spans_of
from mailer.store.tables import lists

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
