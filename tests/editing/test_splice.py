"""One value changes, and no other byte: in every sample, and in files that nobody would write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mailer.compose.source.frontmatter import split_front_matter
from mailer.editing.splice import NEWLINE, CannotSplice, FrontValue, splice
from tests.conftest import REPOSITORY

SAMPLES = sorted((REPOSITORY / "newsletters").glob("*/message.md"))
TORTURE = """\
---
# who it is for
subject:   "Old: words"   # kept
preheader: >-
  two lines
  folded

list: supporters
unknown_key: {a: 1, b: [x,   y]}
action:
    url: https://act.example.org/a   # where
    label: 'It''s time'
signature: |
  Rhiannon

  Director
empty:
template: appeal
---
Body with --- and *stars*
---
no newline at the end"""
VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n"), max_size=60)
KEYS = ("subject", "preheader", "list", "action.url", "action.label", "signature", "empty", "new", "action.new", "a.b")


def values(text: str) -> dict[str, Any]:
    front, _ = split_front_matter(text.removeprefix("\ufeff").replace("\r\n", "\n"), file="")
    assert front is not None
    return dict(front.data)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.parent.name)
def test_a_sample_changes_in_one_line(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = splice(text, {"subject": "Other words: and a colon"})
    before, after = text.split("\n"), found.split("\n")
    assert len(before) == len(after)
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1
    assert values(found)["subject"] == "Other words: and a colon"


def test_saying_what_it_says_already_changes_nothing() -> None:
    said = {"subject": "Old: words", "preheader": "two lines folded", "action.label": "It's time"}
    assert splice(TORTURE, said) == TORTURE
    assert splice(TORTURE, {}) == TORTURE


@pytest.mark.parametrize(
    "value",
    [
        "no",
        "1e3",
        "2026-12-01",
        "a: b",
        "# tag",
        "@name",
        "Stop #hate",
        "- x",
        "{a}",
        "null",
        "~",
        "'",
        '"',
        "\\",
        "50 %",
    ],
)
def test_what_yaml_would_read_as_something_else_is_quoted(value: str) -> None:
    for key in ("subject", "empty", "new", "action.label"):
        found = splice(TORTURE, {key: value})
        front = values(found)
        name, _, inner = key.partition(".")
        held = front[name][inner] if inner else front[name]
        assert held == value


@pytest.mark.parametrize("key", ["subject", "preheader", "action.label", "new"])
def test_texts_that_only_our_reader_takes_without_quotes_stay_as_they_are(key: str) -> None:
    text = """---
