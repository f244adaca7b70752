"""The pages' colours: any brand whatever gives pages that can be read, and what can't be read as set is said."""

from __future__ import annotations

import re
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.compose.colours.contrast import TEXT, ratio
from mailer.compose.colours.palette import COME_AS, WHITE, Palette, mixed, palette_faults, palettes, unreadable
from mailer.settings import Brand

COLOURS = st.integers(min_value=0, max_value=0xFFFFFF).map(lambda n: f"#{n:06x}")
OR_NONE = COLOURS | st.just("")
KEYS = ("text", "muted", "link", "background", "on_primary")


def check(brand: Brand) -> tuple[Palette, Palette]:
    light, dark = palettes(brand)
    for palette in (light, dark):
        assert list(unreadable(palette)) == []
        assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in asdict(palette).values())
    assert ratio(WHITE, light.deep) >= 9
    assert (light.deep, light.spark) == (dark.deep, dark.spark), "the brand stays in dark"
    assert ratio(light.spark, light.deep) >= 5.9
    assert ratio(dark.act, dark.card) >= 5.9
    return light, dark


@given(COLOURS, OR_NONE)
def test_one_colour_is_enough(primary: str, action: str) -> None:
    brand = Brand(primary=primary, action=action)
    light, _ = check(brand)
    assert light.act == (action or primary)
    assert list(palette_faults(brand)) == []


@given(COLOURS, OR_NONE, COLOURS, st.dictionaries(st.sampled_from(KEYS), COLOURS))
def test_any_brand_can_be_read(primary: str, action: str, surface: str, more: dict[str, str]) -> None:
    brand = replace(COME_AS, primary=primary, action=action, surface=surface, **more)
    light, _ = check(brand)
    told = {fault.message.partition(" ")[0] for fault in palette_faults(brand)}
    shown = {"text": light.text, "muted": light.quiet, "link": light.link, "background": light.page}
    for key, used in shown.items():
        kept = getattr(brand, key) in (used, getattr(COME_AS, key))
        assert (key in told) != kept, f"{key} is shown as it was set, or it is said that it isn't"


@given(COLOURS, COLOURS)
def test_what_a_finding_asks_for_ends_it(surface: str, text: str) -> None:
    brand = Brand(surface=surface, text=text)
    for fault in palette_faults(brand):
        assert not fault.stops
        key, colour = re.findall(r'Write (\w+) = "(#[0-9a-f]{6})"', fault.remedy or "")[0]
        fixed = replace(brand, **{key: colour})
        assert not [one for one in palette_faults(fixed) if one.message.startswith(f"{key} ")]


def test_colours_that_can_be_read_are_taken_as_they_are() -> None:
    brand = Brand(primary="#0b3845", action="#c8371b", background="#f6f1e7", text="#11282f", link="#0e5f73")
    light, dark = check(brand)
    assert (light.deep, light.act, light.act_on) == ("#0b3845", "#c8371b", WHITE)
    assert (light.page, light.text, light.link, light.card) == ("#f6f1e7", "#11282f", "#0e5f73", WHITE)
    assert dark.deep == "#0b3845"
    assert dark.act != light.act, "lighter on the dark card"


@pytest.mark.parametrize("primary", ["#ffd400", "#9be7ff", "#ffffff"])
def test_a_light_brand_gets_dark_words_and_an_edge_that_shows(primary: str) -> None:
    light, _ = check(Brand(primary=primary))
    assert ratio(light.act_on, light.act) >= TEXT
    assert light.act_edge != light.act


def test_the_style_sheet_says_each_colour_once() -> None:
    light, dark = palettes(Brand())
    assert light.css().startswith("--deep:#")
    assert "--deep:" not in dark.css(light), "it is the same, so it isn't said again"
    assert "--act:" in dark.css(light)


@given(COLOURS, COLOURS)
def test_mixing_goes_from_one_to_the_other(one: str, other: str) -> None:
    assert (mixed(one, other, 1), mixed(one, other, 0)) == (one, other)
