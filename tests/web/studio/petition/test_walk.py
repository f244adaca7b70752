"""A newcomer reads comments, lets one through, and takes away what is handed in, on a phone and a desktop."""

from __future__ import annotations

import zipfile

import pytest
from playwright.sync_api import Browser, expect

from tests.accessibility import faults_on
from tests.browser import browser
from tests.web.studio.conftest import House
from tests.web.studio.petition.test_petition import ROOM, petition

__all__ = ["browser", "petition"]


@pytest.mark.sqlite
@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
def test_a_newcomer_moderates_and_hands_over(
    petition: House,
    browser: Browser,
    width: int,
    scheme: str,
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme="dark" if scheme == "dark" else "light", bypass_csp=True
    )
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.goto(petition.door)
    page.get_by_role("link", name="Read 2 comments").click()
    page.wait_for_url(f"**{ROOM}")
    page.get_by_role("button", name="Show the comment of Ana").click()
    page.get_by_role("button", name="Hide the comment of Bo").click()
    expect(page.get_by_role("heading", name="Every comment has been read")).to_be_visible()
    assert faults_on(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    with page.expect_download() as coming:
        page.get_by_role("button", name="Download, names masked").click()
    with zipfile.ZipFile(coming.value.path()) as bundle:
        assert {"signatures.csv", "petition.pdf"} <= set(bundle.namelist())
    context.close()
