"""A newcomer makes a list with a form, puts it on a site, and somebody joins by it: on a desktop and on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from mailer.store.tables.core import people
from mailer.tracking.tokens import Signer
from mailer.web.public.app import create_app
from tests.accessibility import faults_on
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.web.client import serving
from tests.web.conftest import Served
from tests.web.notices import deliver, link_of
from tests.web.studio.conftest import Clock, House

DOOR = "https://mail.example.org"  # as supporters call it, behind a web server


@pytest.fixture
def site(house: House, clock: Clock) -> Iterator[Served]:
    """The public door of the same workspace."""
    database = house.studio.database
    with serving(create_app(house.workspace, database, clock=clock)) as port:
        yield Served(port, database, Signer(house.workspace.secrets.require_signing()))


@pytest.mark.sqlite
@pytest.mark.parametrize("size", [(1440, 900), (390, 844)], ids=["desktop", "phone"])
def test_a_list_is_made_with_a_form_and_somebody_joins_by_it(
    browser: Browser,  # noqa: F811
    house: House,
    site: Served,
    clock: Clock,
    size: tuple[int, int],
) -> None:
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda told: complaints.append(told.text) if is_ours(told) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(house.door)
    if width > 640:
        page.get_by_role("navigation", name="Rooms", exact=True).get_by_role("link", name="Lists").click()
    else:
        page.get_by_role("link", name="Search").click()
        page.locator("#palette-words").fill("Lists")
        page.locator("#palette-hits li", has_text="Lists").first.click()
    page.get_by_role("link", name="New list").click()
    page.get_by_label("Name", exact=True).fill("River news")
    shown = page.frame_locator("#picture")
    expect(shown.get_by_role("heading", name="Sign up for River news")).to_be_visible()
    page.locator("#f-about").fill("What we find in the river, once a month.")
    expect(shown.get_by_text("once a month")).to_be_visible()
    no_faults(page)
    page.get_by_role("button", name="Make the list").click()
    expect(page.get_by_role("status")).to_contain_text("The list is there")
    assert house.workspace.list_definition("river-news").opt_in == "double"
    no_faults(page)
    code = page.locator("#html-styled").input_value()

    theirs = context.new_page()  # the group's own site, on which the code is pasted
    theirs.set_content(f"<h1>Our site</h1>{code.replace(DOOR, f'http://127.0.0.1:{site.port}')}")
    theirs.get_by_role("textbox", name="Email").fill("zoe@example.net")
    theirs.get_by_role("checkbox").check()
    theirs.get_by_role("button", name="Sign me up").click()
    expect(theirs.get_by_role("heading", name="Please check your inbox")).to_be_visible()
    (mail,) = deliver(site, house.workspace, clock)
    theirs.goto(f"http://127.0.0.1:{site.port}{link_of(mail)}")
    theirs.get_by_role("button").click()
    expect(theirs.get_by_role("heading", name="You’re in")).to_be_visible()
    assert [row.address for row in site.rows(people)][3:] == ["zoe@example.net"]

    page.get_by_role("link", name="People", exact=True).last.click()
    expect(page.locator(".lead")).to_have_text("1 person")
    expect(page.get_by_text("Sign-up form of river-news")).to_be_visible()
    expect(page.get_by_text("1 person agreed")).to_be_visible()
    no_faults(page)
    context.close()
    assert complaints == []


def is_ours(told: ConsoleMessage) -> bool:
    """Whether it is about the page's own styles and scripts: axe, which sets styles, has no address."""
    return "Content Security" in told.text and bool(told.location["url"])


def no_faults(page: Page) -> None:
    assert faults_on(page, frames=False) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
