"""Walks in a real browser, on a phone and on a desktop: a newcomer gets a test mail out, and passes the doctor."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from mailer.settings import read_settings
from mailer.web.studio.settings import domain
from tests.accessibility import faults_on
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.servers.dns_server import DnsServer
from tests.servers.relay import Relay
from tests.web.studio.conftest import House
from tests.web.studio.settings.test_domain import DOMAIN, dns

__all__ = ["dns"]
pytestmark = pytest.mark.sqlite  # what is in the database is for tests/editing/settings


@pytest.fixture(params=[(390, 844), (1440, 900)], ids=["phone", "desktop"])
def page(browser: Browser, house: House, request: pytest.FixtureRequest) -> Iterator[Page]:  # noqa: F811
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.goto(house.door)
    yield page
    context.close()


def sound(page: Page) -> None:
    """Nothing for axe to find, and nothing beyond the edge."""
    assert faults_on(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_newcomer_gets_from_a_new_workspace_to_a_test_mail(house: House, page: Page) -> None:
    """Without a terminal: the first page says what is next, again and again."""
    path = house.workspace.root / "mailer.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("https://mail.example.org", "http://127.0.0.1:8765"))
    page.goto(f"{house.origin}/settings")
    expect(page.get_by_role("heading", level=1)).to_have_text("4 steps until your first mail")
    sound(page)
    page.locator(".first").get_by_role("link", name="Say who you are").last.click()
    page.get_by_label("Name", exact=True).fill("Clean River")
    page.get_by_label("Public address").fill("https://act.clean-river.org/")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Public address must be http(s)://host without a slash at the end.")).to_be_visible()
    sound(page)
    page.get_by_label("Public address").fill("https://act.clean-river.org")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved.")
    page.get_by_role("link", name="Settings", exact=True).first.click()
    page.locator(".first").get_by_role("link", name="Choose the sender").last.click()
    page.get_by_label("From", exact=True).fill("Clean River <news@clean-river.org>")
    page.get_by_role("button", name="Save").click()
    page.goto(f"{house.origin}/settings")
    page.locator(".first").get_by_role("link", name="Choose who carries your mails").last.click()
    sound(page)
    page.get_by_role("link", name="Another mail server").click()
    with Relay(login=("us", "secret-of-ours"), tls="none") as relay:
        page.get_by_label("Server", exact=True).fill("127.0.0.1")
        page.get_by_label("Port").fill(str(relay.port))
        page.get_by_label("Encryption").select_option("none")
        page.get_by_label("Login").fill("us")
        page.get_by_label("Password").fill("secret-of-ours")
        sound(page)
        page.get_by_role("button", name="Use Another mail server").click()
        expect(page.get_by_text("They go by SMTP")).to_be_visible()
        page.get_by_label("To", exact=True).fill("amina@clean-river.org")
        page.get_by_role("button", name="Send a test mail").click()
        expect(page.get_by_role("status")).to_contain_text("SMTP took it.")
        (mail,) = relay.received
    assert mail.recipient == "amina@clean-river.org"
    assert b"A test mail from Clean River" in mail.content
    assert read_settings(house.workspace.root, {}).organisation.name == "Clean River"
    page.goto(f"{house.origin}/settings")
    expect(page.get_by_role("heading", level=1)).to_have_text("Settings")


def test_somebody_passes_the_doctor(
    house: House, dns: DnsServer, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """The record is copied from the page, published, and the page finds it by itself."""
    monkeypatch.setattr(domain, "AGAIN", timedelta(seconds=-1))  # the clock stays where it is
    page.goto(f"{house.origin}/settings/domain")
    missing = page.get_by_text(f"DMARC: {DOMAIN} has no record")
    expect(missing).to_be_visible()
    sound(page)
    value = page.locator('[data-copy^="v=DMARC1"]').get_attribute("data-copy")
    assert value is not None
    dns.zone[f"_dmarc.{DOMAIN}"] = {"TXT": [f'"{value}"']}
    expect(missing).to_have_count(0)
    page.get_by_text("What is in order").click()
    expect(page.get_by_text(re.compile("DMARC: p=none"))).to_be_visible()
    page.get_by_role("link", name="Organisation", exact=True).click()
    page.wait_for_url(f"{house.origin}/settings/organisation")
    expect(page.get_by_label("Public address")).to_have_value("http://127.0.0.1:1")
