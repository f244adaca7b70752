"""A newcomer moves house in a browser, at a desk and on a phone: from Mailchimp's zip, and from listmonk itself."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.accessibility import faults_on
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.moving.listmonk_server import TOKEN, USER, many, serving
from tests.web.studio.conftest import House
from tests.web.studio.imports.conftest import house  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.web.studio.imports.test_imports import LEFT, MAILCHIMP

pytestmark = pytest.mark.sqlite
FAR = 60_000  # ms, for what is done beside the page
CLEANED = (
    "Email Address,First Name,MEMBER_RATING,OPTIN_TIME,CLEAN_TIME,LEID,EUID\n"
    "gone@example.org,G,2,2023-04-02,2024-01-01,3,c\n"
)


def opened(browser: Browser, house: House, width: int) -> Page:  # noqa: F811
    context = browser.new_context(viewport={"width": width, "height": 900})
    context.set_default_timeout(FAR)
    page = context.new_page()
    page.goto(house.door)
    page.goto(f"{house.origin}/imports")
    return page


def sound(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
    assert faults_on(page) == []


@pytest.mark.parametrize("width", [1440, 390])
def test_from_mailchimp(browser: Browser, house: House, tmp_path: Path, width: int) -> None:  # noqa: F811
    page, packed, loose = opened(browser, house, width), tmp_path / "audience.zip", tmp_path / "cleaned_members.csv"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("subscribed_members_export.csv", MAILCHIMP)
        archive.writestr("unsubscribed_members_export.csv", LEFT)
    loose.write_text(CLEANED, encoding="utf-8")
    page.get_by_role("link", name="Move house", exact=True).click()
    sound(page)
    page.get_by_role("link", name=re.compile("^Mailchimp")).click()
    expect(page.get_by_text("Export audience")).to_be_visible()
    sound(page)
    page.get_by_label(re.compile("here, or choose")).set_input_files([packed, loose])
    page.get_by_role("button", name="Look at it first").click()
    page.wait_for_url("**/columns")
    files = page.get_by_role("list", name="The files")
    expect(files).to_contain_text("everybody: may be mailed")
    expect(files).to_contain_text("everybody: address died")
    sound(page)
    page.get_by_role("button", name="Next: consent").click()
    page.get_by_label("Where and how they agreed").fill("Sign-up form of our website, kept by Mailchimp")
    page.get_by_label("Nobody knows the words any more").check()
    page.get_by_role("button", name="Next: rehearsal").click()
    page.wait_for_url("**/rehearsal")
    page.get_by_role("button", name="Import 1 person").click()
    page.wait_for_url(re.compile(r"/imports/moving/\d+$"))
    expect(page.get_by_role("heading", name="1 of 3 people came")).to_be_visible()
    expect(page.get_by_text("3 there = 1 in + 2 left out + 0 merged")).to_be_visible()
    with page.expect_download() as got:
        page.get_by_role("link", name="Who and why").click()
    assert "gone@example.org" in Path(got.value.path()).read_text(encoding="utf-8")
    sound(page)
    page.context.close()


@pytest.mark.parametrize("width", [1440, 390])
def test_from_listmonk(browser: Browser, house: House, width: int) -> None:  # noqa: F811
    fake = many(60)
    fake.campaigns.append({"id": 7, "name": "River day", "subject": "Hi {{ .Subscriber.FirstName }}",
                           "content_type": "richtext", "status": "finished",
                           "body": "<p>Dear {{ .Subscriber.Name }}, {{ if .x }}see{{ end }}</p>"})  # fmt: skip
    page = opened(browser, house, width)
    with serving(fake):
        page.get_by_role("link", name="Move house", exact=True).click()
        page.get_by_role("link", name=re.compile("^listmonk")).click()
        sound(page)
        page.get_by_label("Where you open listmonk").fill(fake.url)
        page.get_by_label("API user").fill(USER)
        page.get_by_label("Its token").fill(TOKEN)
        page.get_by_role("button", name="Read listmonk").click()
        page.get_by_label("River news moves onto").wait_for()
    page.get_by_label("Old list moves onto").select_option(label="Leave out")
    page.get_by_label("Where and how they agreed").fill("Sign-up form of our website, kept by listmonk")
    page.get_by_label("Nobody knows the words any more").check()
    sound(page)
    page.get_by_role("button", name="Next: rehearsal").click()
    page.get_by_role("button", name="Move house").wait_for()
    sound(page)
    page.get_by_role("button", name="Move house").click()
    page.wait_for_url(re.compile(r"/imports/moving/\d+$"))
    expect(page.get_by_role("heading", name=re.compile("of 60 people came"))).to_be_visible()
    expect(page.get_by_text("2 gaps to fill")).to_be_visible()
    sound(page)
    page.get_by_text("Take it back…").click()
    sound(page)
    page.get_by_role("button", name="Yes, take this move back").click()
    back = page.get_by_text("of this move were taken back since").or_(page.get_by_text("It is being taken back"))
    expect(back.first).to_be_visible()
    page.context.close()
