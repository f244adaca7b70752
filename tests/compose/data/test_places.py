"""The law of data: whatever a stranger's text is, in a mail it is words where it was put, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.header import decode_header, make_header
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mailer.compose.compiler import compile_message
from mailer.compose.data.entries import DataEntry, EntryWindow, newest_first, plain, text_of_markup, web_address
from mailer.compose.data.frozen import FrozenData, TooMuchData, sound
from mailer.compose.html_tree import Element, parse
from mailer.compose.merge import MergeProgram
from mailer.compose.source.message_file import source_of
from mailer.compose.templating.markers import Markers
from mailer.compose.visible import is_visible
from tests.compose.conftest import URLS, Desk

BODY = """\
{% for item in data.news %}
## {{ item.title }}

**{{ item.title }}** and {{ item.summary }}, {{ item.date | date }}

[{{ item.title }}](https://e.org/?q={{ item.title }}) [more]({{ item.link }})

::: quote {{ item.title }}
{{ item.summary }}
:::
{% endfor %}
"""
FRONT = """\
---
subject: "{{ data.news[0].title }}"
preheader: "{{ data.news | length }}: {{ data.news[0].summary }}"
list: supporters
template: small
data:
  news: feed.xml
---
"""
SIGNS = st.sampled_from(
    ["*", "**", "#", "](javascript:alert(1))", "<script>", "&amp;", '"', "'", "`", "{{", "}}", "{% if %}", "\\", "\n",
     "\r\nBcc: a@b.c", "![x](y)", ":::", "[^1]", "|", "~~", "---", "<!--", "-->", "mk", "v0z", "\u202e", "\x1c\x1f",
     "%", "https://evil.example", "</a>", "\u2028", "_x_", "1. "]
)  # fmt: skip
TEXTS = st.lists(st.one_of(st.text(max_size=12), SIGNS), max_size=6).map("".join).filter(is_visible)


def skeleton(one: Element) -> list[object]:
    """The elements and names of attributes, without words."""
    return [one.tag, sorted(one.attrs), [skeleton(child) for child in one.children if isinstance(child, Element)]]


def program(desk: Desk, title: str, summary: str) -> MergeProgram:
    value = {"title": title, "summary": summary, "link": "https://e.org/x", "date": "2026-11-03T10:00", "author": ""}
    source = replace(source_of(FRONT + BODY, desk.newsletter), data=FrozenData({"news": [sound(value)]}))
    made = compile_message(source, definition=desk.workspace.list_definition("supporters"), known_fields=())
    return MergeProgram(made.message)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=TEXTS, summary=TEXTS)
@example(title="</td></table><script>x</script>", summary='"><img src=x onerror=y>')
def test_no_text_breaks_out_of_its_place(desk: Desk, title: str, summary: str) -> None:
    desk.write("x")
    quiet, made = program(desk, "Words", "More"), program(desk, title, summary)
    assert skeleton(parse(made.html({}, URLS))) == skeleton(parse(quiet.html({}, URLS)))
    said = plain(title)
    assert str(make_header(decode_header(made.subject({})))) == made.subject({})
    assert "\n" not in made.subject({})
    assert [link.placement for link in made.message.links] == [link.placement for link in quiet.message.links]
    for link in made.message.links:
        parts = urlsplit(made.destination(link, {}))
        assert (parts.scheme, parts.hostname) in (("https", "e.org"), ("https", "act.example.org"))
        if parts.query:
            assert parse_qs(parts.query, keep_blank_values=True)["q"] == [said]
    assert said in made.text({}, URLS).replace("\n", " ") or "  " in said


def test_no_text_is_taken_for_a_marker_of_the_message(desk: Desk) -> None:
    desk.write("x")
    source = source_of(FRONT + BODY, desk.newsletter)
    prefix = Markers(source.body).prefix
    nested = prefix[:4] + prefix + prefix[4:]  # what is left when the inner one is taken out
    made = program(desk, f"a {prefix}v0z {prefix.upper()}l0z {nested}t0z b", "x")
    assert made.subject({}) == "a v0z l0z t0z b"


HARMLESS = st.text(max_size=60)


@given(link=st.one_of(HARMLESS, SIGNS, st.from_regex(r"(?i)\s*(javascript|data|file|https?|ftp|mailto):.{0,30}")))
def test_a_link_of_a_feed_is_a_sound_web_address_or_none(link: str) -> None:
    found = web_address(link, "https://news.example.com/feed")
    if found:
        assert found.startswith(("https://", "http://"))
        assert not set(found) & set(' \n\t<>"\\')


@given(html=st.one_of(st.text(max_size=80), st.lists(SIGNS).map("".join)))
def test_the_words_of_markup_are_one_line_of_words(html: str) -> None:
    assert plain(text_of_markup(html)) == text_of_markup(html)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@given(value=VALUES)
def test_what_is_frozen_comes_back_as_it_was(value: object) -> None:
    kept = FrozenData({"a": sound(value)}, 3, ("x",), "y")
    assert FrozenData.from_json(json.loads(json.dumps(kept.to_json()))) == kept
    assert sound(sound(value)) == sound(value)


def test_what_is_nested_too_deeply_is_refused() -> None:
    value: object = "x"
    for _ in range(30):
        value = [value]
    with pytest.raises(TooMuchData):
        sound(value)


@given(days=st.lists(st.integers(0, 40), min_size=1, max_size=12, unique=True), at=st.lists(st.integers(0, 40)))
def test_each_entry_is_in_exactly_one_issue(days: list[int], at: list[int]) -> None:
    begin = datetime(2026, 11, 1, 9, tzinfo=UTC)
    entries = [DataEntry(str(day), str(day), "https://e.org/", begin + timedelta(days=day)) for day in days]
    told: list[str] = []
    since, seen = None, ()
    for moment in sorted({begin + timedelta(days=day, hours=1) for day in [*at, 41]}):
        window = EntryWindow(moment, since, seen)
        told += [one.id for one in newest_first(entries) if window.lets(one)]
        since, seen = moment, tuple(one.key for one in entries if one.date and one.date <= moment)
    assert sorted(told) == sorted(one.id for one in entries)
