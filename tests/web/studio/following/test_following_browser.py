"""Following in a real browser: it goes on by itself, and a page elsewhere sees a pause without being touched."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from mailer.delivery.sending.run import note_run
from mailer.store.tables.states import DeliveryState
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.web.studio.conftest import HERE, House
from tests.web.studio.sendings import launch, send, set_state

pytestmark = pytest.mark.sqlite


def test_two_browsers_see_one_pause_and_the_end(browser: Browser, house: House) -> None:  # noqa: F811
    campaign = launch(house.studio)
    note_run(house.studio.database, now=house.studio.clock())
    desk, phone = browser.new_context(), browser.new_context(viewport={"width": 390, "height": 844})
    pages = [context.new_page() for context in (desk, phone)]
    for page in pages:
        page.set_default_timeout(20_000)
        page.goto(house.door)
        page.goto(f"{house.origin}{HERE}following")
        expect(page.locator(".lead")).to_have_text("It is leaving")
    pages[0].locator("#stop summary").click()  # what is folded out stays so while the page goes on
    pages[1].get_by_role("button", name="Pause").click()
    for page in pages:
        expect(page.locator(".lead")).to_have_text("Paused")
    pages[0].get_by_role("button", name="Go on").click()
    for page in pages:
        expect(page.locator(".lead")).to_have_text("It is leaving")
    send(house.studio)
    set_state(house.studio, campaign, (1,), DeliveryState.UNCERTAIN)
    for page in pages:
        expect(page.locator(".lead")).to_have_text("It has left")
        expect(page.locator("#decide-title")).to_have_text("Decide about 1 person")
    pages[1].get_by_role("button", name="Count them as sent").click()
    for page in pages:
        expect(page.locator("#decide")).to_have_count(0)
    for context in (desk, phone):
        context.close()


def test_without_script_it_reloads_and_its_buttons_work(browser: Browser, house: House) -> None:  # noqa: F811
    launch(house.studio)
    note_run(house.studio.database, now=house.studio.clock())
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(house.door)
    page.goto(f"{house.origin}{HERE}following")
    assert page.locator("meta[http-equiv=refresh]").count() == 1
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".lead")).to_have_text("Paused")
    page.locator("#stop summary").click()
    page.get_by_role("button", name="Stop for good").click()
    expect(page.locator(".lead")).to_have_text("Stopped for good")
    context.close()
