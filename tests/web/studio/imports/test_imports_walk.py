"""A newcomer brings a file in a browser, at a desk and on a phone: columns, consent, rehearsal, import, and back."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.accessibility import faults_on
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.web.studio.conftest import House
from tests.web.studio.imports.test_imports import LEFT, MAILCHIMP

pytestmark = pytest.mark.sqlite
ODD = "E-mail;Name;Newsletter opt-out\nann@example.org;Ann;\nbo@example.org;Bo;yes\nbad;;\n"
FAR = 60_000  # ms, for what is done beside the page


def opened(browser: Browser, house: House, width: int, *, script: bool = True) -> Page:  # noqa: F811
    context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=script)
    context.set_default_timeout(FAR)
    page = context.new_page()
    page.goto(house.door)
    page.goto(f"{house.origin}/imports")
    return page


def sound(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
    assert faults_on(page) == []


@pytest.mark.parametrize("width", [1440, 390])
def test_a_newcomer_goes_all_the_way(browser: Browser, house: House, tmp_path: Path, width: int) -> None:  # noqa: F811
    page = opened(browser, house, width)
    file = tmp_path / "friends.csv"
    file.write_text(ODD, encoding="utf-8")
    sound(page)
    page.get_by_label("Drop a file here, or choose one").set_input_files(file)
    page.get_by_role("button", name="Look at it first").click()
    page.wait_for_url("**/columns")
    page.get_by_role("button", name="Next: consent").click()
    expect(page.get_by_role("alert")).to_contain_text("Say what each marked column is")
    sound(page)
    page.get_by_label("Newsletter opt-out becomes").select_option(label="Who may be mailed")
    page.get_by_role("button", name="Next: consent").click()
    page.wait_for_url("**/consent")
    page.get_by_label("Where and how they agreed").fill("The stall at the fair")
    page.get_by_label("Nobody knows the words any more").check()
    sound(page)
    page.get_by_role("button", name="Next: rehearsal").click()
    page.wait_for_url("**/rehearsal")
    expect(page.locator("#becomes")).to_contain_text("1 new person")
    sound(page)
    with page.expect_download() as got:
        page.get_by_role("link", name="Get the list").click()
    assert "bad" in Path(got.value.path()).read_text(encoding="utf-8")
    page.get_by_role("button", name="Import 1 person").click()
    page.wait_for_url(re.compile(r"/imports/\d+$"))
    page.get_by_text("Take it back…").click()
    sound(page)
    page.get_by_role("button", name="Yes, take this import back").click()
    page.get_by_role("link", name="See what was put back").click()
    expect(page.locator(".note")).to_contain_text("Taken back by this machine")
    page.context.close()


@pytest.mark.parametrize("width", [1440, 390])
def test_a_newcomer_moves_from_another_program(
    browser: Browser,  # noqa: F811
    house: House,
    tmp_path: Path,
    width: int,
) -> None:
    """Its whole export at once: who left there is left alone here."""
    page, file = opened(browser, house, width), tmp_path / "audience.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("subscribed_members_export.csv", MAILCHIMP)
        archive.writestr("unsubscribed_members_export.csv", LEFT)
    page.get_by_label("Drop a file here, or choose one").set_input_files(file)
    page.get_by_role("button", name="Look at it first").click()
    page.wait_for_url("**/columns")
    expect(page.get_by_role("heading", name="This is an export of Mailchimp").last).to_be_visible()
    sound(page)
    page.get_by_role("button", name="Next: consent").click()
    page.get_by_label("Where and how they agreed").fill("Sign-up form of our website, kept by Mailchimp")
    page.get_by_label("Nobody knows the words any more").check()
    page.get_by_role("button", name="Next: rehearsal").click()
    page.wait_for_url("**/rehearsal")
    expect(page.locator("#becomes")).to_contain_text("1 new person")
    expect(page.get_by_text("Kept as unsubscribed, so nobody writes to them by mistake")).to_be_visible()
    sound(page)
    page.get_by_role("button", name="Import 1 person").click()
    page.wait_for_url(re.compile(r"/imports/\d+$"))
    page.context.close()


def test_a_file_goes_on_when_the_line_breaks(browser: Browser, house: House, tmp_path: Path) -> None:  # noqa: F811
    """Pieces are lost on their way: those that got through and those that didn't; in the end the file is whole."""
    page = opened(browser, house, 1440)
    file = tmp_path / "long.csv"
    file.write_text("email\n" + "".join(f"p{n}@example.org\n" for n in range(40_000)), encoding="utf-8")
    lost = iter(["before", "after"])

    def handle(route: Route) -> None:
        how = next(lost, "")
        if how == "after":
            route.fetch()  # it got through, and its answer doesn't
        if how:
            route.abort()
        else:
            route.continue_()

    page.route("**/piece?*", handle)
    page.get_by_label("Drop a file here, or choose one").set_input_files(file)
    page.get_by_role("button", name="Look at it first").click()
    page.wait_for_url("**/columns")
    expect(page.locator(".filecard")).to_contain_text("40,000 rows")
    (brought,) = (house.workspace.root / ".imports").rglob("long.csv")
    assert brought.read_bytes() == file.read_bytes()
    page.context.close()


def test_without_script_it_goes_the_same_way(browser: Browser, house: House, tmp_path: Path) -> None:  # noqa: F811
    page = opened(browser, house, 1440, script=False)
    file = tmp_path / "friends.csv"
    file.write_text("email\nann@example.org\n", encoding="utf-8")
    page.get_by_label("Drop a file here, or choose one").set_input_files(file)
    page.get_by_role("button", name="Look at it first").click()
    page.wait_for_url("**/columns")  # the page loads itself again until it is there
    page.get_by_role("button", name="Next: consent").click()
    page.get_by_label("Where and how they agreed").fill("The stall at the fair")
    page.get_by_label("Nobody knows the words any more").check()
    page.get_by_role("button", name="Next: rehearsal").click()
    page.wait_for_url("**/rehearsal")
    page.get_by_role("button", name="Import 1 person").click()
    page.wait_for_url(re.compile(r"/imports/\d+$"))
    page.context.close()