subject: Sewage in our river: 3,412 hours
preheader: @you: {a
action:
  url: https://act.example.org/a
  label: Sign: now
---
Body
"""
    found = splice(text, {key: "Something else"})
    before, after = text.split("\n"), found.split("\n")
    assert len([line for line in after if line not in before]) == 1
    assert len([line for line in before if line not in after]) == (0 if key == "new" else 1)
    held: Any = values(found)
    for name in key.split("."):
        held = held[name]
    assert held == "Something else"


def test_a_value_keeps_its_quotes() -> None:
    found = splice(TORTURE, {"subject": "New words", "action.label": "It isn't"})
    assert 'subject:   "New words"   # kept' in found
    assert "label: 'It isn''t'" in found


@given(st.sampled_from(KEYS), VALUES, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_one_value_changes_and_no_other_byte(key: str, value: str, newline: str, bom: bool) -> None:
    text = ("\ufeff" if bom else "") + TORTURE.replace("\n", newline)
    try:
        found = splice(text, {key: value})
    except CannotSplice:
        assert not value.strip() or not value.replace("\n", "").isprintable()
        return
    head, body = found.split("Body with", 1)
    assert body == text.split("Body with", 1)[1]
    for line in ("# who it is for", "unknown_key: {a: 1, b: [x,   y]}", "template: appeal"):
        assert f"{line}{newline}" in head
    front = values(found)
    name, _, inner = key.partition(".")
    held = front.get(name)
    if inner:
        held = held.get(inner) if isinstance(held, dict) else None
    assert (held or "") == value
    others = values(text)
    others.pop(name, None)
    front.pop(name, None)
    assert front == others


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"target": 5000}, "target: 5000 # soon\nfields:\n  postcode: required\nnext:\n  url: https://x.example\n"),
        ({"show_names": False}, "show_names: false\n"),
        ({"target": None}, "fields:\n  postcode: required\nnext:\n  url: https://x.example\n  label: Go\n"),
        ({"fields.postcode": None}, "target: 20 # soon\nnext:\n  url: https://x.example\n  label: Go\n"),
        ({"next.url": None, "next.label": None}, "target: 20 # soon\nfields:\n  postcode: required\n"),
        ({"next.url": None}, "fields:\n  postcode: required\nnext:\n  label: Go\n"),
        ({"fields.comment": "optional"}, "fields:\n  postcode: required\n  comment: optional\n"),
    ],
)  # fmt: skip
def test_numbers_switches_and_what_is_taken_out(changes: dict[str, Any], expected: str) -> None:
    text = "---\ntarget: 20 # soon\nfields:\n  postcode: required\nnext:\n  url: https://x.example\n  label: Go\n"
    text += "---\nBody\n"
    found = splice(text, changes)
    assert expected in found
    assert found.endswith("---\nBody\n")
    for key, value in changes.items():
        name, _, inner = key.partition(".")
        held = values(found).get(name, "")
        assert (held if not inner else held.get(inner, "") if held else "") == ("" if value is None else value)


LISTED = """\
---
subject: Hello
# who gets it
audience:
  # these two
  include:
    - supporters  # all of them
    # and these
    - volunteers

  exclude: [staff,  "press"]   # never
  segment: supporter.country == "GB"
  limit: 1000  # a test
list: supporters
---
Body
"""
ITEMS = st.lists(
    st.sampled_from(["supporters", "volunteers", "staff", "press", "a b", "no", "1", "[x", "a, b", "it's", '"', "é"]),
    min_size=1, max_size=5, unique=True,
).map(tuple)  # fmt: skip
NUMBERS = st.integers(1, 2**53) | st.floats(0.5, 1000)


def lines_lost(before: str, after: str) -> list[str]:
    left = after.split("\n")
    return [line for line in before.split("\n") if line not in left]


@pytest.mark.parametrize(
    ("key", "value", "lost"),
    [
        ("audience.include", ("supporters", "volunteers"), []),
        ("audience.include", ("supporters", "press"), ["    - volunteers"]),
        ("audience.include", ("volunteers", "press"), ["    - supporters  # all of them"]),
        ("audience.include", ("a",), ["    - supporters  # all of them", "    - volunteers"]),
        ("audience.exclude", ("staff",), ['  exclude: [staff,  "press"]   # never']),
        ("audience.segment", 'signed("a")', ['  segment: supporter.country == "GB"']),
        ("audience.segment", None, ['  segment: supporter.country == "GB"']),
        ("audience.limit", 20, ["  limit: 1000  # a test"]),
        ("audience.limit", None, ["  limit: 1000  # a test"]),
        ("audience.seed", 7, []),
        ("audience.seed", None, []),
    ],
)
def test_an_audience_changes_where_it_is_written(key: str, value: FrontValue, lost: list[str]) -> None:
    found = splice(LISTED, {key: value})
    assert lines_lost(LISTED, found) == lost
    name = key.removeprefix("audience.")
    assert values(found)["audience"].get(name) == (list(value) if isinstance(value, tuple) else value)


def test_what_is_behind_a_list_stays_behind_it() -> None:
    assert "exclude: [staff]   # never" in splice(LISTED, {"audience.exclude": ("staff",)})


def test_with_its_last_key_an_audience_goes() -> None:
    text = "---\naudience:\n  segment: signed('a')  # x\nlist: supporters\n---\nBody\n"
    assert splice(text, {"audience.segment": None}) == "---\nlist: supporters\n---\nBody\n"
    assert splice(text, {"audience.limit": None}) == text


def test_an_expression_is_written_as_people_would_write_it() -> None:
    found = splice(
        "---\nlist: a\n---\n", {"audience.segment": '"G" in supporter.country', "audience.include": ("a", "b")}
    )
    assert found == "---\nlist: a\naudience:\n  segment: '\"G\" in supporter.country'\n  include: [a, b]\n---\n"


@given(
    st.sampled_from(["audience.include", "audience.exclude", "audience.not_mailed_by", "new"]), ITEMS,
    st.sampled_from(["\n", "\r\n"]),
)  # fmt: skip
def test_lists_change_and_nothing_else_does(key: str, value: tuple[str, ...], newline: str) -> None:
    text = LISTED.replace("\n", newline)
    front, others = values(splice(text, {key: value})), values(text)
    for found in (front, others):
        held = found["audience"] if "." in key else found
        assert held.pop(key.rpartition(".")[2], list(value)) == list(value) or found is others
    assert front == others
    for line in ("# who gets it", "  # these two", "    # and these", "  limit: 1000  # a test"):
        assert f"{line}{newline}" in splice(text, {key: value})


@given(st.sampled_from(["audience.limit", "audience.not_mailed_within_hours", "new"]), NUMBERS)
def test_numbers_are_numbers(key: str, value: float) -> None:
    held: Any = values(splice(LISTED, {key: value}))
    for name in key.split("."):
        held = held[name]
    assert held == value
    assert not isinstance(held, str)


@pytest.mark.parametrize(
    ("written", "changes", "expected"),
    [
        ("action: {url: x, label: 'Go'}  # a", {"action.label": "Go, now"}, "action: {url: x, label: 'Go, now'}  # a"),
        ("action: {url: x, label: y}", {"action.label": "a\nb"}, 'action: {url: x, label: "a\\nb"}'),
        ("action: {url: x,  label: y}", {"action.url": None}, "action: {label: y}"),
        ("action: {url: x,  label: y}", {"action.label": None}, "action: {url: x}"),
        ("action: {url: x}", {"action.url": None}, ""),
        ("action: {url: x}", {"action.label": "y"}, "action: {label: y, url: x}"),
        ("action: {}  # none", {"action.label": "y"}, "action: {label: y}  # none"),
        ("action:\n  url: x  # where\n  label: y", {"action": None}, ""),
        ("action: {url: x, label: y}", {"action": None}, ""),
        ("page: true", {"page": 1}, "page: 1"),
        ("page: 1", {"page": True}, "page: true"),
        ("limit: 5.0", {"limit": 5}, "limit: 5"),
        ("limit: '5'  # soon", {"limit": 5}, "limit: 5  # soon"),
        ("limit: 5", {"limit": 1e16}, "limit: 1.0e+16"),
        ("limit: 5", {"limit": "5"}, 'limit: "5"'),
        ("exclude: []", {"exclude": ("a",)}, "exclude: [a]"),
        ("exclude: []", {"exclude": None}, ""),
        ("exclude:\n  - a  # b", {"exclude": ()}, ""),
        ("exclude: a", {"exclude": ("a", "b")}, "exclude: [a, b]"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_neighbours(written: str, changes: dict[str, FrontValue], expected: str, newline: str) -> None:
    def file(lines: str) -> str:
        return f"---\nlist: a\n{lines}{lines and NEWLINE}# the end\n---\nBody\n".replace("\n", newline)

    assert splice(file(written), changes) == file(expected)


@given(
    st.text("ab: \n-[]{},#'\"|>&*!?~1", max_size=40), st.sampled_from(["a", "a.b", "b.a"]),
    st.sampled_from(["New", ("x", "y, z"), 5, 1.5, None, True, "a\nb", "- x"]),
)  # fmt: skip
def test_what_looks_like_yaml_says_it_afterwards_or_is_refused(text: str, key: str, value: FrontValue) -> None:
    try:
        found = splice(f"---\n{text}\n---\nbody\n", {key: value})
    except CannotSplice:
        return
    assert splice(found, {key: value}) == found
    assert found.endswith("---\nbody\n")


@given(st.text(max_size=200))
def test_whatever_the_file_it_is_spliced_or_refused(text: str) -> None:
    for whole in (text, f"---\n{text}\n---\nbody"):
        try:
            found = splice(whole, {"subject": "New"})
        except (CannotSplice, yaml.YAMLError) as error:
            assert isinstance(error, CannotSplice)
        else:
            assert values(found)["subject"] == "New"
