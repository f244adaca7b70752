"""Rows of the builder: what the page sends is what it showed, and the expression they write shows the same rows."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.audience.selection.rows import Mode
from mailer.audience.selection.segment_sql import parse_segment
from mailer.compose.expressions.ast import ANYTHING
from mailer.compose.expressions.tagged import sound_tag
from mailer.web.studio.audience.builder import (
    BuilderGroup,
    BuilderRow,
    pressed,
    read_builder,
    rows_in,
    to_builder,
    to_expression,
    unfinished,
)
from mailer.web.studio.audience.subjects import RowSubject, ValueKind, subjects
from mailer.web.studio.core.context import Form

FIELDS = ("email", "first_name", "country", "language", "town", "shoe_size")
KNOWN = subjects(FIELDS, questions=True)
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters=","), min_size=1, max_size=8)
VALUES = {
    "segments": st.sampled_from(["in-uk", "active"]),
    "spans": st.sampled_from(["7 days", "12 months"]), "times": st.sampled_from(["1", "20"]),
    "frequencies": st.sampled_from(["every", "monthly"]), "pages": WORDS, "newsletters": WORDS, "lists": WORDS,
    "tags": WORDS.filter(sound_tag),
}  # fmt: skip


@st.composite
def rows(draw: st.DrawFn) -> BuilderRow:
    """A finished row of any subject and way."""
    subject: RowSubject = KNOWN[draw(st.sampled_from(sorted(KNOWN)))]
    how = draw(st.sampled_from(sorted(subject.ways)))
    way = subject.ways[how]
    match way.value:
        case ValueKind.NONE:
            values: tuple[str, ...] = ()
        case ValueKind.DAY:
            values = (draw(st.dates()).isoformat(),)
        case ValueKind.NUMBER:
            values = (str(draw(st.integers(-1000, 1000))),)
        case ValueKind.CHOICE:
            values = (draw(VALUES[way.choices]),)
        case ValueKind.TEXTS | ValueKind.PICKS:
            values = tuple(draw(st.lists(WORDS, min_size=1, max_size=3, unique=True)))
        case ValueKind.TEXT:
            values = (draw(WORDS),)
    return BuilderRow(subject.key, how, values)


@st.composite
def groups(draw: st.DrawFn) -> BuilderGroup:
    """Rows and groups as somebody leaves them who is done."""
    modes: tuple[Mode, ...] = ("all", "any")
    mode = draw(st.sampled_from(modes))
    other: Mode = "any" if mode == "all" else "all"
    inner = st.lists(rows(), min_size=2, max_size=3).map(lambda items: BuilderGroup(other, tuple(items)))
    return BuilderGroup(mode, tuple(draw(st.lists(rows() | inner, min_size=2, max_size=4))))


def sent(group: BuilderGroup) -> Form:
    """The form that a page with these rows sends."""
    fields: list[tuple[str, str]] = [("mode", group.mode)]

    def row(one: BuilderRow, at: str) -> None:
        fields.extend([(f"what.{at}", one.what), (f"how.{at}", one.how)])
        way = KNOWN[one.what].ways[one.how] if one.what in KNOWN else None
        joined = [", ".join(one.values)] if way and way.value is ValueKind.TEXTS else one.values
        fields.extend((f"value.{at}", value) for value in joined)

    for number, item in enumerate(group.items):
        if isinstance(item, BuilderGroup):
            fields.append((f"mode.{number}", item.mode))
            for inner, one in enumerate(item.items):
                assert isinstance(one, BuilderRow)
                row(one, f"{number}.{inner}")
        else:
            row(item, str(number))
    return Form(urlencode(fields).encode())


@given(groups())
def test_what_the_page_sends_is_what_it_showed(group: BuilderGroup) -> None:
    assert read_builder(sent(group), KNOWN) == group


@given(groups())
def test_rows_come_back_from_the_expression_that_they_write(group: BuilderGroup) -> None:
    assert not any(unfinished(row, KNOWN) for row in rows_in(group))
    assert to_builder(to_expression(group, KNOWN), KNOWN, fields=ANYTHING) == group


@given(st.binary(max_size=200))
def test_whatever_is_sent_makes_rows(body: bytes) -> None:
    group = read_builder(Form(b"mode=any&what.0=field:town&value.0=x&" + body), KNOWN)
    expression = to_expression(group, KNOWN)
    assert not expression or parse_segment(expression, fields=ANYTHING)


@given(
    groups(),
    st.sampled_from(["add", "add.0", "add.1", "group", "drop.0", "drop.1.0", "drop.99", "drop.0.99", "add.x", "x"]),
)
def test_a_button_changes_one_thing(group: BuilderGroup, button: str) -> None:
    before, after = list(rows_in(group)), list(rows_in(pressed(group, button)))
    if button.startswith(("add", "group")):
        assert len(after) - len(before) in (0, 1)
        assert [row for row in after if row != BuilderRow()] == before
    else:
        assert [row for row in after if row in before] == after


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (BuilderRow(), "isn’t finished"),
        (BuilderRow("joined", "since", ("2026-02-30",)), "can’t be asked"),
        (BuilderRow("joined", "since"), "isn’t finished"),
        (BuilderRow("field:shoe_size", "at_least", ("large",)), "must be a number"),
        (BuilderRow("signed", "within", ("soon",)), "can’t be asked"),
        (BuilderRow("nonsense", "is", ("x",)), "isn’t finished"),
    ],
)
def test_an_unfinished_row_says_nothing_and_says_so(row: BuilderRow, words: str) -> None:
    assert words in unfinished(row, KNOWN)
    assert to_expression(BuilderGroup("all", (row,)), KNOWN) == ""


@pytest.mark.parametrize(
    "expression",
    [
        'supporter.town == "Bath, Bristol"',  # a comma between words is one between two towns
        'supporter.town == " Bath"',
        'supporter.town == ""',
        "supporter.shoe_size == 40",
        'supporter.email ~ "x" == "y"',
        "not a word (",
    ],
)
def test_what_rows_can_not_show_stays_text(expression: str) -> None:
    assert to_builder(expression, KNOWN, fields=ANYTHING) is None
