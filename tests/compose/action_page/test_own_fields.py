"""A page's own questions: what is declared is asked, and every fault has its line and a remedy."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mailer.compose.action_page.own_fields import KEYS, read_own_field
from mailer.compose.action_page.parse import ActionPage, CommentsShown, parse_action_page
from mailer.diagnostics import Diagnostic
from mailer.petition_fields.own import MOST_QUESTIONS, OWN_KINDS, RESERVED
from mailer.petition_fields.table import ASKABLE, FieldKind


def parsed(fields: str, more: str = "") -> tuple[ActionPage | None, list[Diagnostic]]:
    text = f"---\nheadline: H\nstatement: S\n{more}fields:\n{fields}---\n\nText.\n"
    return parse_action_page(text, slug="library", file="action.md", lists={})


def test_questions_of_each_kind_are_read_in_the_order_they_are_written() -> None:
    page, faults = parsed("""\
  postcode: required
  school:
    label: Which school do your children go to?
  role:
    label: I am a
    choices: [Parent, Teacher, 2026]
    required: true
    pass_on: true
  town:
    label: Town
    kind: choice
    choices:
      mill: Mill Street
      out: Elsewhere
  help:
    label: I can help on Saturday
    kind: tick
""")
    assert faults == []
    assert page is not None
    assert dict(page.fields) == {"postcode": True}
    said = [
        (one.field.name, one.field.kind, one.required, not one.field.contact, one.field.choices) for one in page.own
    ]
    assert said == [
        ("school", FieldKind.TEXT, False, False, ()),
        ("role", FieldKind.CHOICE, True, True, (("Parent", "Parent"), ("Teacher", "Teacher"), ("2026", "2026"))),
        ("town", FieldKind.CHOICE, False, False, (("mill", "Mill Street"), ("out", "Elsewhere"))),
        ("help", FieldKind.TICK, False, False, ()),
    ]


def test_all_faults_are_told_at_once_each_with_its_line_and_a_remedy() -> None:
    page, faults = parsed("""\
  postcod: required
  School:
    label: Which?
  email_2:
    labell: Which?
  role:
    label: I am a
    choices: [Yes, No]
  news:
    label: News?
  way:
    label: Way
    kind: radio
  one:
    label: One
    choices: [A]
  tick:
    label: Tick
    kind: tick
    choices: [A, B]
    required: sometimes
  twice:
    label: Hello {{ supporter.first_name }}
    choices: [A, A, ""]
""")
    assert page is not None
    assert page.own == ()
    told = [(one.place.line, one.message) for one in faults if one.place]
    assert told == [
        (5, "unknown field 'postcod'"),
        (6, "'School' is no name for a question"),
        (9, "unknown key fields.email_2.labell"),
        (8, "fields.email_2 has no label"),
        (12, "choices.0 must be text"),
        (12, "choices.1 must be text"),
        (12, "fields.role needs at least two choices"),
        (13, "news has a meaning of its own"),
        (17, "'radio' is no kind of question"),
        (20, "fields.one needs at least two choices"),
        (25, "required must be true or false"),
        (24, "fields.tick has choices and is a tick"),
        (27, "merge tags can't be used on a page"),
        (28, "the choice 'A' is there twice"),
        (28, "a choice has no words"),
        (28, "fields.twice needs at least two choices"),
    ]
    assert all(one.remedy for one in faults)


def test_a_page_asks_few_questions() -> None:
    many = "".join(f"  q{number}:\n    label: Q{number}\n" for number in range(MOST_QUESTIONS + 1))
    assert [one.message for one in parsed(many)[1]] == ["there are 13 questions of your own"]
    assert parsed(many.rpartition("  q")[0])[1] == []


@pytest.mark.parametrize(
    ("written", "shown"),
    [("true", CommentsShown.AT_ONCE), ("false", CommentsShown.NEVER), ("held", CommentsShown.HELD)],
)
def test_a_page_says_whether_comments_show(written: str, shown: CommentsShown) -> None:
    page, faults = parsed("  comment: optional\n", f"show_comments: {written}\n")
    assert page is not None
    assert (page.show_comments, faults) == (shown, [])
    (fault,) = parsed("  comment: optional\n", "show_comments: later\n")[1]
    assert (fault.place.line if fault.place else 0, fault.message) == (4, "show_comments must be true, held or false")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.booleans(), inner, max_size=4),
    max_leaves=8,
)
KEYED = st.text(alphabet="abz_09A-", max_size=45) | st.sampled_from([*ASKABLE, *RESERVED, "school"])


@given(KEYED, st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=6), ANYTHING, max_size=6))
def test_whatever_is_declared_is_asked_or_has_faults_with_remedies(key: str, declared: dict[str, Any]) -> None:
    faults: list[tuple[str, str, str]] = []
    found = read_own_field(key, declared, lambda *one: faults.append(one))
    assert (found is None) == bool(faults)
    assert all(at.startswith(f"fields.{key}") and message and remedy for message, at, remedy in faults)
    if found is not None:
        field = found.field
        assert field.name == key
        assert field.kind in OWN_KINDS
        assert field.label.strip()
        assert (len(field.choices) >= 2) == (field.kind is FieldKind.CHOICE)
        assert len(dict(field.choices)) == len(field.choices)


@given(st.dictionaries(st.sampled_from(["school", "role", "phone", "comment", "x"]), ANYTHING, max_size=4))
def test_no_front_matter_breaks_the_page(fields: dict[str, Any]) -> None:
    text = yaml.safe_dump({"headline": "H", "statement": "S", "fields": fields}, allow_unicode=True)
    page, faults = parse_action_page(f"---\n{text}---\n\nText.\n", slug="x", file="action.md", lists={})
    assert page is not None or faults
    assert all(one.remedy and one.place for one in faults)
