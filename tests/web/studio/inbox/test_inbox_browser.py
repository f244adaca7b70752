"""The Inbox in a real browser, on a desktop and a phone: a scanner's unsubscribes undone by a newcomer, replies dealt
with, every page clean for axe and as wide as its screen."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import insert

from mailer.store.tables.core import events
from mailer.store.tables.inbound import returned_mails
from mailer.web import counted_beside
from tests.accessibility import faults_on
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.patience import HANG_SECONDS
from tests.web.studio.conftest import House
from tests.web.studio.inbox.came_back import PEOPLE, SCANNED, leave, numbers_of, on_the_list, scan
from tests.web.studio.inbox.test_replies import write_back

pytestmark = pytest.mark.sqlite
PAGES = (
    "/inbox", "/inbox/replies", "/inbox/replies/1", "/inbox/replies/2", "/inbox/replies?view=automatic",
    "/inbox/bounces?class=hard", "/inbox/complaints",
)  # fmt: skip


@pytest.mark.parametrize(("width", "scheme", "script"), [(1440, "light", True), (390, "dark", False)])
def test_what_came_back_is_dealt_with(
    browser: Browser,  # noqa: F811
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    width: int,
    scheme: str,
    script: bool,
) -> None:
    monkeypatch.setattr(counted_beside, "A_PAGE_WAITS_SECONDS", HANG_SECONDS)
    campaign = leave(house)
    numbers, now = numbers_of(house, campaign), house.studio.clock()
    scan(house, campaign)
    write_back(
        house, ("7", "Well done!"), ("8", "Please remove me."), ("9", "I am out of the office."), numbers=numbers
    )
    with house.studio.database.write() as connection:
        row = {"campaign_id": campaign, "delivery_id": numbers[10], "at": now, "kind": "bounced", "reply_class": "hard"}
        connection.execute(insert(events).values(row))
        mail = {"digest": "a" * 64, "at": now, "kind": "unknown", "decision": "open", "subject": "Moved", "why": "odd"}
        connection.execute(insert(returned_mails).values(mail | {"delivery_id": numbers[11]}))
    dark = "dark" if scheme == "dark" else "light"
    shape = {"width": width, "height": 900}
    context = browser.new_context(viewport=shape, color_scheme=dark, bypass_csp=True)  # pyright: ignore[reportArgumentType]
    look = context.new_page()
    look.set_default_timeout(20_000)
    look.goto(house.door)
    look.goto(f"{house.origin}/inbox")
    path = look.get_by_role("link", name="Look at the 6 people").get_attribute("href")
    for place in (*PAGES, path):
        look.goto(f"{house.origin}{place}")
        look.get_by_role("heading", level=1).wait_for()
        assert faults_on(look, least=10, frames=False) == [], place
        assert look.evaluate("document.documentElement.scrollWidth <= innerWidth"), place
    context.close()
    context = browser.new_context(viewport=shape, java_script_enabled=script)  # pyright: ignore[reportArgumentType]
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.goto(house.door)
    page.goto(f"{house.origin}/")
    page.get_by_role("link", name="A scanner may have unsubscribed 6 people").click()
    for person in SCANNED:
        expect(page.get_by_text(f"mary{person}@example.org", exact=True)).to_be_visible()
    page.get_by_role("button", name="A scanner did it: put them back").click()
    expect(page.get_by_text("A scanner may have")).to_have_count(0)
    assert on_the_list(house) == set(range(1, PEOPLE + 1))
    page.get_by_role("button", name="Nobody lives there").click()
    expect(page.get_by_text("Moved")).to_have_count(0)
    page.get_by_role("link", name="Read the 2 replies").click()
    page.get_by_role("link", name="Mary 8").click()
    page.get_by_role("button", name="Take them off the newsletter’s lists").click()
    page.get_by_role("link", name="Mary 7").click()
    page.get_by_role("button", name="I have answered").click()
    expect(page.get_by_text("Replies don’t come here yet.")).to_be_visible()
    assert on_the_list(house) == set(range(1, PEOPLE + 1)) - {8}
    context.close()
