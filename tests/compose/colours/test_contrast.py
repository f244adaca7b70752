"""Contrast as WCAG 2.2 computes it, colours turned around as a browser does, and what is said of a brand."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser

from mailer.compose.colours.contrast import contrast_faults, luminance, ratio, turned
from mailer.diagnostics import Place
from mailer.settings import Brand
from tests.browser import browser, picture_of  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.looking import colour_at

COLOURS = st.integers(min_value=0, max_value=0xFFFFFF).map(lambda n: f"#{n:06x}")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    # The first two are the limits of the definition, the others WebAIM's examples of just enough and not enough.
    [
        ("#000000", "#ffffff", 21.0),
        ("#123456", "#123456", 1.0),
        ("#767676", "#ffffff", 4.54),
        ("#777777", "#ffffff", 4.48),
    ],
)
def test_ratios_are_those_of_wcag(one: str, other: str, expected: float) -> None:
    assert ratio(one, other) == pytest.approx(expected, abs=0.005)
    assert ratio(other, one) == ratio(one, other)


@given(COLOURS)
def test_turning_makes_dark_of_light_and_light_of_dark(colour: str) -> None:
    other = turned(colour)
    assert re.fullmatch("#[0-9a-f]{6}", other)
    if luminance(colour) > 0.7:
        assert luminance(other) < 0.1
    if luminance(colour) < 0.01:
        assert luminance(other) > 0.5


@pytest.mark.parametrize("colour", ["#f2f4f7", "#eef2f7", "#fff3d6", "#e3f6e8", "#fde7ea"])
def test_grounds_are_turned_as_the_browser_turns_them(colour: str, browser: Browser) -> None:  # noqa: F811
    tab = browser.new_context(viewport={"width": 40, "height": 40})
    try:
        page = tab.new_page()
        tab.new_cdp_session(page).send("Emulation.setAutoDarkModeOverride", {"enabled": True})
        page.set_content(f'<body style="margin:0"><div style="background:{colour};height:40px"></div>')
        seen = colour_at(browser, picture_of(page), 20, 20)
    finally:
        tab.close()
    wanted = turned(colour)
    apart = [abs(int(seen[i : i + 2], 16) - int(wanted[i : i + 2], 16)) for i in (1, 3, 5)]
    assert max(apart) <= 12, (seen, wanted)


def test_the_colours_that_ship_have_no_faults() -> None:
    assert contrast_faults(Brand()) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"text": "#999999"}, "the text can't be read well: text on surface has 2.8 : 1"),
        ({"muted": "#8a949e"}, "the footer can't be read well: muted on background"),
        ({"link": "#ff6600"}, "links can't be read well: link on surface has 2.9 : 1"),
        ({"primary": "#f5c400"}, "the button can't be read well: on_primary on primary has 1.6 : 1"),
        ({"on_primary": "#8fb4e8"}, "the button can't be read well: on_primary on primary"),
    ],
)
def test_what_cannot_be_read_is_a_fault_whose_remedy_works(changes: dict[str, str], words: str) -> None:
    brand = replace(Brand(), **changes)
    faults = contrast_faults(brand, lambda key: Place("mailer.toml", len(key)))
    (fault,) = [fault for fault in faults if words in fault.message]
    assert fault.stops
    key, colour = re.findall(r'(\w+) = "(#[0-9a-f]{6})" would do', fault.remedy or "")[0]
    assert fault.place == Place("mailer.toml", len(key))
    assert not [one for one in contrast_faults(replace(brand, **{key: colour})) if words[:20] in one.message]


def test_colours_that_only_dark_mode_spoils_are_warned_of() -> None:
    (fault,) = contrast_faults(Brand(primary="#561718", on_primary="#82abaf"))
    assert not fault.stops
    assert "the button can't be read well" in fault.message
    assert "when a mail program turns colours around for dark mode (inverted)" in fault.message


@given(COLOURS, COLOURS, COLOURS)
def test_any_brand_is_judged(primary: str, surface: str, text: str) -> None:
    for fault in contrast_faults(Brand(primary=primary, surface=surface, text=text)):
        assert fault.remedy
