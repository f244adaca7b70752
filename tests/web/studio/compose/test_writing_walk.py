"""Somebody who can only write an email makes an appeal in a real browser, and the file reads as if written by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.accessibility import faults_on
from tests.browser import (
    browser,  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
    hold_back,
)
from tests.patience import until
from tests.web.studio.conftest import HERE, House

pytestmark = pytest.mark.sqlite
WATCH = """window.violations = [];
document.addEventListener("securitypolicyviolation", (e) => violations.push(`${e.violatedDirective} ${e.sourceFile}`));
"""
FRONT = """\
---
name: "Our appeal"
subject: Our river
preheader: "Twelve of them asked already, and got no answer that says anything."
list: supporters
template: appeal
action:
  url: https://act.example.org/ask
  label: Add your name
---
"""
WRITTEN = """\
---
name: "Our appeal"
subject: '{{ supporter.first_name | default("friend") }}, our river is sick'
preheader: "Twelve of them asked already, and got no answer that says anything."
list: supporters
template: appeal
action:
  url: https://act.example.org/ask
  label: Add your name
---

Dear {{ supporter.first_name | default("friend") }},

Eleven children were **ill**. [Sign the letter](action) today.

::: ask
:::

![A brown river](%(picture)s)

::: quote Maria Hughes, swimming teacher
I stopped taking my class to the river.
:::

::: numbers
- **3,412** hours of sewage
- **61** spills
- **£0** in fines
:::

## What we ask for

- A fine for each hour
- Readings in public

