"""The page in a real browser: reload, keyboard, narrow screens, accessibility; and a hostile mail does nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Error, Page

from mailer.delivery.campaigns.plan import PlannedCampaign
from mailer.web.studio import live_compile as desks
from mailer.web.studio.preview.tabs import TABS
from tests.accessibility import faults_on
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.patience import until
from tests.web.studio.conftest import BODY, Room

HOSTILE = """\
<!doctype html><html lang="en"><head><title>x</title>
<meta http-equiv="refresh" content="0;url={evil}/refreshed">

<link rel="stylesheet" href="{evil}/style.css">
<style>@import url({evil}/import.css);body{background:url({evil}/bg.png)}</style>
<script>parent.document.title = "taken"; fetch("{evil}/script")</script>
<script src="{evil}/other.js"></script></head>
<body onload="parent.document.title = 'taken'">
<img src="{evil}/pixel.gif" onerror="parent.document.title = 'taken'" alt="pixel">
<a id="js" href="javascript:parent.document.title='taken'">script link</a>
<a id="out" href="{evil}/followed">link out</a>
<a id="top" href="{evil}/top" target="_top">link to the top</a>
<a id="new" href="{evil}/new" target="_blank">new window</a>
<form action="{evil}/form" method="post"><button id="post">Send</button></form>
<iframe src="{evil}/frame"></iframe>
<object data="{evil}/object"></object>
<video src="{evil}/video" autoplay></video>
</body></html>
"""


@pytest.fixture
def page(browser: Browser, room: Room) -> Iterator[Page]:  # noqa: F811
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(15_000)
    yield page
    context.close()


@pytest.fixture
def evil() -> Iterator[tuple[str, list[str]]]:
    """Another server of this machine, which only the studio's policy keeps a mail from, and who visited it."""
    visited: list[str] = []

    class Visited(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            visited.append(self.path)
            self.send_response(200 if self.path == "/" else 204)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            if self.path == "/":
                self.wfile.write(HOSTILE.replace("{evil}", "").encode())

        do_POST = do_GET  # noqa: N815 - as the standard library calls it

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Visited) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", visited
        server.shutdown()
        thread.join()


