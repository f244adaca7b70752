"""Somebody is found as one types, explained, tagged, and one of many: in a real browser, on a desk and on a phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from mailer.store.tables.core import people
from tests.accessibility import faults_on
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.web.studio.conftest import SLUG, House

pytestmark = pytest.mark.sqlite


def is_sound(page: Page) -> None:
    assert faults_on(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)], ids=["desk", "phone"])
def test_find_explain_and_change(browser: Browser, house: House, size: tuple[int, int]) -> None:  # noqa: F811
    with house.studio.database.write() as connection:
        connection.execute(update(people).where(people.c.id == 2).values(first_name="Gwen", last_name="Hughes"))
    scheme = "light" if size[0] > 1000 else "dark"
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, reduced_motion="reduce"
    )
    context.set_default_timeout(15_000)
    page, said = context.new_page(), list[str]()
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(house.door)
    page.goto(f"{house.origin}/people")
    is_sound(page)
    page.get_by_placeholder("Name, address").press_sequentially("gwen hu")
    expect(page.locator(".folk li")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"/people\?q=gwen\+hu$"))
    page.get_by_role("link", name="Gwen Hughes").click()
    expect(page.get_by_role("heading", name="Gwen Hughes")).to_be_visible()
    page.locator("#f-why").select_option(SLUG)
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_text("Gwen will get it, as things are now.")).to_be_visible()
    page.get_by_text("Consent then and now").click()
    page.get_by_placeholder("A tag").fill("Swimmer")
    page.get_by_role("button", name="Tag", exact=True).click()
    expect(page.get_by_text("Tagged Swimmer")).to_be_visible()
    page.get_by_role("link", name="Change").click()
    page.get_by_label("First name").fill("Gwenllian")
    is_sound(page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Gwenllian Hughes")).to_be_visible()
    page.get_by_text("Forget Gwenllian…").click()
    expect(page.get_by_label("Type mary2@example.org")).to_be_visible()
    is_sound(page)
    page.goto(f"{house.origin}/people?q=mary")
    page.get_by_role("link", name="Do something for all of them").click()
    page.get_by_text("Unsubscribe them", exact=True).click()
    is_sound(page)
    page.get_by_text("Tag them", exact=True).first.click()
    page.get_by_label("Tag", exact=True).first.fill("Wye")
    page.get_by_label("Type 3 if you mean all of them").first.fill("3")
    page.get_by_role("button", name="Tag them").click()
    expect(page.get_by_text("Done")).to_be_visible()
    assert said == []
    context.close()
