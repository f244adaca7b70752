"""Where a merge tag may not stand, with the sentence that says so, and what people's values become inside addresses."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailer.compose.splitter import MergeSlots, Splitter
from mailer.compose.templating.markers import Markers, Value
from mailer.diagnostics import Place
from tests.compose.conftest import URLS, Desk

NAME = "{{ supporter.first_name }}"
TAG = '{{ supporter.first_name | default("x") }}'
HEAD = "---\nsubject: Help\npreheader: Now\nlist: supporters\n---\n"
MJML = (
    "<mjml><mj-head>{head}</mj-head><mj-body><mj-section><mj-column><mj-text>\n{body}\n"
    "{{{{ organisation.postal_address }}}} <a href='{{{{ unsubscribe_url }}}}'>Leave</a></mj-text></mj-column>"
    "</mj-section></mj-body></mjml>"
)


def write(desk: Desk, body: str = "", head: str = "") -> None:
    (desk.folder / "message.mjml").write_text(HEAD + MJML.format(head=head, body=body), encoding="utf-8")


REFUSED = [
    (f"<p onclick='{TAG}'>a</p>", "onclick on <p> is code"),
    (f"<p ONMOUSEOVER='x {TAG}'>a</p>", "ONMOUSEOVER on <p> is code"),
    (f"<p style='color:{TAG}'>a</p>", "a merge tag can't be used in a style attribute"),
    (f"<p {TAG}>a</p>", "a merge tag can't be used in the inside of an HTML tag"),
    (f"<img src='{TAG}' alt='a' />", "a merge tag can't be used in the beginning of a src address"),
    (f"<table background='{TAG}'><tr><td>a</td></tr></table>", "be used in the beginning of a background address"),
    ("<table background='{% if supporter.country %}https://e.org{% endif %}/a'><tr><td>a</td></tr></table>",
     "a merge tag can't be used in the beginning of a background address"),
    (f"<a href='{TAG}'>a</a>", "is not a web address"),
    (f"<a href='{TAG}://e.org/'>a</a>", "is not a web address"),
    (f"<a href='javascript:{TAG}'>a</a>", "is not a web address"),
    (f"<a href='JaVaScRiPt:alert({TAG})'>a</a>", "is not a web address"),
    (f"<a href='data:text/html,{TAG}'>a</a>", "is not a web address"),
    (f"<a href='vbscript:{TAG}'>a</a>", "is not a web address"),
    (f"<a href='file:///{TAG}'>a</a>", "is not a web address"),
    (f"<a href='https://{TAG}/'>a</a>", "can't wait for the person"),
    (f"<a href='https://{TAG}.e.org/'>a</a>", "can't wait for the person"),
    (f"<a href='https://e.org{TAG}/'>a</a>", "can't wait for the person"),
    (f"<a href='https://{TAG}@e.org/'>a</a>", "can't wait for the person"),
    (f"<a href='https://e.org:{TAG}/'>a</a>", "can't wait for the person"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "sentence"), REFUSED)
def test_a_place_where_no_escaping_is_safe_is_refused(desk: Desk, body: str, sentence: str) -> None:
    write(desk, body)
    faults = desk.faults()
    assert any(sentence in fault.message for fault in faults), faults
    assert all(fault.place is not None and fault.place.file.endswith("message.mjml") for fault in faults)


def test_a_style_sheet_holds_no_merge_tag(desk: Desk) -> None:
    write(desk, "<p>a</p>", head=f"<mj-style>p {{ color: {TAG} }}</mj-style>")
    faults = desk.faults()
    assert any("a merge tag can't be used in a style" in fault.message for fault in faults), faults


GUARDED = [
    ('<p onclick="{}">a</p>', "a merge tag can't be used in a onclick attribute"),
    ('<p OnError="x {} y">a</p>', "a merge tag can't be used in a onerror attribute"),
    ('<p style="{}">a</p>', "a merge tag can't be used in a style attribute"),
    ("<style>p { color: {} }</style>", "a merge tag can't be used in a style sheet"),
    ("<script>{}</script>", "a merge tag can't be used in a style sheet"),
    ("<p {}>a</p>", "a merge tag can't be used in the inside of an HTML tag"),
    ('<a href="{}/x">a</a>', "a merge tag can't be used in the beginning of a href address"),
    ('<form action="{}">a</form>', "a merge tag can't be used in the beginning of a action address"),
]


@pytest.mark.parametrize(("html", "sentence"), GUARDED)
def test_the_last_step_refuses_such_places_too_whatever_was_looked_at_before(html: str, sentence: str) -> None:
    markers = Markers("x")
    mark = markers.add(Value("supporter.first_name", Place("message.mjml", 7)))
    splitter = Splitter(markers=markers, slots=MergeSlots())
    splitter.html(html.replace("{}", mark))
    assert [(fault.message, str(fault.place)) for fault in splitter.faults] == [(sentence, "message.mjml:7")]


HARD = [
    "/",
    "'",
    "%",
    "%2F",
    "a/b'c%d",
    "../..",
    "?x=1&y=2#z",
    "//evil.example",
    '"><b>',
    " ",
    "é ü",
    "\\",
    ":",
    "@",
    "+",
    "",
]


@pytest.mark.parametrize("value", HARD)
@pytest.mark.parametrize("shape", ["https://e.org/p/{}/end", "https://e.org/?q={}&r=1", "https://e.org/a#{}"])
def test_a_value_inside_an_address_stays_inside_of_its_part(desk: Desk, value: str, shape: str) -> None:
    program = desk.program(f"[Read it]({shape.format(NAME)})\n")
    (link,) = program.message.links
    url = program.destination(link, {"first_name": value})
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc) == ("https", "e.org")
    if "/p/" in shape:
        before, middle, after = parts.path[1:].split("/")
        assert (before, unquote(middle), after) == ("p", value, "end")
    elif "?q=" in shape:
        assert parse_qs(parts.query, keep_blank_values=True) == {"q": [value], "r": ["1"]}
    else:
        assert unquote(parts.fragment) == value


@pytest.mark.parametrize("value", HARD)
def test_a_value_in_an_address_that_is_not_counted_stays_inside_of_it(desk: Desk, value: str) -> None:
    program = desk.program(f"[Write](mailto:post@e.org?subject={NAME})\n")
    html = program.html({"first_name": value}, URLS)
    href = html.partition('href="mailto:')[2].partition('"')[0]
    assert unquote(href.partition("subject=")[2]) == value


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn", "Co", "Zl", "Zp", "Cf"]), max_size=30))
def test_any_value_comes_through_an_address_unchanged(desk: Desk, value: str) -> None:
    program = desk.program(f"[Read it](https://e.org/?q={NAME}&r=1)\n")
    url = program.destination(program.message.links[0], {"first_name": value})
    assert parse_qs(urlsplit(url).query, keep_blank_values=True) == {"q": [value], "r": ["1"]}
