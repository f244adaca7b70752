"""Each template in five languages: structure asserted in all, HTML and text beside golden files in two, and pictures.

After a change that is meant: pytest tests/compose/test_golden_mails.py --update-golden, and look at the difference. The
pictures are small and few; they are compared with a tolerance, and only where the browser has the font they were made
with.
"""

from __future__ import annotations

import re
import unicodedata
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Route
from playwright.sync_api import Page as Tab

from mailer.compose.colours.palette import palettes
from mailer.compose.look.voice import SERIF, SYSTEM_FONTS
from mailer.compose.merge import MergeProgram
from mailer.settings import Brand
from mailer.web.pages.progress_png import draw, share_of, words_in
from mailer.workspace import Workspace
from tests.accessibility import faults_on
from tests.browser import browser, picture_of  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.compose.conftest import URLS
from tests.compose.mails import PICTURE, TEMPLATES, TONGUES, Tongue, person, program
from tests.compose.mjml.test_templates import Page, for_outlook
from tests.conformance import html_faults
from tests.looking import difference

GOLDEN = Path(__file__).parent / "golden" / "mails"
FONT = "DejaVu Sans"
TOLERANCE = 0.02  # of the squares of 4 by 4 points; a line that wraps elsewhere or a colour that is lost is more
MAILS = [(template, tongue) for template in TEMPLATES for tongue in TONGUES]
PICTURES = [
    ("appeal", "english", "light"), ("thanks", "english", "light"), ("update", "english", "dark"),
    ("urgent", "english", "light"), ("appeal", "arabic", "light"),
]  # fmt: skip


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL))).split())


@pytest.mark.parametrize(("template", "name"), MAILS)
def test_every_mail_is_whole_in_every_language(workspace: Workspace, template: str, name: str) -> None:
    tongue = TONGUES[name]
    made = program(workspace, template, tongue)
    html, text = made.html(person(tongue), URLS), made.text(person(tongue), URLS)
    page = Page(html)
    assert page.faults == []
    assert html_faults(html, mail=True) == []
    assert Page(for_outlook(html)).faults == []
    (root,) = page.all("html")
    assert (root["lang"], root["dir"]) == (tongue.language, tongue.direction)
    assert [tag for tag, _ in page.tags].count("h1") == 1
    assert tongue.alt in [image["alt"] for image in page.all("img")]
    said = words(html[html.index("<body") :])
    for wanted in (
        f"{tongue.greeting} {tongue.name},", tongue.headline, tongue.kicker, tongue.label, tongue.words, tongue.figure,
        tongue.counted, tongue.by,
    ):  # fmt: skip
        plain = " ".join(wanted.split())
        assert plain in said, wanted
        assert plain in " ".join(text.split()), wanted
    # No parser on the way may compose, decompose, escape or drop a character.
    assert "\\u{" not in html
    assert unicodedata.normalize("NFC", tongue.words) not in html or tongue.words in html
    assert not re.search(r"mk[0-9a-f]{8}", html + text)
    assert len(html.encode()) < 80_000
    sides = {a["align"] for a in page.all("td") if a.get("align") in ("left", "right")}
    assert sides == {"right" if tongue.direction == "rtl" else "left"}


