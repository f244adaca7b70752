"""A newcomer takes a backup and carries it away, on a phone and a desktop."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.accessibility import faults_on
from tests.age import opened
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.web.studio.conftest import House

PASSPHRASE = "fish can’t vote, and neither can bees"


@pytest.mark.sqlite
@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
def test_a_newcomer_takes_one_and_carries_it_away(
    house: House,
    browser: Browser,  # noqa: F811
    width: int,
    scheme: str,
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme="dark" if scheme == "dark" else "light", bypass_csp=True
    )
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.goto(house.door)
    page.goto(f"{house.origin}/backups")
    expect(page.get_by_role("heading", name="There is no backup yet")).to_be_visible()
    page.get_by_role("button", name="Take one now").click()
    page.get_by_role("link", name="See the backups").click()
    page.get_by_text("Download…").click()
    page.get_by_label("Passphrase, 12 characters or more").fill(PASSPHRASE)
    page.get_by_label("The same again").fill(PASSPHRASE)
    assert faults_on(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    with page.expect_download() as coming:
        page.get_by_role("button", name="Download it sealed").click()
    assert (opened(coming.value.path().read_bytes(), PASSPHRASE) or b"").startswith(b"SQLite format 3")
    context.close()
