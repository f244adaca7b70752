"""The rooms in a real browser: policy, keys, narrow screens, dark, accessibility; a hostile mail does nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from mailer.web.studio.compose import looks
from tests.accessibility import faults_on
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.patience import contention, until
from tests.web.studio.conftest import BODY, FRONT, HERE, House

PATHS = ("/", "/newsletters", "/newsletters/new", HERE, f"{HERE}send?whole", "/find?q=our", "/keys", "/nothing")
HOSTILE = """<!doctype html><html lang="en"><head><title>x</title>
<script>parent.document.title = "taken"</script></head><body onload="parent.document.title='taken'">
<img src="/nothing" onerror="parent.document.title='taken'" alt="pixel">
<a id="js" href="javascript:parent.document.title='taken'">script</a>
<a id="top" href="/newsletters" target="_top">top</a><a id="new" href="/" target="_blank">new</a>
<form action="/newsletters/new" method="post"><button id="post">Send</button></form></body></html>"""


@pytest.fixture
def page(browser: Browser, house: House) -> Iterator[Page]:  # noqa: F811
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(15_000)
    opened.goto(house.door)
    yield opened
    context.close()


@pytest.mark.sqlite
def test_nothing_breaks_the_policy_and_nobody_else_is_asked(page: Page, house: House) -> None:
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda told: complaints.append(told.text) if "Content Security" in told.text else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.context.on("request", lambda request: asked.append(request.url))
    for path in ("/", "/newsletters", HERE, "/keys"):
        page.goto(f"{house.origin}{path}")
        page.wait_for_timeout(200)
    assert complaints == []
    assert {url for url in asked if not url.startswith((house.origin, "data:"))} == set()


@pytest.mark.sqlite
def test_a_hostile_mail_does_nothing_in_its_frame(page: Page, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    compile_newsletter = looks.compile_newsletter

    def hostile(*given: Any, **named: Any) -> Any:
        found = compile_newsletter(*given, **named)
        assert found.plan is not None
        return replace(found, plan=replace(found.plan, message=replace(found.plan.message, html=(HOSTILE,))))

    monkeypatch.setattr(looks, "compile_newsletter", hostile)
    house.write(BODY + "\nMore.\n")
    for pressed in ("js", "top", "new", "post"):
        page.goto(f"{house.origin}{HERE}")
        page.frame_locator("#mail").locator(f"#{pressed}").click(no_wait_after=True)
        page.wait_for_timeout(150)
        assert page.title().startswith("Our appeal"), pressed
        assert page.url.startswith(f"{house.origin}{HERE}")
        assert len(page.context.pages) == 1


@pytest.mark.sqlite
def test_typing_renews_the_mail_and_its_pictures_are_seen(page: Page, house: House) -> None:
    page.goto(f"{house.origin}{HERE}")
    page.frame_locator("#mail").get_by_text("Ask them now").wait_for()
    picture = page.frame_locator("#mail").locator("img").first
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    page.locator(".ed .cm-content").click()
    page.keyboard.press("Control+Home")
    began = time.monotonic()
    page.keyboard.insert_text("Rivers belong to everybody.\n\n")
    page.frame_locator("#mail").get_by_text("Rivers belong to everybody.").wait_for()
    assert time.monotonic() - began < 1.5 * contention()  # the aim is 300 ms on an idle machine
    page.fill("#f-subject", "A new subject")
    page.locator("#inboxes").get_by_text("A new subject").first.wait_for()
    assert house.file.read_text(encoding="utf-8") == FRONT + BODY
    assert page.inner_text("#saving") == "Not saved yet"


@pytest.mark.sqlite
def test_a_save_elsewhere_shows_by_itself(page: Page, house: House) -> None:
    page.goto(f"{house.origin}{HERE}")
    page.frame_locator("#mail").get_by_text("Ask them now").wait_for()
    house.write(BODY.replace("Ask them", "Tell them"))
    page.frame_locator("#mail").get_by_text("Tell them now").wait_for()


@pytest.mark.sqlite
def test_keys_alone_lead_everywhere(page: Page, house: House) -> None:
    page.goto(f"{house.origin}/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("g")
    page.keyboard.press("n")
    page.wait_for_url("**/newsletters")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{HERE}")
    page.keyboard.press("Control+k")
    page.keyboard.insert_text("today")
    until(lambda: bool(page.wait_for_timeout(20)) or page.locator("#palette-hits [aria-selected=true]").count() == 1)
    page.locator("#palette-hits").get_by_text("Today").wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{house.origin}/")
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.wait_for_url("**/newsletters/new")


@pytest.mark.sqlite
def test_a_new_newsletter_and_its_copy_are_made_by_hand(page: Page, house: House) -> None:
    page.goto(f"{house.origin}/newsletters/new")
    page.fill("#f-name", "Sewage: “in our river”")
    page.get_by_role("button", name="Appeal").click()
    page.wait_for_url("**/newsletters/2026-11-sewage-in-our-river/")
    assert 'name: "Sewage: “in our river”"' in (
        house.workspace.newsletters / "2026-11-sewage-in-our-river" / "message.md"
    ).read_text(encoding="utf-8")
    page.goto(f"{house.origin}/newsletters/new?copy=2026-11-our-appeal")
    page.get_by_role("button", name="Make the copy").click()
    page.wait_for_url("**/newsletters/2026-11-our-appeal-again/")
    assert (house.workspace.newsletters / "2026-11-our-appeal-again" / "lamp.png").exists()


@pytest.mark.sqlite
@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (900, "dark"), (1440, "light"), (390, "dark")])
def test_every_page_is_accessible_and_fits_its_screen(
    browser: Browser,  # noqa: F811
    house: House,
    width: int,
    scheme: str,
) -> None:
    house.write(BODY.replace('| default("friend")', ""))  # something to look at
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        bypass_csp=True,  # for axe alone, which is put into the page
    )
    opened = context.new_page()
    opened.goto(house.door)
    for path in PATHS:
        opened.goto(f"{house.origin}{path}")
        assert faults_on(opened, least=10, frames=False) == [], path
        assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    context.close()
