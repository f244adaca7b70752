"""A newcomer sets up a welcome series in a real browser, on a phone and on a desktop."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from mailer.staff.rights import Role
from tests.accessibility import faults_on
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.web.studio.automations.test_room import fill_in
from tests.web.studio.conftest import House

pytestmark = pytest.mark.sqlite


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
def test_a_newcomer_sets_up_a_welcome_series(
    browser: Browser, house: House, width: int, scheme: str  # noqa: F811
) -> None:  # fmt: skip
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]
    named, _, value = house.sign_in(Role.ADMIN, "Rhian").partition("=")
    context.add_cookies([{"name": named, "value": value, "url": house.origin}])
    page = context.new_page()
    wrong: list[str] = []
    # axe sets inline styles, which the page's policy refuses.
    failed = lambda one: one.type == "error" and "inline style" not in one.text  # noqa: E731
    page.on("console", lambda one: wrong.append(one.text) if failed(one) else None)

    def sound() -> None:
        assert faults_on(page, least=5, frames=False) == []
        assert page.evaluate("document.documentElement.scrollWidth") == width

    page.goto(f"{house.origin}/automations")
    page.get_by_role("link", name="New automation").click()
    sound()
    page.get_by_role("button", name="Welcome series").click()
    expect(page.get_by_text("It is yours now, and mails nobody yet.")).to_be_visible()
    sound()
    page.get_by_role("link", name="Change the step “Wait 3 days”").click()
    page.get_by_label("How long").fill("2 days")
    sound()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Wait 2 days")).to_be_visible()
    page.get_by_role("link", name="Add a step here").nth(1).click()
    page.get_by_label("Wait", exact=True).check()
    page.get_by_label("How long").fill("1 hour")
    sound()
    page.get_by_role("button", name="Add the step").click()
    expect(page.get_by_text("Wait 1 hour")).to_be_visible()
    page.get_by_role("link", name="Change", exact=True).click()
    page.get_by_label("somebody signs a petition").check()
    page.get_by_label("somebody joins the list").check()
    sound()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="You’re in. Here is what happens now", exact=True).click()
    expect(page.get_by_role("heading", name="What they get")).to_be_attached()
    page.goto("about:blank")  # a page that shows a file loads itself again when that is changed
    fill_in(house.workspace.newsletters / "welcome-series")
    page.goto(f"{house.origin}/automations/welcome-series/start")
    expect(page.get_by_role("heading", name="Nobody comes in at once")).to_be_visible()
    sound()
    page.get_by_role("button", name="Start it").click()
    expect(page.get_by_text("It is active: people come in from now on.")).to_be_visible()
    sound()
    page.get_by_role("link", name="End it…").click()
    sound()
    page.get_by_role("button", name="Stop it, take everybody out").click()
    expect(page.get_by_text("It is stopped, and everybody is out of it.")).to_be_visible()
    assert wrong == []
    context.close()