def test_a_hostile_mail_does_nothing_in_its_frame(
    page: Page, room: Room, evil: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    where, visited = evil
    html = HOSTILE.replace("{evil}", f"{where}/framed")
    # First that it would: as a page of that server it does what it can.
    with suppress(Error):  # it leads away while it is being loaded
        page.goto(f"{where}/")
    until(lambda: bool(page.wait_for_timeout(20)) or {"/pixel.gif", "/script", "/frame"} <= set(visited))
    prepare: Callable[..., PlannedCampaign] = desks.prepare

    def prepared(*given: object) -> PlannedCampaign:
        """A mail such as no template lets through, in place of the compiled one."""
        found = prepare(*given)
        return replace(found, plan=replace(found.plan, message=replace(found.plan.message, html=(html,))))

    monkeypatch.setattr(desks, "prepare", prepared)
    room.write(BODY + "\nMore.\n")
    for tab in ("desktop", "phone", "forced", "pictures-off"):
        for pressed in ("js", "top", "new", "post", "out"):
            # Frames in the frame whose addresses are refused can keep the page's load event waiting.
            page.goto(f"{room.url}?tab={tab}", wait_until="domcontentloaded")
            page.frame_locator("#mail").locator(f"#{pressed}").click(no_wait_after=True)
            page.wait_for_timeout(150)
            assert page.title().startswith("our-appeal"), (tab, pressed)
            assert page.url.startswith(room.url)
            assert len(page.context.pages) == 1
    page.goto(
        f"{room.url}mail", wait_until="domcontentloaded"
    )  # the frame's own address, opened by itself, is as harmless
    page.wait_for_timeout(500)
    assert page.title() == "x"
    assert [path for path in visited if path.startswith("/framed")] == []


def test_no_tab_asks_anyone_but_this_server(page: Page, room: Room) -> None:
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    for tab in TABS:
        page.goto(f"{room.url}?tab={tab.name}&width=390&as=p1")
        page.wait_for_timeout(100)
    pictures = [url for url in asked if "/pictures/" in url]
    assert pictures
    assert {url for url in asked if not url.startswith((room.url, "data:"))} == set()


def test_the_pictures_of_the_mail_are_seen(page: Page, room: Room) -> None:
    page.goto(f"{room.url}?tab=phone")
    answers: list[int] = []
    page.on("response", lambda answer: answers.append(answer.status) if "/pictures/" in answer.url else None)
    page.reload()
    until(lambda: bool(page.wait_for_timeout(20)) or bool(answers))
    assert answers == [200]
    picture = page.frame_locator("#mail").locator("img").first
    picture.wait_for()
    box = picture.bounding_box()
    assert box
    assert box["width"] > 100


def test_a_phone_has_its_true_width_and_dark_is_dark(page: Page, room: Room) -> None:
    for width in (390, 320):
        page.goto(f"{room.url}?tab=phone&width={width}")
        body = page.frame_locator("#mail").locator("body")
        box = body.bounding_box()
        assert box
        assert box["width"] == width
    shades: dict[str, str] = {}
    for tab in ("desktop", "dark"):
        page.goto(f"{room.url}?tab={tab}")
        page.frame_locator("#mail").locator("h1").wait_for()
        # The frame runs no script, also none of ours: what it paints is asked of the debugger.
        frame = page.frames[-1]
        shades[tab] = frame.locator("h1").evaluate("e => getComputedStyle(e).color")
    assert shades["desktop"] != shades["dark"]


def test_a_save_shows_by_itself_and_keeps_what_is_being_typed(page: Page, room: Room) -> None:
    page.goto(room.url)
    frame = page.frame_locator("#mail")
    frame.get_by_text("Ask them now").wait_for()
    page.fill("#to", "colleague@exa")
    room.write(BODY.replace("Ask them", "Tell them"))
    page.frame_locator("#mail").get_by_text("Tell them now").wait_for()
    assert page.input_value("#to") == "colleague@exa"
    assert page.evaluate("document.activeElement.id") == "to"
    room.write(BODY + "\n{{ nonsense }}\n")
    page.get_by_text("can’t be shown").wait_for()
    page.frame_locator("#mail").get_by_text("Tell them now").wait_for()
    room.write(BODY)
    page.frame_locator("#mail").get_by_text("Ask them now").wait_for()
    assert page.get_by_text("can’t be shown").count() == 0


def test_everything_is_reached_by_keyboard(page: Page, room: Room) -> None:
    page.goto(room.url)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    seen: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id"))
    for wanted in (*(f"tab-{tab.name}" for tab in TABS), "as-no-name", "as-p1", "to", "send", "q"):
        assert wanted in seen, wanted
    page.focus("#tab-dark")
    page.keyboard.press("Enter")
    page.wait_for_url("**tab=dark**")
    # The keyboard stays where it was, so the next tab is one press away.
    page.locator("#tab-dark[aria-current=page]").wait_for()
    assert page.evaluate("document.activeElement.id") == "tab-dark"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_a_proof_is_sent_from_the_page(page: Page, room: Room) -> None:
    page.goto(f"{room.url}?tab=phone")
    page.fill("#to", "colleague@example.org")
    page.press("#to", "Enter")
    page.get_by_text("A proof went to colleague@example.org").wait_for()
    assert page.url == f"{room.url}?tab=phone"
    assert len(list((room.workspace.root / "outbox" / "new").iterdir())) == 1
    room.write(BODY.replace("Ask them", "Tell them"))
    page.frame_locator("#mail").get_by_text("Tell them now").wait_for()
    assert "A proof went to" in page.inner_text("#told")


def test_the_page_works_without_its_script(browser: Browser, room: Room) -> None:  # noqa: F811
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(room.url)
    page.click("#tab-text")
    assert "Dear Ada," in page.inner_text("pre")
    page.click("#as-no-name")
    assert "Dear friend," in page.inner_text("pre")
    page.fill("#q", "mary2")
    page.press("#q", "Enter")
    page.click("#found-p2")
    assert "Dear Mary <3," in page.inner_text("pre")
    page.fill("#to", "colleague@example.org")
    page.press("#to", "Enter")
    assert "A proof went to" in page.inner_text("#told")
    context.close()


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1280, "dark")])
def test_every_tab_is_accessible_and_fits_its_screen(
    browser: Browser,  # noqa: F811
    room: Room,
    width: int,
    scheme: str,
) -> None:
    room.write(BODY.replace('| default("friend")', ""))  # a warning, so that there is one to see
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        bypass_csp=True,  # for axe alone, which is put into the page
    )
    page = context.new_page()
    for tab in TABS:
        page.goto(f"{room.url}?tab={tab.name}&q=mary")
        assert faults_on(page, least=10, frames=False) == [], tab.name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), tab.name
    context.close()
