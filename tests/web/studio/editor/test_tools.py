"""Each tool changes the lines it says and no other, and what it did can be undone."""

from __future__ import annotations

import pytest

from tests.accessibility import faults_on
from tests.web.studio.editor.conftest import Desk

TEXT = """\
Dear friend,

Ask them now, before
Thursday comes.

::: quote Ada
Never again.
:::

The end.[^1]

[^1]: A source
"""
OPTIONS: dict[str, object] = {
    "tags": [{"tag": "supporter.first_name", "words": "first name", "known": 3, "of": 4, "fallback": "friend"}],
    "pages": [{"label": "Join us", "address": "https://example.org/join"}],
    "actionLabel": "Sign now",
}
AFTER = "Thursday comes.\n"
PRESSED = {
    "bold": ("Ask them", "**Ask them**"),
    "heading": ("Dear friend,", "## Dear friend,"),
    "list": ("Dear friend,", "- Dear friend,"),
    "ask": (AFTER, AFTER + "\n::: ask\n:::\n"),
    "progress": (AFTER, AFTER + "\n::: progress\n\n:::\n"),
    "share": (AFTER, AFTER + "\n::: share\n\n:::\n"),
    "quote": (AFTER, AFTER + "\n::: quote \n\n:::\n"),
    "numbers": (AFTER, AFTER + "\n::: numbers\n- **** \n- **** \n- **** \n:::\n"),
    "story": (AFTER, AFTER + "\n::: story\n### \n\n\n:::\n"),
    "ps": (AFTER, AFTER + "\n::: ps\n\n:::\n"),
}


def run(desk: Desk, tool: str) -> None:
    desk.page.evaluate("(name) => editor.run(name)", tool)


@pytest.mark.parametrize("tool", PRESSED)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_tool_changes_what_it_says(desk: Desk, tool: str, end: str) -> None:
    text = TEXT.replace("\n", end)
    before, after = (piece.replace("\n", end) for piece in PRESSED[tool])
    desk.open(text, **OPTIONS)
    if before.startswith("Thursday"):
        desk.put_cursor("Ask them")
    else:
        desk.put_cursor("", select=before)
    run(desk, tool)
    assert desk.text == text.replace(before, after, 1)
    desk.page.keyboard.press("Control+z")
    assert desk.text == text


def test_bold_and_lists_are_taken_away_again(desk: Desk) -> None:
    desk.open(TEXT)
    for tool in ("bold", "heading", "list"):
        desk.put_cursor("", select="Dear friend,")
        run(desk, tool)
        assert desk.text != TEXT
        run(desk, tool)
        assert desk.text == TEXT, tool


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_list_goes_on_until_an_empty_item(desk: Desk, end: str) -> None:
    page = desk.open(f"Before{end}{end}{end}After{end}")
    desk.put_cursor(f"Before{end}{end}")
    run(desk, "list")
    page.keyboard.type("One\nTwo\n\nEnd")
    assert desk.text == f"Before{end}{end}- One{end}- Two{end}End{end}After{end}"
    desk.put_cursor("", select="Before")
    page.keyboard.type("9. Nine\nTen")
    assert desk.text.startswith(f"9. Nine{end}10. Ten{end}")


def test_a_block_goes_behind_the_block_of_the_cursor(desk: Desk) -> None:
    desk.open(TEXT)
    desk.put_cursor("Never")
    run(desk, "ask")
    assert desk.text == TEXT.replace("again.\n:::\n", "again.\n:::\n\n::: ask\n:::\n")


def test_a_footnote_is_numbered_by_itself(desk: Desk) -> None:
    desk.open(TEXT)
    desk.put_cursor("Dear friend")
    run(desk, "note")
    desk.page.keyboard.type("Another")
    assert desk.text == TEXT.replace("Dear friend", "Dear friend[^2]") + "[^2]: Another\n"


def test_a_condition_is_built_and_put_around_lines(desk: Desk) -> None:
    page = desk.open(TEXT)
    desk.put_cursor("", select="The end.")
    page.evaluate("window.built = 'supporter.country == \"GB\"'")
    run(desk, "condition")
    desk.wait("editor.text.includes('{% if')")
    assert desk.text == TEXT.replace(
        "The end.[^1]\n", '{% if supporter.country == "GB" %}\nThe end.[^1]\n{% endif %}\n'
    )
    assert page.get_by_text("Only for people in the United Kingdom").count() == 1
    page.get_by_role("button", name="Words for them").click()
    page.keyboard.type("Others.")
    assert "{% else %}\nOthers.\n{% endif %}" in desk.text
    page.evaluate("window.built = 'supporter.country == \"FR\"'")
    page.get_by_role("button", name="Change").click()
    desk.wait("editor.text.includes('FR')")
    assert desk.calls("condition")[-1] == ["condition", 'supporter.country == "GB"']


