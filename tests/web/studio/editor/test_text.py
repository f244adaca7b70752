"""What is loaded is what is saved: byte for byte, after any typing that is undone."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import REPOSITORY
from tests.web.studio.editor.conftest import Desk

SAMPLES = sorted(path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "newsletters").rglob("*.md"))
TORTURE = {
    "crlf": "a\r\n\r\nb\r\n",
    "mixed": "a\r\nb\nc\rd\n",
    "byte-order mark": "\ufeff# a\n",
    "separators": "a\u2028b\u2029c\u0085d\n",
    "nul": "a\0b\n",
    "no end": "a\n\nb",
    "nothing": "",
    "line ends alone": "\n\n\n",
    "blanks": "  a  \n\t\tb \n   \n",
    "tags": "{{ 3 * 4 }} {{ a_b_c }} [x](https://e.org/?q={{ supporter.email }}) {% if a %}*b*{% endif %}\n",
    "half-typed": "::: ask\n\n{% if x %}\n{{ a\n**b\n[c](d\n",
    "blocks": "::: quote Ada\na\n:::\n::: nothing\n:::\n:::\n",
    "setext": "Title\n=====\n\na  \nb\\\nc\n\n[x]: https://e.org\n[^1]: a\n",
    "scripts": "שלום {{ x }} عالم 👩‍👩‍👧‍👦 e\u0301 \U0001f1ec\U0001f1e7\n",
    "html": "<script>alert(1)</script> <b>x</b> &amp; &nbsp;\n</textarea>\n",
}


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_stays_as_it_is(desk: Desk, sample: str) -> None:
    text = (REPOSITORY / sample).read_bytes().decode()
    _stays(desk, text)


@pytest.mark.parametrize("kind", TORTURE)
def test_what_is_odd_stays_as_it_is(desk: Desk, kind: str) -> None:
    _stays(desk, TORTURE[kind])


def _stays(desk: Desk, text: str) -> None:
    page = desk.open(text)
    assert desk.text == text
    page.locator("[role=textbox]").focus()
    for keys in ("Control+Home", "Control+End"):
        page.keyboard.press(keys)
        page.keyboard.type("Read this, ")
        page.keyboard.press("Enter")
        assert desk.text != text
        for _ in range(6):
            page.keyboard.press("Control+z")
        assert desk.text == text


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_stays_as_it_is(desk: Desk, text: str) -> None:
    if not desk.served:
        desk.open("")
    desk.page.evaluate("(text) => editor.setText(text)", text)
    assert desk.text == text


def test_new_lines_end_as_the_others(desk: Desk) -> None:
    page = desk.open("a\r\nb\r\n")
    page.locator("[role=textbox]").focus()
    page.keyboard.press("Control+Home")
    page.keyboard.press("Enter")
    page.keyboard.type("x")
    assert desk.text == "\r\nxa\r\nb\r\n"
    page.keyboard.press("Control+z")
    assert desk.text == "a\r\nb\r\n"


def test_saving_and_changing_say_so(desk: Desk) -> None:
    page = desk.open("Dear friend,\n")
    page.locator("[role=textbox]").focus()
    page.keyboard.press("Control+Home")
    page.keyboard.type("My ")
    desk.wait("calls.length > 0")
    assert desk.calls("change") == [["change", "My Dear friend,\n"]]  # once, not for each letter
    assert page.locator("textarea").input_value() == "My Dear friend,\n"
    page.keyboard.press("Control+s")
    assert desk.calls("save") == [["save", "My Dear friend,\n"]]


def test_without_script_it_is_a_text_area(desk: Desk) -> None:
    desk.open("Dear friend,\n")
    browser = desk.page.context.browser
    assert browser
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(desk.origin)
        assert page.get_by_label("Text of the mail").input_value() == "Dear friend,\n"
