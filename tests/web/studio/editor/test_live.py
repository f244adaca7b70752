"""How the text looks: pills, cards, bands, findings; marks away from the cursor; clean for axe; fit for a phone."""

from __future__ import annotations

from tests.accessibility import faults_on
from tests.patience import until
from tests.web.studio.editor.conftest import Desk

TEXT = """\
Dear {{ supporter.first_name | default("friend") }},

Last summer **eleven children**
were ill.[^1] Please [sign the
letter](action).

::: ask
:::

::: numbers
- **3,412** hours
- **61** spills
:::

::: quote Maria
I stopped.
:::

{% if supporter.country == "GB" %}
You live **here**.
{% elif supporter.country in ["FR", "DE"] %}
You live there.
{% else %}
Elsewhere.
{% endif %}

![A lamp](lamp.png)

Yours{% if supporter.town %}, in {{ supporter.town | upper }}{% endif %}

## What we ask

- One
  thing

[^1]: The source
"""
OPTIONS: dict[str, object] = {
    "tags": [{"tag": "supporter.first_name", "words": "first name"}, {"tag": "supporter.town", "words": "town"}],
    "actionLabel": "Sign now",
    "language": "en-GB",
    "conditions": [
        {"expression": 'supporter.country == "GB"', "words": "people in the United Kingdom", "count": 41906,
         "of": 48212}
    ],
    "diagnostics": [
        {"line": 4, "level": "error", "message": "This leads nowhere yet", "words": "sign the",
         "fix": {"label": "Set the link"}},
        {"line": 99, "level": "error", "message": "Not of this text"},
    ],
}  # fmt: skip


def shown(desk: Desk) -> str:
    """What people read in the editor."""
    return str(desk.page.locator("[role=textbox]").inner_text())


def test_notes_to_colleagues_are_quiet_and_as_they_are_written(desk: Desk) -> None:
    note = "{# A picture:\n::: picture\n![A lamp](lamp.png)\n:::\n#}"
    desk.open(f"{{# First. #}}\nDear **friend**,\n\n{note}\n\n::: ask\n:::\n", **OPTIONS)
    quiet = desk.page.locator(".ed-aside")
    assert quiet.all_inner_texts() == ["{# First. #}", *note.split("\n")]
    assert "Dear friend," in shown(desk)
    assert "Sign now" in shown(desk)


def test_notation_is_out_of_sight(desk: Desk) -> None:
    desk.page.set_viewport_size({"width": 900, "height": 2400})
    desk.open(TEXT, **OPTIONS)
    text = shown(desk)
    for notation in ("**", "{{", "{%", ":::", "](", "[^", "##", "- One"):
        assert notation not in text, notation
    for words in (
        "first name, or “friend”", "Last summer eleven children were ill.", "sign the letter.", "Sign now", "3,412",
        "Maria",
        "Only for people in the United Kingdom", "41,906 of 48,212", "Or, for people in France or Germany",
        "Everybody else sees", "town, in capitals", "Only for people whose town is known:", "One thing", "A lamp",
    ):  # fmt: skip
        assert words in text, words


def test_the_cursors_block_shows_its_source(desk: Desk) -> None:
    desk.page.set_viewport_size({"width": 900, "height": 2400})
    desk.open(TEXT, **OPTIONS)
    for inside, source in (
        ("eleven", "**eleven children**"), ("I stopped", "::: quote Maria"), ("3,412", "- **3,412** hours"),
        ("::: ask", "::: ask"), ("## What", "## What we ask"),
        ("{% elif", '{% elif supporter.country in ["FR", "DE"] %}'),
        ("{{ supp", '{{ supporter.first_name | default("friend") }}'), ("![A", "![A lamp](lamp.png)"),
    ):  # fmt: skip
        desk.put_cursor(inside)
        assert source in shown(desk), inside
        assert desk.text == TEXT
    desk.page.evaluate("editor.view.contentDOM.blur()")
    desk.wait("!editor.view.contentDOM.innerText.includes('**')")


def test_far_below_the_first_screen_marks_are_hidden_too(desk: Desk) -> None:
    text = "A **bold** word.\n\n" * 1500
    page = desk.open(text)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    desk.wait("editor.view.viewport.to === editor.view.state.doc.length")
    desk.wait("!editor.view.contentDOM.innerText.includes('**')")


def test_a_finding_has_its_words_and_its_button(desk: Desk) -> None:
    page = desk.open(TEXT, **OPTIONS)
    assert page.locator(".ed-wavy").first.inner_text() == "sign the"
    page.get_by_role("button", name="Set the link").click()
    assert desk.calls("fix") == [["fix", "This leads nowhere yet"]]
    assert "Not of this text" not in shown(desk)
    page.locator("[role=textbox]").focus()
    page.keyboard.press("F8")
    assert page.evaluate("editor.view.state.doc.lineAt(editor.view.state.selection.main.head).number") == 4
    page.evaluate("editor.setFindings([])")
    assert page.locator(".ed-finding").count() == 0


def test_a_press_on_numbers_or_a_picture_leads_into_it(desk: Desk) -> None:
    page = desk.open(TEXT, **OPTIONS)
    page.locator("div.ed-numbers b").first.click()
    until(lambda: "- **3,412** hours" in shown(desk))  # the source shows once the editor has the focus
    page.locator(".ed-picture img").click()
    until(lambda: "![A lamp](lamp.png)" in shown(desk))
    assert desk.text == TEXT


def test_it_is_clean_for_axe_in_both_themes_and_at_every_width(desk: Desk) -> None:
    page = desk.open(TEXT + "\n" + "long" * 60 + "\n", **OPTIONS)
    for width in (390, 900, 1440):
        page.set_viewport_size({"width": width, "height": 2000})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert faults_on(page) == []
        desk.put_cursor("eleven")
        assert faults_on(page) == []
    box = page.get_by_role("textbox", name="Text of the mail")
    assert box.get_attribute("aria-multiline") == "true"
    assert box.get_attribute("lang") == "en-GB"
    assert box.get_attribute("spellcheck") == "true"


def test_nothing_is_loaded_that_is_not_needed(desk: Desk) -> None:
    desk.open(TEXT, **OPTIONS)
    assert [path for path in desk.asked if "turndown" in path or "merge" in path] == []


def test_two_versions_are_shown_beside_each_other(desk: Desk) -> None:
    page = desk.open("a\n")
    text = page.evaluate("""async () => {
      const { compare } = await import("/static/editor/compare.js");
      const host = document.querySelector("main");
      window.both = compare(host, { ours: "a\\r\\nours\\n", theirs: "a\\r\\ntheirs\\n",
        labels: { ours: "Yours", theirs: "Amina's" }, nonce: document.querySelector("script").nonce });
      return both.text;
    }""")
    assert text == "a\r\nours\n"
    page.get_by_role("button", name="Take theirs").click()
    assert page.evaluate("both.text") == "a\r\ntheirs\n"