def test_a_link_is_set_and_taken_out(desk: Desk) -> None:
    page = desk.open(TEXT, **OPTIONS)
    for choice, typed, target in (
        ("sign page", None, "action"),
        ("A web address", "example.org/plan", "https://example.org/plan"),
        ("Another page of ours", None, "https://example.org/join"),
        ("An email address", "ada@example.org", "mailto:ada@example.org"),
        ("An email address", "+44 20 7946 0000", "tel:+442079460000"),
    ):
        desk.put_cursor("", select="Ask them")
        page.keyboard.press("Control+k")
        option = page.locator(".ed-choice", has_text=choice)
        option.locator("[type=radio]").check()
        if typed:
            option.locator("input:not([type=radio])").fill(typed)
        assert faults_on(page) == []
        page.get_by_role("button", name="Set the link").click()
        assert desk.text == TEXT.replace("Ask them", f"[Ask them]({target})")
        page.keyboard.press("Control+k")
        page.get_by_role("button", name="Take the link out").click()
        assert desk.text == TEXT


def test_what_is_no_address_is_refused_in_its_place(desk: Desk) -> None:
    page = desk.open(TEXT)
    desk.put_cursor("", select="Ask them")
    page.keyboard.press("Control+k")
    for choice in ("A web address", "An email address"):
        option = page.locator(".ed-choice", has_text=choice)
        option.locator("[type=radio]").check()
        for typed in ("javascript:alert(1)", "nothing", ""):
            option.locator("input:not([type=radio])").fill(typed)
            page.get_by_role("button", name="Set the link").click()
            assert page.locator(".ed-wrong").inner_text() != ""
    page.keyboard.press("Escape")
    assert desk.text == TEXT
    assert page.evaluate("document.activeElement === editor.view.contentDOM")


def test_a_name_is_put_in_with_its_fallback(desk: Desk) -> None:
    page = desk.open(TEXT, **OPTIONS)
    desk.put_cursor("", select="friend")
    page.keyboard.press("Control+.")
    assert page.get_by_label("What to say").input_value() == "friend"
    assert "known of 3 of 4" in page.locator("#ed-tag").inner_text()
    page.get_by_label("What to say").fill('"reader"')
    page.keyboard.press("Enter")
    assert desk.text.startswith('Dear {{ supporter.first_name | default("”reader”") }},')
    assert page.locator(".ed-pill").inner_text() == "first name, or “”reader””"


def test_the_menu_of_the_slash(desk: Desk) -> None:
    page = desk.open("Dear friend,\n\n", **OPTIONS)
    page.locator("[role=textbox]").focus()
    page.keyboard.press("Control+End")
    page.keyboard.type("/")
    assert page.get_by_role("listbox").is_visible()
    assert faults_on(page) == []
    page.keyboard.type("quo")
    assert page.get_by_role("option").all_inner_texts() == ["Quote\nSomebody’s words, with their name"]
    page.keyboard.press("Enter")
    page.keyboard.type("Ada")
    assert desk.text == "Dear friend,\n\n::: quote Ada\n\n:::\n"
    page.keyboard.press("Control+End")
    page.keyboard.press("Enter")
    page.keyboard.type("/")
    page.keyboard.press("Escape")
    assert page.get_by_role("listbox").count() == 0
    assert desk.text.endswith(":::\n\n/")
    assert page.evaluate("document.activeElement === editor.view.contentDOM")
    page.keyboard.press("Escape")
    assert not page.evaluate("document.activeElement === editor.view.contentDOM")


def test_the_toolbar_is_one_stop_and_has_arrows(desk: Desk) -> None:
    page = desk.open(TEXT, **OPTIONS)
    bar = page.get_by_role("toolbar", name="Tools for the text")
    bar.get_by_role("button", name="Bold").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.tool") == "heading"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement === editor.view.contentDOM")
    assert bar.locator("button[tabindex='0']").count() == 1
    bar.get_by_role("button", name="More").click()
    assert page.get_by_role("listbox").is_visible()