{%% if supporter.country == "GB" %%}
You live in Britain, so this minister answers to you.
{%% endif %%}
"""


@pytest.fixture
def page(browser: Browser, house: House) -> Iterator[Page]:  # noqa: F811
    house.write(front=FRONT, body="\n")
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(20_000)
    context.add_init_script(WATCH)
    found, trouble = context.new_page(), list[str]()
    found.on("pageerror", lambda error: trouble.append(str(error)))
    found.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
    found.goto(house.door)
    found.goto(f"{house.origin}{HERE}")
    yield found
    context.close()
    # The studio refuses by 422; axe puts a style of its own into the page.
    assert [one for one in trouble if "(Unprocessable" not in one and "Applying inline style" not in one] == []


def put_in(page: Page, words: str) -> None:
    """By the / menu, on a line of its own."""
    page.keyboard.type(f"/{words}")
    expect(page.locator("[role=option]").first).to_be_visible()
    page.keyboard.press("Enter")


def paragraph(page: Page) -> None:
    page.keyboard.press("Control+End")
    page.keyboard.press("Enter")


def choose_people(page: Page) -> None:
    """Those in Britain, by the builder that the audience has, too."""
    dialog = page.get_by_role("dialog", name="Who reads these words?")
    dialog.get_by_label("About what").select_option(label="Country")
    dialog.locator("summary").click()
    dialog.get_by_label("United Kingdom").check()
    expect(dialog.get_by_role("status")).to_contain_text("Only for people in the United Kingdom")
    assert faults_on(page) == []
    dialog.get_by_role("button", name="Only for them").click()
    expect(page.locator(".cm-editor.cm-focused")).to_contain_text("people in the United Kingdom")  # and keys go there


def test_an_appeal_without_a_word_of_notation(page: Page, house: House) -> None:
    page.locator("#f-subject").click()
    page.keyboard.press("Control+a")
    page.keyboard.type(", our river is sick")
    page.keyboard.press("Home")
    page.get_by_role("button", name="Name…").first.click()
    expect(page.get_by_label("What to say when we don’t know it")).to_have_value("friend")
    page.get_by_role("button", name="Put it in").click()
    expect(page.locator(".subject .ed-pill")).to_have_text("first name, or “friend”")

    page.locator(".ed [role=textbox]").click()
    page.keyboard.press("Control+End")
    page.keyboard.type("Dear ")
    page.keyboard.press("Control+.")
    page.get_by_role("button", name="Put it in").click()
    page.keyboard.type(",\n\nEleven children were ")
    page.keyboard.press("Control+b")
    page.keyboard.type("ill")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    page.keyboard.type(". ")
    page.keyboard.press("Control+k")
    page.get_by_label("Words to press").fill("Sign the letter")
    assert faults_on(page) == []
    page.get_by_role("button", name="Set the link").click()
    page.keyboard.type(" today.")
    page.locator(".ed-tools").get_by_role("button", name="Ask").click()

    paragraph(page)
    river = BytesIO()
    Image.new("RGB", (1600, 400), "saddlebrown").save(river, "JPEG")
    with page.expect_file_chooser() as chosen:
        page.locator(".ed-tools").get_by_role("button", name="Picture").click()
    chosen.value.set_files({"name": "IMG_1.JPG", "mimeType": "image/jpeg", "buffer": river.getvalue()})
    page.get_by_role("button", name="Put it in").click()
    expect(page.locator(".ed-wrong")).to_have_text("Say what it shows, or that it is decoration.")
    page.get_by_label("In a few words").fill("A brown river")
    page.get_by_role("button", name="Put it in").click()

    paragraph(page)
    put_in(page, "quote")
    page.keyboard.type("Maria Hughes, swimming teacher")
    page.keyboard.press("ArrowDown")
    page.keyboard.type("I stopped taking my class to the river.")
    paragraph(page)
    put_in(page, "numbers")
    for figure, what in (("3,412", "hours of sewage"), ("61", "spills"), ("£0", "in fines")):
        page.keyboard.type(figure)
        page.keyboard.press("End")
        page.keyboard.type(what)
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Home")
        for _ in range(4):
            page.keyboard.press("ArrowRight")
    paragraph(page)
    put_in(page, "heading")
    page.keyboard.type("What we ask for\n\n")
    put_in(page, "list")
    page.keyboard.type("A fine for each hour\nReadings in public\n\n\n")  # an empty item ends the list
    put_in(page, "only")
    choose_people(page)
    page.keyboard.type("You live in Britain, so this minister answers to you.")

    expect(page.locator(".way [aria-current] span")).not_to_contain_text("to fix")
    page.keyboard.press("Control+s")
    expect(page.locator("#saving")).to_have_text("Saved")
    (picture,) = (one.name for one in house.file.parent.glob(f"{'[0-9a-f]' * 16}.*"))
    assert house.file.read_text(encoding="utf-8") == WRITTEN % {"picture": picture}
    assert faults_on(page) == []


def test_a_fix_is_one_press_in_the_text_and_in_the_list(page: Page, house: House) -> None:
    page.locator(".ed [role=textbox]").click()
    page.keyboard.type("Dear *|FNAME|*,")
    button = page.locator(".ed-finding").get_by_role("button", name="Fix it")
    expect(button).to_be_visible()
    button.click()
    until(lambda: 'Dear {{ supporter.first_name | default("friend") }},' in page.locator("#text").input_value())
    page.keyboard.press("Control+End")
    page.keyboard.type(" Ask {{ supporter.contry }}.")
    page.locator("#findings li", has_text="contry").get_by_role("button", name="Fix it").click()
    until(lambda: "{{ supporter.country }}" in page.locator("#text").input_value())
    page.locator("#save").click()
    expect(page.locator("#saving")).to_have_text("Saved")
    assert "{{ supporter.country }}" in house.file.read_text(encoding="utf-8")
    assert page.evaluate("violations") == []


def test_a_picture_that_is_refused_says_why_and_changes_nothing(page: Page) -> None:
    with page.expect_file_chooser() as chosen:
        page.locator(".ed-tools").get_by_role("button", name="Picture").click()
    with page.expect_response("**/pictures") as answered:
        chosen.value.set_files({"name": "x.png", "mimeType": "image/png", "buffer": b"no picture"})
    assert answered.value.status == 422
    expect(page.locator("#trouble")).to_contain_text("Choose a PNG, JPEG, GIF or WebP.")


def test_the_looks_own_picture_is_chosen_beside_its_field(page: Page, house: House) -> None:
    river = BytesIO()
    Image.new("RGB", (1200, 600), "saddlebrown").save(river, "JPEG")
    page.locator("summary", has_text="Headline and picture").click()
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="Choose…").click()
    chosen.value.set_files({"name": "IMG_1.JPG", "mimeType": "image/jpeg", "buffer": river.getvalue()})
    expect(page.get_by_label("Picture above the headline")).to_have_value(re.compile(r"^[0-9a-f]{16}\.(png|jpg)$"))
    name = page.get_by_label("Picture above the headline").input_value()
    page.get_by_label("What the picture shows").fill("A brown river")
    page.locator("#save").click()
    expect(page.locator("#saving")).to_have_text("Saved")  # and nobody else changed anything meanwhile
    expect(page.locator("#kept")).to_have_text("")
    assert f"picture: {name}\npicture_alt: A brown river\n" in house.file.read_text(encoding="utf-8")
    assert (house.file.parent / name).is_file()


def test_the_page_and_the_thanks_by_keyboard_alone(page: Page, house: House) -> None:
    page.get_by_role("link", name="Sign page").press("Enter")
    page.get_by_role("button", name="Make the sign page").press("Enter")
    expect(page.locator("#findings")).to_contain_text("Statement is missing")
    assert faults_on(page) == []
    page.locator("[data-key=headline]").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("A fine for every spill")
    page.keyboard.press("Tab")
    page.keyboard.type("We ask the minister for fines.")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('cm-content')"):
            break
    page.keyboard.type("It spilled for 3,412 hours.")
    frame = page.frame_locator("#mail")
    expect(frame.get_by_role("heading", name="A fine for every spill")).to_be_visible()
    expect(frame.get_by_text("It spilled for 3,412 hours.")).to_be_visible()
    # What is typed on the page is kept, and there again.
    page.get_by_role("link", name="Thanks", exact=True).press("Enter")
    expect(page.get_by_text("People read this at once after signing.")).to_be_visible()
    page.locator(".ed [role=textbox]").focus()
    page.keyboard.type("Thank you. We go there on Monday.")
    page.keyboard.press("Control+s")
    expect(page.locator("#saving")).to_have_text("Saved")
    page.get_by_role("link", name="Sign page").press("Enter")
    expect(page.locator("[data-key=headline]")).to_have_value("A fine for every spill")
    page.locator("#save").press("Enter")
    expect(page.locator("#saving")).to_contain_text("aved, and put together")
    assert (house.file.parent / "action.md").read_text(encoding="utf-8") == (
        '---\nheadline: "A fine for every spill"\nstatement: "We ask the minister for fines."\n'
        "opt_in:\n  list: supporters\nthanks: Thank you. We go there on Monday.\n---\nIt spilled for 3,412 hours.\n"
    )


def test_a_condition_is_of_what_is_chosen_as_it_is_pressed(page: Page) -> None:
    page.locator(".ed [role=textbox]").click()
    put_in(page, "only")
    dialog = page.get_by_role("dialog", name="Who reads these words?")
    dialog.get_by_label("About what").select_option(label="First name")
    value = dialog.get_by_label("Words, with commas between several")
    value.fill("Ann")
    expect(dialog.get_by_role("status")).to_contain_text("“Ann”")
    value.fill("Bo")
    dialog.get_by_role("button", name="Only for them").click()
    until(lambda: '{% if supporter.first_name == "Bo" %}' in page.locator("#text").input_value())


def test_a_look_at_everything_waits_for_the_one_before(page: Page) -> None:
    held = hold_back(page, "**/look")
    page.locator("#writing").evaluate("form => form.requestSubmit()")
    until(lambda: page.evaluate("true") and len(held) == 1)
    page.locator("#writing").evaluate("form => form.requestSubmit()")
    held[0].continue_()
    until(lambda: page.evaluate("true") and len(held) == 2)
    assert (held[1].request.post_data_json or {})["whole"] is True
    held[1].continue_()


def test_how_the_mail_is_looked_at_is_told_to_screen_readers(page: Page) -> None:
    desktop = page.get_by_role("link", name="Desktop")
    desktop.click()
    expect(desktop).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("link", name="Phone")).not_to_have_attribute("aria-current", re.compile(""))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_text_fits_a_phone_and_is_clean_for_axe(page: Page, house: House, scheme: str) -> None:
    house.post(f"{HERE}page")
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for width in (390, 900, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        for path in (HERE, f"{HERE}page/", f"{HERE}thanks/"):
            page.goto(f"{house.origin}{path}")
            expect(page.locator(".ed-tools")).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            if width != 900:
                assert faults_on(page) == []
