"""The longest words on the smallest phone: in no language is a page too wide at 320 pixels, or something cut off."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
from playwright.sync_api import Browser, Page

from mailer.locale.language import LANGUAGES
from mailer.tracking.tokens import Purpose
from mailer.workspace import ACTION_FILE, Workspace
from tests.browser import browser
from tests.web.client import fetch
from tests.web.conftest import Served

__all__ = ["browser"]

pytestmark = pytest.mark.sqlite  # about pages; what they read is little
WIDTH = 320
PAGE = """\
---
headline: Keep the library open
statement: We ask the council to keep the library open.
fields:
  country: required
  postcode: required
  phone: required
  comment: required
opt_in:
  list: updates
  wording: Yes, email me.
target: 1000
---

The council wants to close it.
"""
# What hangs over an edge of the screen, or out of a box that hides what it doesn't hold. Text for screen readers is
# a pixel large.
OVER = """() => [...document.body.querySelectorAll("*")].filter((e) => {
  const box = e.getBoundingClientRect(), style = getComputedStyle(e);
  if (box.width < 2 || box.height < 2 || style.visibility == "hidden" || e.closest("svg")) return false;
  const hides = style.overflowX != "visible" && e.scrollWidth > e.clientWidth + 1 && !e.matches("input, select");
  return box.right > innerWidth + 0.5 || box.left < -0.5 || hides;
}).map((e) => e.outerHTML.slice(0, 120))"""


def pages(served: Served, code: str) -> Iterator[tuple[str, str]]:
    """Every page in a language, by name."""

    def get(path: str, status: int = 200) -> str:
        reply = served.get(f"{path}?lang={code}")
        assert reply.status == status, path
        return reply.text

    def post(path: str, *fields: tuple[str, str], status: int = 200) -> str:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept-Language": code}
        body = urlencode(fields).encode()
        reply = fetch(served.port, f"{path}?lang={code}", method="POST", body=body, headers=headers)
        assert reply.status == status, path
        return reply.text

    def signed() -> str:
        typed = {"first_name": "Ana", "last_name": "Li", "email": "ana@example.org", "country": "IE", "postcode": "D01",
                 "phone": "+353 1 234 5678", "comment": "Because.", "news": "1"}  # fmt: skip
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept-Language": code}
        sent = fetch(served.port, "/act/library", method="POST", body=urlencode(typed).encode(), headers=headers)
        assert sent.status == 303, sent.text
        thanks = urlsplit(urljoin("/act/library", sent.headers["location"]))
        return served.get(f"{thanks.path}?{thanks.query}&lang={code}").text

    leaving, preferences = served.path(Purpose.UNSUBSCRIBE), served.path(Purpose.PREFERENCES)
    for path in ("/", "/archive", "/join/supporters", "/act/library", leaving, preferences, f"{preferences}/delete"):
        yield path, get(path)
    yield "a test mail", get(served.path(Purpose.UNSUBSCRIBE, proof=True))
    yield "lost", get("/c/x/1", 404)
    yield "missing fields", post("/act/library", ("email", "x"), status=422)
    yield "signed", signed()
    yield "left", post(leaving, ("from", "page"))
    yield "already left", get(leaving)
    yield "undone", post(f"{leaving}/undo")
    yield "saved", post(preferences, ("shown", "1"), ("on", "1"), ("frequency", "monthly"))
    yield "new address", post(f"{preferences}/address", ("email", "zoe@example.net"))
    yield "no address", post(f"{preferences}/address", ("email", "zoe"), status=422)
    yield "data", post(f"{preferences}/data")


@pytest.fixture(scope="module")
def phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": WIDTH, "height": 640})
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("code", LANGUAGES)
def test_nothing_hangs_over_the_edge(workspace: Workspace, served: Served, phone: Page, code: str) -> None:
    (workspace.newsletters / "library").mkdir()
    (workspace.newsletters / "library" / ACTION_FILE).write_text(PAGE, encoding="utf-8")
    path = workspace.lists / "supporters.toml"
    path.write_text(f"public_form = true\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    over: dict[str, list[str]] = {}
    for name, html in pages(served, code):
        assert f'<html lang="{code}"' in html, name
        phone.set_content(html)
        assert phone.evaluate("document.documentElement.scrollWidth") <= WIDTH, name
        if found := phone.evaluate(OVER):
            over[name] = found
    assert over == {}
