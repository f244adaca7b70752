"""The text as it reads: every line that says something is in a block, in words, and nothing of it is run."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mailer.web.studio.review.blocks import blocks_of, condition_words, field_block, tag_words
from tests.conftest import REPOSITORY

BODY = """\
Dear {{ supporter.first_name | default("friend") }},

Read [the *facts*](https://example.org/a_b?c=1&d=2 "x") or [yours]({{ organisation.website }}/x)
or [theirs][1]. Run [this](javascript:alert(1)).[^1]

[1]: https://example.org/reference

{% if supporter.country == "GB" %}
You live in **Britain**.
{% else %}
Elsewhere.
{% endif %}

::: ask
:::

::: quote Maria
I stopped.
:::

![A {{ supporter.city }} pipe](pipe%20one.png)

- One
- Two{% if supporter.vip %} for you{% endif %}

<script>alert(1)</script>

[^1]: The [source](https://example.org/s).
"""
LINES = BODY.split("\n")


class _Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def blocks(body: str = BODY) -> dict[int, tuple[str, str, str]]:
    found = blocks_of(body.split("\n"), 1, pictures={"pipe one.png": "/pictures/1"}, button="Sign")
    return {one.line: (one.kind, one.label, str(one.html)) for one in found}


def test_tags_conditions_and_buttons_are_in_words() -> None:
    found = blocks()
    assert re.sub(r"<svg.*?</svg>", "", found[1][2]).strip() == (
        '<p>Dear <span class="pill">first name, or “friend”</span>,</p>'
    )
    assert {line: found[line][1] for line in (8, 10, 12)} == {
        8: "Only where country is “GB”", 10: "Everybody else", 12: "Until here",
    }  # fmt: skip
    assert found[14][::2] == ("ask", "Sign")
    assert found[17][::2] == ("by", "Maria")
    assert found[18][0] == "quote"
    assert found[28][0] == "note"
    assert 6 not in found, "a line that says only where a link leads"
    assert '<span class="only">Only where vip</span>' in found[23][2]


def test_links_say_where_they_lead_and_only_the_webs_can_be_followed() -> None:
    links = [about for tag, about in _Tags(blocks()[3][2]).found if tag == "a"]
    assert [(one.get("href"), one["title"]) for one in links] == [
        ("https://example.org/a_b?c=1&d=2", "https://example.org/a_b?c=1&d=2"),
        (None, "{{ organisation.website }}/x"),
        ("https://example.org/reference", "https://example.org/reference"),
    ]
    assert "javascript" not in str([one.get("href") for one in links])


def test_a_picture_comes_from_the_studio_with_its_words() -> None:
    ((_, about),) = [one for one in _Tags(blocks()[21][2]).found if one[0] == "img"]
    assert (about["src"], about["alt"]) == ("/pictures/1", "A {{ supporter.city }} pipe")


ALLOWED = {
    "p", "a", "em", "strong", "span", "svg", "path", "circle", "sup", "img", "ul", "ol", "li", "br", "h1", "h2", "h3",
    "h4", "h5", "h6", "blockquote", "hr", "code", "pre",
}  # fmt: skip
PIECES = some.sampled_from([
    "<script>", "<img src=x onerror=y>", "{{ a|default('\"><b>') }}", "{% if <i> %}", "[x](javascript:y)", "![", "](",
    '"', "'", ")", "`", "```{{ x }}", ":::", "::: ask <b>", "\n", "\n\n", "- ", "[^1]", "[^<b>]:", "\ue0000\ue001",
    "&lt;", "\\",
])  # fmt: skip


@given(some.lists(some.one_of(PIECES, some.text(max_size=5)), max_size=12).map("".join))
def test_whatever_is_written_runs_nothing(body: str) -> None:
    lines = body.split("\n")
    shown = [*blocks_of(lines, 1, pictures={}), field_block(lines, 1, body, kind="subject", label="Subject")]
    for tag, about in _Tags("".join(str(one.html) for one in shown)).found:
        assert tag in ALLOWED
        assert not [name for name in about if name.startswith("on")]
        assert (about.get("href") or "https://").startswith(("https://", "http://"))
        assert not about.get("src")


@given(
    some.lists(some.sampled_from(["words", "", "{% if x %}", "{% endif %}", ":::", "::: quote A", "- a", "[^1]: b"]))
)
def test_each_line_is_in_one_block_at_most_and_words_in_one(lines: list[str]) -> None:
    at: list[int] = []
    for one in blocks_of(lines, 1, pictures={}):
        assert one.words == "\n".join(lines[one.line - 1 : one.last])
        at += range(one.line, one.last + 1)
    assert len(set(at)) == len(at)
    assert {n for n, line in enumerate(lines, 1) if line in ("words", "- a", "[^1]: b")} <= set(at)


@pytest.mark.parametrize("slug", ["2026-11-ask-un-experts", "2026-12-year-in-review"])
def test_no_notation_is_left_in_the_samples(slug: str) -> None:
    written = (REPOSITORY / "newsletters" / slug / "message.md").read_text(encoding="utf-8")
    found = blocks_of(written.split("---\n", 2)[2].split("\n"), 1, pictures={})
    text = " ".join(re.sub(r"<[^>]*>", "", f"{one.label} {one.html}") for one in found)
    assert not re.search(r"\{\{|\{%|:::|\*\*|\]\(", text)


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        (' supporter.first_name | default("friend") ', "first name, or “friend”"),
        ("supporter.city", "city"),
        ("organisation.name", "organisation name"),
    ],
)
def test_a_tag_in_words(tag: str, words: str) -> None:
    assert tag_words(tag) == words


def test_a_condition_in_words() -> None:
    test = """supporter.country != "GB" and supporter.joined_at >= '2026-01-01'"""
    assert condition_words(test) == "country isn’t “GB” and joined at is at least “2026-01-01”"
