"""A headless browser for tests that look at a page, or a plain reason why there is none.

It is Debian's chromium-headless-shell (or chromium), driven by playwright; nothing is downloaded and nothing is fetched
from the network. Where it is missing such tests are skipped, except under CI=true, where they fail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, Page, Route, expect, sync_playwright

# What a page is to show comes late on a busy machine; what never comes is found all the same.
expect.set_options(timeout=60_000)

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",  # a container's root has no sandbox; the pages are our own
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a module, since playwright keeps a loop running that other tests would meet.

    Give each page a context of its own.
    """
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        reason = "no browser: apt install chromium-headless-shell"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield opened
        opened.close()


def hold_back(page: Page, address: str) -> list[Route]:
    """The page's requests to such addresses, from now on; each waits for its `continue_()`."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(address, hold)
    return held


def picture_of(page: Page, *, full_page: bool = False) -> bytes:
    """The page as PNG. On a busy machine Chromium now and then can't take one; asked again it can."""
    for _ in range(5):
        try:
            return page.screenshot(full_page=full_page)
        except Error as error:
            if "Unable to capture screenshot" not in error.message:
                raise
    return page.screenshot(full_page=full_page)
