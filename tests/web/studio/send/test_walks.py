"""Sending in real browsers: two people at once, a stop in the hold, a stale tab, no script, keys, every screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from mailer.delivery.campaigns import lifecycle
from mailer.delivery.sending.run import note_run
from mailer.staff.rights import Role
from tests.accessibility import faults_on
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.web.studio.conftest import BODY, FRONT, HERE, Clock, House
from tests.web.studio.send.test_send import ROOM, TEN, campaign, decisions, form_of, send

pytestmark = pytest.mark.sqlite
Visitor = Callable[..., Page]


@pytest.fixture
def visitor(browser: Browser, house: House) -> Iterator[Visitor]:  # noqa: F811
    """Opens the room as somebody, in a browser of their own."""
    opened: list[BrowserContext] = []

    def visit(role: Role, name: str, *, script: bool = True) -> Page:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, java_script_enabled=script)
        context.set_default_timeout(20_000)
        opened.append(context)
        named, _, value = house.sign_in(role, name).partition("=")
        context.add_cookies([{"name": named, "value": value, "url": house.origin}])
        page = context.new_page()
        page.goto(f"{house.origin}{ROOM}")
        return page

    yield visit
    for context in opened:
        context.close()


def type_number(page: Page, number: str = "3") -> None:
    page.get_by_label("How many people get this?").fill(number)
    page.get_by_role("button", name="Send it").click()


def test_a_colleague_sees_it_count_down_and_stops_it(visitor: Visitor, house: House, clock: Clock) -> None:
    sender, approver = visitor(Role.SENDER, "Siân"), visitor(Role.APPROVER, "Amina")
    expect(approver.locator(".note").last).to_contain_text("Only senders can do this: Siân")
    type_number(sender)
    expect(sender.get_by_role("heading", name="Leaves at 09:10")).to_be_visible()
    expect(approver.get_by_role("heading", name="Leaves at 09:10")).to_be_visible()  # by itself
    expect(approver.get_by_role("timer")).not_to_have_text("10:00")  # it goes on between two answers
    clock.at += timedelta(minutes=3)
    approver.get_by_role("button", name="Stop it").click()
    expect(sender.get_by_role("status").first).to_contain_text("Stopped by approveramina@example.org")
    expect(sender.get_by_label("How many people get this?")).to_be_visible()
    assert campaign(house) is None
    assert decisions(house) == ["newsletter scheduled", "newsletter taken off the schedule"]


def test_the_back_button_shows_it_as_it_is_now(visitor: Visitor, house: House) -> None:
    sender = visitor(Role.SENDER, "Siân")
    type_number(sender, "4")
    expect(sender.get_by_role("alert")).to_contain_text("3 people get this, not 4")
    expect(sender.get_by_label("How many people get this?")).to_be_focused()
    type_number(sender)
    expect(sender.get_by_role("timer")).to_be_visible()
    sender.locator("nav.way").get_by_role("link", name="Write").click()
    sender.wait_for_url(f"**{HERE}")
    send(house, {}, to=f"{ROOM}/stop", cookie=house.sign_in(Role.APPROVER))
    sender.go_back()
    expect(sender.get_by_role("button", name="Send it")).to_be_visible()
    assert campaign(house) is None


def test_it_follows_what_leaves(visitor: Visitor, house: House, clock: Clock) -> None:
    sender = visitor(Role.SENDER, "Siân")
    type_number(sender)
    expect(sender.get_by_role("timer")).to_be_visible()
    clock.at += TEN
    lifecycle.launch_due(house.studio.database, now=clock())
    sender.wait_for_url(lambda url: not url.endswith("/send"))


def test_a_stale_tab_sends_nothing_that_nobody_saw(visitor: Visitor, house: House, clock: Clock) -> None:
    sender = visitor(Role.SENDER, "Siân", script=False)  # asleep: nothing renews it
    expect(sender.get_by_role("button", name="Send it")).to_be_visible()
    clock.at += timedelta(hours=11)
    house.write(BODY.replace("Ask them", "Tell them"))
    type_number(sender)
    expect(sender.get_by_role("alert")).to_contain_text("It was changed after you opened this page")
    assert campaign(house) is None


def test_all_of_it_works_without_script(visitor: Visitor, house: House) -> None:
    sender = visitor(Role.SENDER, "Siân", script=False)
    sender.locator("summary", has_text="Change").click()
    sender.get_by_label("At this time, for everybody").check()
    sender.get_by_label("Day").fill("2026-12-01")
    sender.get_by_label("Time", exact=True).fill("09:00")
    sender.get_by_role("button", name="Keep this time").click()
    sender.get_by_label("How many people get this?").fill("3")
    sender.get_by_role("button", name="Schedule for Tue 1 Dec, 09:00").click()
    expect(sender.get_by_role("heading", name="Leaves Tue 1 Dec, 09:00 UTC")).to_be_visible()
    sender.get_by_role("button", name="Take it off the schedule").click()
    expect(sender.get_by_role("status").first).to_contain_text("Stopped")


def test_what_is_put_right_elsewhere_gives_the_button_back(visitor: Visitor, house: House) -> None:
    house.write(BODY, FRONT.replace("subject:", "subjekt:"))
    sender = visitor(Role.SENDER, "Siân")
    expect(sender.get_by_role("heading", name="before this can leave")).to_be_visible()
    sender.locator(".found").get_by_role("link", name="Fix it").first.click()
    sender.wait_for_url("**#field-subject")
    expect(sender.locator("#f-subject")).to_be_focused()
    sender.go_back()
    house.write()
    expect(sender.get_by_role("button", name="Send it")).to_be_visible()  # by itself


def test_a_time_that_is_being_chosen_is_left_alone(visitor: Visitor, house: House) -> None:
    sender = visitor(Role.SENDER, "Siân")
    way, at = sender.locator("nav.way"), sender.get_by_label("At this time, for everybody")
    sender.locator("summary", has_text="Change").click()
    house.write(BODY, FRONT.replace("subject:", "subjekt:"))
    expect(way).to_contain_text("to fix")
    expect(sender.get_by_role("heading", name="before this can leave")).to_be_visible()
    at.check()  # what was opened is still open
    at.blur()
    house.write()
    expect(way).not_to_contain_text("to fix")
    expect(at).to_be_checked()


def test_keys_alone_send_and_stop(visitor: Visitor, house: House) -> None:
    sender = visitor(Role.SENDER, "Siân")
    number = sender.get_by_label("How many people get this?")
    number.focus()
    sender.keyboard.type("3")
    sender.keyboard.press("Enter")
    stop = sender.get_by_role("button", name="Stop it")
    expect(stop).to_be_visible()
    stop.focus()
    sender.keyboard.press("Enter")
    expect(sender.get_by_role("status").first).to_contain_text("Stopped")
    assert campaign(house) is None


def test_a_double_click_is_one_order(visitor: Visitor, house: House) -> None:
    sender = visitor(Role.SENDER, "Siân")
    sender.get_by_label("How many people get this?").fill("3")
    sender.get_by_role("button", name="Send it").dblclick()
    expect(sender.get_by_role("timer")).to_be_visible()
    assert decisions(house) == ["newsletter scheduled"]


def held(house: House) -> None:
    assert send(house, form_of(house)).status == 303


def planned(house: House) -> None:
    send(house, {"when": "at", "day": "2026-12-01", "clock": "09:00"}, to=f"{ROOM}/time")
    held(house)


def troubled(house: House) -> None:
    house.write(BODY.replace('| default("friend")', ""), FRONT.replace("subject:", "subjekt:"))


def refused_time(house: House) -> None:
    note_run(house.studio.database, now=house.studio.clock())


@pytest.mark.parametrize("how", [held, planned, troubled, refused_time])
@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (390, "dark"), (900, "dark"), (1440, "light")])
def test_each_state_is_accessible_and_fits_its_screen(
    browser: Browser,  # noqa: F811
    house: House,
    width: int,
    scheme: str,
    how: Callable[[House], None],
) -> None:
    how(house)
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light", bypass_csp=True
    )
    page = context.new_page()
    page.goto(house.door)
    page.goto(f"{house.origin}{ROOM}?whole")
    if how is refused_time:
        page.locator("summary", has_text="Change").click()
        page.get_by_label("At this time, for everybody").check()
        page.get_by_label("Day").fill("2026-11-24")
        page.get_by_label("Time", exact=True).fill("08:00")
        page.get_by_role("button", name="Keep this time").click()
        expect(page.get_by_role("alert")).to_contain_text("is past")
    assert faults_on(page, least=10, frames=False) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
