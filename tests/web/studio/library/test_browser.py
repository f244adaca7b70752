"""An admin replaces a picture and changes a template: on a desktop and on a phone."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.accessibility import faults_on
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.conftest import REPOSITORY
from tests.web.studio.conftest import House


@pytest.mark.sqlite
@pytest.mark.parametrize("size", [(1440, 900), (390, 844)], ids=["desktop", "phone"])
def test_a_picture_is_replaced_and_a_template_changed(
    browser: Browser,  # noqa: F811
    house: House,
    size: tuple[int, int],
) -> None:
    workspace = house.workspace
    workspace.templates.unlink()
    shutil.copytree(REPOSITORY / "templates", workspace.templates)
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda told: complaints.append(told.text) if is_ours(told) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(house.door)
    go_to(page, "Pictures", is_wide=size[0] > 640)
    no_faults(page)
    page.get_by_role("link", name="A notebook and a lamp").click()
    no_faults(page)
    page.get_by_label("New picture").set_input_files(REPOSITORY / "newsletters/2026-12-year-in-review/letters.png")
    page.get_by_role("button", name="Replace in 1 draft").click()
    expect(page.get_by_role("status")).to_contain_text("1 draft has it now")
    page.locator("[name=alt]").fill("Letters with a ribbon")
    page.get_by_role("button", name="Change everywhere").click()
    expect(page.get_by_role("heading", name="Letters with a ribbon")).to_be_visible()
    assert "![Letters with a ribbon](" in house.file.read_text(encoding="utf-8")

    go_to(page, "Templates", is_wide=size[0] > 640)
    no_faults(page)
    page.get_by_role("link", name="Appeal").click()
    text = page.get_by_label("layout.mjml, in MJML")
    before = text.input_value()
    text.fill(before.replace("</mj-body>", "<mj-nothing/></mj-body>"))
    line = page.get_by_role("link", name="Line")  # it was tried out while nobody pressed anything
    expect(line).to_be_visible()
    line.click()
    expect(text).to_be_focused()
    chosen = text.evaluate("one => one.value.slice(one.selectionStart, one.selectionEnd)")
    assert "<mj-nothing/>" in chosen
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Our appeal")
    no_faults(page)
    ours = "<mj-section><mj-column><mj-text>From all of us</mj-text></mj-column></mj-section>"
    text.fill(before.replace("</mj-body>", f"{ours}</mj-body>"))
    expect(page.frame_locator(".mails iframe >> nth=1").get_by_text("From all of us")).to_be_attached()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Saved")
    page.get_by_role("link", name="Name and fields").click()
    page.get_by_text("Add a field").click()
    page.get_by_label("Short name").fill("closing")
    page.get_by_label("What writers see").last.fill("Line at the end")
    no_faults(page)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Saved")
    assert "[fields.closing]" in (workspace.templates / "appeal" / "template.toml").read_text(encoding="utf-8")
    page.get_by_role("link", name="First draft").click()
    begins = page.get_by_label("draft.md, in Markdown")
    begins.fill(begins.input_value().replace("Dear ", "Good morning "))
    expect(page.frame_locator(".mails iframe >> nth=0").get_by_text("Good morning")).to_be_attached()
    no_faults(page)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Saved")
    page.get_by_label("Name of the copy").fill("members-letter")
    page.get_by_role("button", name="Make the copy").click()
    expect(page.get_by_role("heading", name="Members letter", exact=True)).to_be_visible()
    assert "From all of us" in (workspace.templates / "members-letter" / "layout.mjml").read_text(encoding="utf-8")
    context.close()
    assert complaints == []


def go_to(page: Page, room: str, *, is_wide: bool) -> None:
    if is_wide:
        page.get_by_role("navigation", name="Rooms", exact=True).get_by_role("link", name=room).click()
    else:
        page.get_by_role("link", name="Search").click()
        page.locator("#palette-words").fill(room)
        page.locator("#palette-hits li", has_text=room).first.click()
    expect(page.get_by_role("heading", name=room, exact=True)).to_be_visible()


def is_ours(told: ConsoleMessage) -> bool:
    """Whether it is about the page's own styles and scripts: axe, which sets styles, has no address."""
    return "Content Security" in told.text and bool(told.location["url"])


def no_faults(page: Page) -> None:
    assert faults_on(page, frames=False) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
