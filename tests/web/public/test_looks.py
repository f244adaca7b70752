"""The main pages for supporters look as they did, on a phone: a few small pictures, compared with a tolerance.

After a change that is meant: pytest tests/web/public/test_looks.py --update-golden, and look at the pictures. They are
drawn with the fonts that we bring, so that no machine's own fonts matter; squares of points are compared, so that the
edges of letters, which no two browsers draw alike, count for little.
"""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Browser, Page, ViewportSize
from sqlalchemy import update

from mailer.fonts import FOLDER
from mailer.store.tables.core import campaigns
from mailer.tracking.tokens import Purpose
from tests.browser import browser, picture_of
from tests.web.public.petition.test_in_a_browser import River, river

pytestmark = pytest.mark.sqlite
__all__ = ["browser", "river"]

GOLDEN = Path(__file__).parent / "golden"
WIDTH, HEIGHT, SHRUNK = 390, 1200, 4
SHADES = 24  # of 255: a square of the picture that differs by more is another one
TOLERANCE = 0.03  # of the squares
FAMILIES = ("Inter", "NotoSansArabic")
WEIGHTS = {"Regular": "100 600", "ExtraBold": "601 900"}


def paths(river: River) -> dict[str, str]:
    preferences, leave = river.served.path(Purpose.PREFERENCES), river.served.path(Purpose.UNSUBSCRIBE)
    known, base = river.link("en").removeprefix(river.base), "/act/river"
    return {
        "known.light": known, "known.dark": known, "known-ar.light": river.link("ar").removeprefix(river.base),
        "stranger.light": f"{base}-en", "thanks.light": f"{base}-en/thanks",
        "thanks-ar.dark": f"{base}-ar/thanks?lang=ar", "preferences.light": preferences, "leave.dark": leave,
        "archive.light": "/archive",
    }  # fmt: skip


def shrunk(page: Page) -> Image.Image:
    picture = Image.open(io.BytesIO(picture_of(page))).convert("RGB")
    return picture.resize((WIDTH // SHRUNK, HEIGHT // SHRUNK), Image.Resampling.BOX)


def apart(one: Image.Image, other: Image.Image) -> float:
    """The share of squares that differ."""
    red, green, blue = ImageChops.difference(one, other).split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return sum(most.histogram()[SHADES + 1 :]) / (one.width * one.height)


def fonts() -> str:
    faces = [
        f"@font-face{{font-family:'Our {family}';font-weight:{weights};src:url(data:font/ttf;base64,"
        f"{b64encode((FOLDER / f'{family}-{name}.ttf').read_bytes()).decode()})}}"
        for family in FAMILIES
        for name, weights in WEIGHTS.items()
    ]
    stack = ",".join(f"'Our {family}'" for family in FAMILIES)
    return "".join(faces) + f":root{{--sans:{stack}!important;--serif:{stack}!important}}"


@pytest.fixture(scope="module")
def screens(browser: Browser) -> dict[str, Page]:
    def opened(scheme: Literal["light", "dark"]) -> Page:
        size: ViewportSize = {"width": WIDTH, "height": HEIGHT}
        return browser.new_context(viewport=size, bypass_csp=True, locale="en-GB", color_scheme=scheme).new_page()

    return {"light": opened("light"), "dark": opened("dark")}


def show(page: Page, address: str) -> None:
    page.goto(address)
    page.add_style_tag(content=fonts())
    page.evaluate("document.fonts.ready.then(() => null)")


def test_pages_look_as_they_did(screens: dict[str, Page], river: River, request: pytest.FixtureRequest) -> None:
    with river.served.database.write() as connection:
        connection.execute(update(campaigns).values(is_public=True))
    differ: dict[str, float] = {}
    for name, path in paths(river).items():
        page = screens[name.rpartition(".")[2]]
        show(page, river.base + path)
        seen, kept = shrunk(page), GOLDEN / f"{name}.png"
        if request.config.getoption("--update-golden"):
            kept.parent.mkdir(exist_ok=True)
            seen.save(kept, optimize=True)
        if (share := apart(Image.open(kept).convert("RGB"), seen)) > TOLERANCE:
            differ[name] = share
    assert differ == {}


@pytest.mark.parametrize("sheet", [0, 1, 2])
def test_a_style_sheet_that_is_lost_is_seen(screens: dict[str, Page], river: River, sheet: int) -> None:
    breaks(screens["light"], river, lambda page: page.evaluate(f"document.querySelectorAll('style')[{sheet}].remove()"))


@pytest.mark.parametrize(
    "rule", [".go{display:none}", ".in{padding:0 2px}", ":root{--act:#ccc}", "h1{font-size:1.5rem}", ".sign{margin:0}"]
)
def test_a_broken_rule_is_seen(screens: dict[str, Page], river: River, rule: str) -> None:
    breaks(screens["light"], river, lambda page: page.add_style_tag(content=rule.replace("}", "!important}")))


def breaks(page: Page, river: River, change: Callable[[Page], object]) -> None:
    kept = Image.open(GOLDEN / "known.light.png").convert("RGB")
    show(page, river.link("en"))
    assert apart(kept, shrunk(page)) <= TOLERANCE
    change(page)
    assert apart(kept, shrunk(page)) > TOLERANCE
