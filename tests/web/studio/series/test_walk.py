"""A series in a real browser, on a desktop and a phone: made of a newsletter, started, its issue approved, skipped."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from mailer.staff.rights import Role
from tests.accessibility import faults_on
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.web.studio.conftest import SLUG, Clock, House
from tests.web.studio.series.test_series_room import run

pytestmark = pytest.mark.sqlite


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
def test_from_a_newsletter_to_an_issue(
    browser: Browser, house: House, clock: Clock, width: int, scheme: str  # noqa: F811
) -> None:  # fmt: skip
    settings = house.workspace.root / "mailer.toml"
    settings.write_text(settings.read_text() + "\n[studio]\napprovals = 1\napprover_may_be_writer = true\n")
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]
    context.set_default_timeout(20_000)
    named, _, value = house.sign_in(Role.ADMIN, "Rhian").partition("=")
    context.add_cookies([{"name": named, "value": value, "url": house.origin}])
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.goto(f"{house.origin}/newsletters/{SLUG}/send?whole=1")
    page.get_by_role("link", name="Make it a series").click()
    expect(page.get_by_role("heading", name="How often should it leave?")).to_be_visible()
    page.get_by_label("Tue", exact=True).check()
    page.get_by_label("Fri", exact=True).focus()
    page.keyboard.press("Space")
    page.get_by_label("At", exact=True).fill("10:00")
    page.get_by_role("button", name="Save the rule").click()
    expect(page.get_by_text("It leaves every Tuesday and Friday at 10:00, UTC.")).to_be_visible()
    expect(page.get_by_text("Fri 27 Nov, 10:00")).to_be_visible()
    page.get_by_role("button", name="Start the series").click()
    expect(page.get_by_role("heading", name="The next issue leaves today, 10:00")).to_be_visible()
    assert wrong == []
    assert faults_on(page, least=10, frames=False) == []
    run(house, clock.at)
    page.goto(f"{house.origin}/")
    page.get_by_role("link", name="Review").first.click()
    expect(page.get_by_role("heading", name="Leaves today, 10:00")).to_be_visible()
    expect(page.frame_locator("iframe").get_by_text("Dear Ada,")).to_be_visible()
    assert faults_on(page, least=10, frames=False) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.get_by_role("button", name="Approve exactly this").click()
    expect(page.get_by_role("status")).to_contain_text("Approved exactly as it is by")
    page.get_by_role("button", name="Take this issue off").click()
    expect(page.get_by_text("Taken off before it left. Nobody got it.")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("heading", name="No issue leaves until you go on")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    context.close()
