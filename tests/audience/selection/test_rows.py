"""Rows of a segment: written as text and read back they are the same rows, and mean the same people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.audience.selection.questions import QUESTIONS
from mailer.audience.selection.rows import (
    BARE_COMPARISONS,
    NUMBER_COMPARISONS,
    PART_COMPARISONS,
    SET_COMPARISONS,
    TEXT_COMPARISONS,
    ConditionRow,
    Mode,
    RowGroup,
    to_rows,
    to_text,
)
from mailer.audience.selection.segment_sql import parse_segment
from mailer.compose.expressions.ast import ANYTHING, Call, Compare, Const, Expression, Field, Not
from mailer.compose.expressions.ast import And as Both
from mailer.compose.expressions.ast import Or as Either

NAMES = ("country", "language", "age", "größe", "in", "shoe size", 'a"b')
values = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8) | st.sampled_from(
    ["GB", 'a"b', "a'b", "\\", "\\n", "{{ x }}", "#", "%}"]
)
names = st.sampled_from(NAMES)
numbers = st.integers(-(10**9), 10**9).map(str) | st.sampled_from(["1.5", "0.25", "-3.125"])
rows = st.one_of(
    st.builds(ConditionRow, names, st.sampled_from(sorted(TEXT_COMPARISONS | PART_COMPARISONS)), st.tuples(values)),
    st.builds(ConditionRow, names, st.sampled_from(sorted(NUMBER_COMPARISONS)), st.tuples(numbers)),
    st.builds(
        ConditionRow,
        names,
        st.sampled_from(sorted(SET_COMPARISONS)),
        st.lists(values, min_size=1, max_size=3).map(tuple),
    ),
    st.builds(ConditionRow, names, st.sampled_from(BARE_COMPARISONS), st.just(())),
    st.builds(
        ConditionRow,
        st.sampled_from(sorted(QUESTIONS)),
        st.sampled_from(["yes", "no"]),
        st.tuples(values),
        st.just(True),
    ),
)
OTHER: dict[str, tuple[Mode, ...]] = {"all": ("any", "none", "not_all"), "any": ("all", "none", "not_all")}


@st.composite
def groups(draw: st.DrawFn) -> RowGroup:
    """Rows as a builder leaves them: groups hold two or more, and aren't joined as what they are in."""
    modes: tuple[Mode, ...] = ("all", "any")
    mode = draw(st.sampled_from(modes))
    inner = st.builds(RowGroup, st.sampled_from(OTHER[mode]), st.lists(rows, min_size=2, max_size=3).map(tuple))
    items = draw(st.lists(rows | inner, min_size=2, max_size=4))
    return RowGroup(mode, tuple(items))


@given(groups() | rows.map(lambda row: RowGroup("all", (row,))))
def test_rows_as_text_are_the_same_rows_again(group: RowGroup) -> None:
    assert to_rows(parse_segment(to_text(group), fields=ANYTHING)) == group


comparisons = st.builds(
    Compare, names.map(lambda name: Field("supporter", name)), st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
    st.sampled_from(["GB", "", 3, 1.5]).map(Const),
)  # fmt: skip
questions = st.builds(lambda name: Call(name, ("river",)), st.sampled_from(sorted(QUESTIONS)))
expressions: st.SearchStrategy[Expression] = st.recursive(
    comparisons | questions | names.map(lambda name: Field("supporter", name)),
    lambda inner: st.builds(Both, inner, inner) | st.builds(Either, inner, inner) | st.builds(Not, inner),
    max_leaves=6,
)


def truth(expression: Expression, given_: dict[str, bool]) -> bool:
    """The truth of an expression when each of its leaves is as it was drawn."""
    match expression:
        case Both(left, right):
            return truth(left, given_) and truth(right, given_)
        case Either(left, right):
            return truth(left, given_) or truth(right, given_)
        case Not(operand):
            return not truth(operand, given_)
        case _:
            return given_.setdefault(repr(expression), hash(repr(expression)) % 2 == 0)


@given(expressions, st.lists(st.booleans(), min_size=6, max_size=6))
def test_what_rows_show_means_what_was_written(expression: Expression, coins: list[bool]) -> None:
    group = to_rows(expression)
    if group is None:
        return
    leaves = sorted({repr(leaf) for leaf in _leaves(expression)})
    world = dict(zip(leaves, coins, strict=False))
    again = parse_segment(to_text(group), fields=ANYTHING)
    assert truth(again, dict(world)) == truth(expression, dict(world))


def _leaves(expression: Expression) -> list[Expression]:
    match expression:
        case Both(left, right) | Either(left, right):
            return _leaves(left) + _leaves(right)
        case Not(operand):
            return _leaves(operand)
        case _:
            return [expression]


@pytest.mark.parametrize(
    "text",
    [
        'supporter.first_name ~ supporter.last_name == "AdaSample"',
        "supporter.age == 5",
        'supporter.country == "GB" or (mailed("a") and (signed("b") or not (supporter.age and supporter.town)))',
        'supporter.country in ["GB", 4]',
    ],
)
def test_what_rows_cannot_show_stays_text(text: str) -> None:
    assert to_rows(parse_segment(text, fields=ANYTHING)) is None


def test_a_word_in_place_of_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="'old' is not a number"):
        to_text(RowGroup("all", (ConditionRow("age", "at_least", ("old",)),)))
