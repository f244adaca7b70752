"""The whole way, from the one-time link to the report: a writer, an approver on a phone and a sender, each in a browser
of their own, on whose pages everything arrives by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from mailer.staff.rights import Role
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.web.studio import sendings
from tests.web.studio.conftest import HERE, Clock, House
from tests.web.studio.review.test_room import set_approvals
from tests.web.studio.send.test_send import ROOM, TEN, campaign
from tests.web.studio.staff.conftest import invited
from tests.web.studio.staff.test_browser import at, with_device

pytestmark = pytest.mark.sqlite
SignIn = Callable[..., Page]


@pytest.fixture
def sign_in(browser: Browser, house: House) -> Iterator[SignIn]:  # noqa: F811
    """Somebody opens the link they were sent and makes a passkey; the page they land on."""
    opened: list[BrowserContext] = []

    def come(role: Role, name: str, *, width: int = 1440) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900})
        context.set_default_timeout(20_000)
        opened.append(context)
        page = context.new_page()
        with_device(page)
        page.goto(at(house, invited(house, role, f"{name}@example.org")))
        page.get_by_role("button", name="With this device").click()
        page.wait_for_url(at(house, "/"))
        return page

    yield come
    for context in opened:
        context.close()


def send(page: Page) -> None:
    page.get_by_label("How many people get this?").fill("3")
    page.get_by_role("button", name="Send it").click()
    expect(page.get_by_role("timer")).to_be_visible()


def test_from_the_link_to_the_report(sign_in: SignIn, house: House, clock: Clock) -> None:
    set_approvals(house)
    writer = sign_in(Role.WRITER, "rhiannon")
    approver = sign_in(Role.APPROVER, "amina", width=390)
    sender = sign_in(Role.SENDER, "sian")

    writer.get_by_role("link", name="Our appeal").first.click()
    writer.wait_for_url(at(house, HERE))  # and its scripts
    writer.locator("#f-subject").fill("Tell them what you think")
    writer.locator("#save").click()
    expect(writer.locator("#saving")).to_have_text("Saved")
    sender.goto(at(house, ROOM))
    expect(sender.get_by_role("heading", name="One thing before this can leave")).to_be_visible()
    expect(sender.locator(".found").first).to_contain_text("It isn’t approved yet")
    writer.locator(".way").get_by_role("link", name="Review").click()
    writer.get_by_role("button", name="Ask for approval").click()

    approver.reload()
    approver.get_by_role("link", name="Approve “Our appeal”").click()
    approver.get_by_role("button", name="Approve exactly this").click()
    expect(approver.locator(".who", has_text="amina")).to_contain_text("Exactly this")

    expect(sender.get_by_role("heading", name="Nothing is in the way")).to_be_visible()  # by itself
    send(sender)
    approver.goto(at(house, "/"))
    approver.get_by_role("button", name="Stop it").click()  # on a phone, from the front page
    expect(approver.get_by_role("status").first).to_contain_text("Stopped by amina@example.org")
    expect(sender.get_by_role("status").first).to_contain_text("Stopped by amina@example.org")
    assert campaign(house) is None
    send(sender)  # its approval stays

    clock.at += TEN
    assert sendings.send(house.studio).finished == [house.file.parent.name]
    sender.wait_for_url(at(house, f"{HERE}following"))  # by itself
    expect(sender.get_by_role("heading", name="It has left")).to_be_visible()
    assert len(list((house.workspace.root / "outbox" / "new").iterdir())) == 3
    writer.goto(at(house, f"{HERE}results"))
    expect(writer.locator("main")).to_contain_text("3 people")
    writer.goto(at(house, f"{HERE}history"))
    for told in ("amina@example.org", "sian@example.org"):
        expect(writer.locator("main")).to_contain_text(told)
