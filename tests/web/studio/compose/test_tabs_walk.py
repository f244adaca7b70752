"""Every text of a newsletter in two languages, in a real browser: for axe, by keyboard, on a phone and a desktop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.accessibility import faults_on
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.delivery.thanks.conftest import MAIL as THANKS
from tests.delivery.thanks.conftest import PAGE
from tests.web.studio.compose.test_languages import MAIL as FRENCH
from tests.web.studio.conftest import HERE, House

pytestmark = pytest.mark.sqlite
TEXTS = ("", "page/", "thanks/", "thanks-mail/")
FILES = {
    "action.md": PAGE, "thanks.md": THANKS,
    "message.fr.md": FRENCH.replace("action:", "original: abcdefghijkl\naction:"),
    "action.fr.md": "---\nheadline: Gardons-la\nstatement: Non, merci.\nopt_in:\n  wording: Oui\n---\nElle ferme.\n",
    "thanks.fr.md": "---\nsubject: Merci\naction:\n  label: Donnez 5 euros\noriginal: abcdefghijkl\n---\nMerci bien.\n",
}  # fmt: skip


@pytest.fixture
def page(browser: Browser, house: House) -> Iterator[Page]:  # noqa: F811
    for name, words in FILES.items():
        (house.file.parent / name).write_text(words, encoding="utf-8")
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(20_000)
    found, trouble = context.new_page(), list[str]()
    found.on("pageerror", lambda error: trouble.append(str(error)))
    found.goto(house.door)
    yield found
    assert trouble == []
    context.close()


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_axe_finds_nothing_in_any_text_and_none_is_wider_than_its_screen(
    page: Page, house: House, width: int, scheme: str
) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    found: dict[str, object] = {}
    rooms = ("review?part=mail.fr", "review?part=thanks-mail", "audience")
    for path in (*TEXTS, *(f"in/fr/{text}" for text in TEXTS), *rooms):
        page.goto(f"{house.origin}{HERE}{path}")
        if path not in rooms:
            page.locator(".ed .cm-content").wait_for()
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        wide = page.evaluate("document.documentElement.scrollWidth") > width
        if faults := [*faults_on(page, frames=False), *(["too wide"] if wide else [])]:
            found[path] = faults
    assert found == {}


def test_by_keyboard_from_text_to_text_and_from_language_to_language(page: Page, house: House) -> None:
    def press(link: str) -> None:
        page.get_by_role("link", name=link, exact=True).focus()
        page.keyboard.press("Enter")

    page.goto(f"{house.origin}{HERE}")
    press("Thanks mail")
    page.wait_for_url(f"{house.origin}{HERE}thanks-mail/")
    page.locator(".ed .cm-content").wait_for()
    expect(page.get_by_label("Subject")).to_contain_text("Thank you for signing")
    press("Français")
    page.wait_for_url(f"{house.origin}{HERE}in/fr/thanks-mail/")
    page.locator(".ed .cm-content").focus()
    page.keyboard.press("Control+Home")
    page.keyboard.type("Oui. ")
    expect(page.frame_locator("#mail").get_by_text("Oui. Merci bien")).to_be_visible()
    page.keyboard.press("Control+s")
    expect(page.locator("#saving")).to_contain_text("Saved")
    assert "Oui. Merci bien.\n" in (house.file.parent / "thanks.fr.md").read_text(encoding="utf-8")
    another = page.locator("summary[aria-label='Another language']")
    another.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Write it in")).to_be_focused()
    page.keyboard.press("Escape")
    expect(another).to_be_focused()
    expect(page.get_by_label("Write it in")).to_be_hidden()