@pytest.mark.parametrize(("template", "name"), [mail for mail in MAILS if mail[1] in ("english", "arabic")])
def test_mails_look_as_they_did(workspace: Workspace, template: str, name: str, request: pytest.FixtureRequest) -> None:
    tongue = TONGUES[name]
    made = program(workspace, template, tongue)
    html = re.sub(r"(?<=>)(?=<)", "\n", made.html(person(tongue), URLS)) + "\n"
    files = {"html": html} if template != "appeal" else {"html": html, "txt": made.text(person(tongue), URLS)}
    for kind, found in files.items():  # the text is the same whatever the template
        path = GOLDEN / f"{template}.{name}.{kind}"
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(found, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == found, f"{path.name} differs"


# What axe asks of a whole page and a mail inside a mail program is not: it has no landmarks of its own there
# (github.com/mjmlio/mjml/issues/2954). Every other rule holds.
NOT_OF_MAILS = {"landmark-one-main", "region"}


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize(("name", "scheme"), [("english", "light"), ("english", "dark"), ("arabic", "light")])
def test_every_mail_is_accessible(
    workspace: Workspace,
    browser: Browser,  # noqa: F811
    template: str,
    name: str,
    scheme: str,
) -> None:
    """axe-core (tests/vendor), at the width of a phone."""
    tongue = TONGUES[name]
    html = program(workspace, template, tongue).html(person(tongue), URLS)
    tab = browser.new_context(
        viewport={"width": 390, "height": 700}, color_scheme="dark" if scheme == "dark" else "light"
    )
    try:
        page = tab.new_page()
        page.route("**/*", lambda route: route.abort())
        page.set_content(html)
        assert [fault for fault in faults_on(page, least=10) if fault[0] not in NOT_OF_MAILS] == []
    finally:
        tab.close()


def has_font(tab: Tab) -> bool:
    """Whether the browser finds the font that the pictures were made with: without it another is as wide as any."""
    script = """(font) => {
      const drawing = document.createElement('canvas').getContext('2d');
      const wide = (family) => { drawing.font = '40px ' + family; return drawing.measureText('mmmiiiWWW').width; };
      return wide(`"${font}", monospace`) !== wide('monospace') && wide(`"${font}", serif`) !== wide('serif');
    }"""
    return bool(tab.evaluate(script, FONT))


def shot(browser: Browser, made: MergeProgram, tongue: Tongue, scheme: str) -> bytes | None:  # noqa: F811
    """The mail on a phone, at its whole length; None when the font is missing."""

    def answer(route: Route) -> None:
        address = route.request.url
        if "/i/" in address:
            route.fulfill(body=PICTURE.read_bytes(), content_type="image/png")
        elif "/progress/" in address:
            asked = parse_qs(urlsplit(address).query)
            colours = palettes(Brand())[1 if asked.get("mode") == ["dark"] else 0]
            drawn = draw(words_in(asked["lang"][0], 13_482, 20_000), share_of(13_482, 20_000), colours)
            route.fulfill(body=drawn, content_type="image/png")
        else:
            route.abort()

    tab = browser.new_context(
        viewport={"width": 390, "height": 700}, color_scheme="dark" if scheme == "dark" else "light"
    )
    try:
        page = tab.new_page()
        if not has_font(page):
            return None
        page.route("**/*", answer)
        html = made.html(person(tongue), URLS)
        for stack in (SYSTEM_FONTS, SERIF):
            assert stack in html
            html = html.replace(stack, f"{FONT}, sans-serif")
        page.set_content(html, wait_until="networkidle")
        return picture_of(page, full_page=True)
    finally:
        tab.close()


@pytest.mark.parametrize(("template", "name", "scheme"), PICTURES)
def test_pictures_of_mails_look_as_they_did(
    workspace: Workspace, template: str, name: str, scheme: str, browser: Browser, request: pytest.FixtureRequest  # noqa: F811
) -> None:  # fmt: skip
    tongue = TONGUES[name]
    seen = shot(browser, program(workspace, template, tongue), tongue, scheme)
    if seen is None:
        pytest.skip(f"the pictures were made with the font {FONT}: apt install fonts-dejavu-core")
    path = GOLDEN / f"{template}.{name}.{scheme}.png"
    if request.config.getoption("--update-golden"):
        path.write_bytes(seen)
    apart = difference(browser, path.read_bytes(), seen)
    assert apart <= TOLERANCE, f"{path.name}: {apart:.1%} of it differs"


def test_a_colour_or_a_line_that_is_lost_is_seen(workspace: Workspace, browser: Browser) -> None:  # noqa: F811
    tongue = TONGUES["english"]
    made = program(workspace, "urgent", tongue)
    one, other = shot(browser, made, tongue, "light"), shot(browser, made, tongue, "dark")
    if one is None or other is None:
        pytest.skip(f"the font {FONT} is missing")
    assert difference(browser, one, one) == 0
    assert difference(browser, one, other) > 0.5
