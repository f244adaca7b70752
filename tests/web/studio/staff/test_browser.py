"""The door in a real browser: a passkey made and used, by a device in software; keyboard, phones, accessibility."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from mailer.staff.audit import entries
from mailer.staff.credentials.passkeys import passkeys_of
from mailer.staff.rights import Role
from tests.accessibility import faults_on
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.web.studio.conftest import SLUG
from tests.web.studio.staff.conftest import House, account_named, invited

SIZES = ((390, 844), (900, 900), (1440, 900))


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:  # noqa: F811
    made = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    made.set_default_timeout(15_000)
    yield made
    made.close()


def with_device(page: Page, *, recognises: bool = True) -> str:
    """Give the page's browser a device that makes passkeys; the number by which it is driven."""
    driver = page.context.new_cdp_session(page)
    driver.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": recognises, "automaticPresenceSimulation": True,
    }  # fmt: skip
    return str(driver.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"])


def at(house: House, path: str) -> str:
    return f"http://localhost:{house.port}{path}"


def test_a_passkey_is_made_by_a_link_and_signs_in_from_then_on(house: House, context: BrowserContext) -> None:
    said: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    with_device(page)
    page.goto(f"{house.origin}{invited(house)}")
    page.get_by_role("button", name="With this device").click()
    page.wait_for_url(at(house, "/"))
    page.goto(at(house, "/account"))
    expect(page.get_by_text("Linux computer")).to_be_visible()
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url(at(house, "/sign-in"))
    page.goto(at(house, "/staff"))
    page.get_by_role("button", name="Use this device").click()
    page.wait_for_url(at(house, "/staff"))
    with house.studio.database.read() as connection:
        assert [one.detail for one in entries(connection) if one.action == "signed in"] == [
            "by passkey", "by one-time link and passkey",
        ]  # fmt: skip
        (kept,) = passkeys_of(connection, account_named(house).id)
        assert kept.used_at is not None
    assert said == [], "the policy refused something"


def test_a_device_that_recognises_nobody_makes_no_passkey(house: House, context: BrowserContext) -> None:
    page = context.new_page()
    with_device(page, recognises=False)
    page.goto(at(house, invited(house)))
    page.get_by_role("button", name="With this device").click()
    expect(page.get_by_role("alert")).to_contain_text("No passkey was used")
    with house.studio.database.read() as connection:
        assert passkeys_of(connection, account_named(house).id) == []


def test_a_passkey_that_was_removed_is_refused_in_words(house: House, context: BrowserContext) -> None:
    page = context.new_page()
    with_device(page)
    page.goto(at(house, invited(house)))
    page.get_by_role("button", name="With this device").click()
    page.wait_for_url(at(house, "/"))
    from sqlalchemy import delete

    from mailer.store.tables.staff import staff_passkeys, staff_sessions

    with house.studio.database.write() as connection:
        connection.execute(delete(staff_passkeys))
        connection.execute(delete(staff_sessions))
    page.goto(at(house, "/sign-in"))
    page.get_by_role("button", name="Use this device").click()
    expect(page.get_by_role("alert")).to_contain_text("not known here")


def test_a_second_device_is_added_and_the_last_way_in_stays(house: House, context: BrowserContext) -> None:
    page = context.new_page()
    with_device(page)
    page.goto(at(house, invited(house)))
    page.get_by_role("button", name="With this device").click()
    page.wait_for_url(at(house, "/"))
    page.goto(at(house, "/account"))
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("alert").filter(has_text="only way in")).to_be_visible()
    page.get_by_role("button", name="Add this device").click()
    expect(page.get_by_role("alert").filter(has_text="already")).to_be_visible()


def signed_in(house: House, page: Page, role: Role = Role.ADMIN) -> None:
    with_device(page)
    page.goto(at(house, invited(house, role)))
    page.get_by_role("button", name="With this device").click()
    page.wait_for_url(at(house, "/"))


@pytest.mark.sqlite
@pytest.mark.parametrize("width", [390, 1440])
def test_a_writer_is_invited_who_sees_no_people(house: House, browser: Browser, width: int) -> None:  # noqa: F811
    """From the form of an admin to the writer's own screen."""
    theirs, mine = (browser.new_context(viewport={"width": width, "height": 844}) for _ in range(2))
    for context in (theirs, mine):
        context.set_default_timeout(30_000)
    admin = mine.new_page()
    signed_in(house, admin)
    admin.goto(at(house, "/staff"))
    admin.get_by_label("Work address").fill("zoe@example.org")
    admin.get_by_label(re.compile("^Writer")).check()
    admin.get_by_role("button", name="Add them and show the link").click()
    link = admin.get_by_label("Link").input_value()
    writer = theirs.new_page()
    with_device(writer)
    writer.goto(link)
    writer.get_by_role("button", name="With this device").click()
    writer.wait_for_url(at(house, "/"))
    assert writer.get_by_role("link", name="People", exact=True).count() == 0
    for path in ("/people", "/people/1", "/imports", "/people/bulk"):
        reply = writer.goto(at(house, path))
        assert reply
        assert reply.status == 403
        assert "mary1@example.org" not in writer.content()
    writer.goto(at(house, f"/newsletters/{SLUG}/audience"))
    expect(writer.get_by_text("3 people").first).to_be_visible()
    theirs.close()
    mine.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_no_page_is_wider_than_its_screen(
    house: House,
    browser: Browser,  # noqa: F811
    scheme: str,
) -> None:
    context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light", bypass_csp=True)  # for axe
    page = context.new_page()
    link = invited(house)
    for name, path in (("sign-in", "/sign-in"), ("join", link)):
        look(page, at(house, path), name, scheme)
    signed_in(house, page)
    tom = invited(house, Role.WRITER, "tom.with.quite.a.long.name@longer.example.org")
    assert tom
    number = account_named(house, "tom.with.quite.a.long.name@longer.example.org").id
    for path in ("/account", "/staff", f"/staff/{number}", "/audit"):
        look(page, at(house, path), re.sub(r"\W", "", path), scheme)
    page.goto(at(house, f"/staff/{number}"))
    page.get_by_role("button", name="Show a link").click()
    page.wait_for_url(re.compile("/link$"))
    assert faults_on(page) == []
    context.close()


def look(page: Page, url: str, name: str, scheme: str) -> None:
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.goto(url)
        for part in page.locator("details").all():
            part.evaluate("one => one.open = true")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (url, width)
        if width != 900:
            assert faults_on(page) == [], (url, width)


def test_the_keyboard_suffices(house: House, context: BrowserContext) -> None:
    page = context.new_page()
    with_device(page)
    page.goto(at(house, invited(house)))
    page.get_by_role("button", name="With this device").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(at(house, "/"))
    page.goto(at(house, "/staff"))
    page.get_by_label("Work address").focus()
    page.keyboard.type("tom@example.org")
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")  # writer → approver
    while page.evaluate("document.activeElement.textContent.trim()") != "Add them and show the link":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Link")).to_have_value(re.compile(r"/join/[\w-]{43}$"))
    assert account_named(house, "tom@example.org").role is Role.APPROVER


def test_without_script_a_password_does(house: House, browser: Browser) -> None:  # noqa: F811
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(at(house, invited(house)))
    expect(page.get_by_role("button", name="With this device")).to_be_hidden()
    expect(page.get_by_text("With a password and an app")).to_be_visible()
    page.goto(at(house, "/sign-in"))
    expect(page.get_by_label("Password")).to_be_visible()
    context.close()
