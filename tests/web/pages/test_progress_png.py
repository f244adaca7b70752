"""The picture of how many have signed: a sound PNG in the brand's colours, whatever the numbers are."""

from __future__ import annotations

import itertools
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, features

from mailer.compose.colours.palette import palettes
from mailer.settings import Brand
from mailer.web.pages.progress_png import BAR, BAR_TOP, HEIGHT, SCALE, WIDTH, ProgressWords, draw, share_of, words_in

BRAND = Brand(primary="#0b3845", action="#c8371b")
LIGHT, DARK = palettes(BRAND)
MIDDLE = round((BAR_TOP + BAR / 2) * SCALE)  # the row of the picture through the bar

Pixel = tuple[int, int, int]


def picture(signed: int, target: int | None, *, language: str = "en", dark: bool = False) -> Image.Image:
    png = draw(words_in(language, signed, target), share_of(signed, target), DARK if dark else LIGHT)
    opened = Image.open(BytesIO(png), formats=("PNG",))
    assert opened.size == (WIDTH * SCALE, HEIGHT * SCALE)
    return opened.convert("RGB")


def row(shown: Image.Image, y: int) -> list[Pixel]:
    return [pixel for x in range(shown.width) if isinstance(pixel := shown.getpixel((x, y)), tuple)]  # type: ignore[misc]


def near(pixel: Pixel, colour: str) -> bool:
    return all(abs(pixel[i] - int(colour[1 + 2 * i : 3 + 2 * i], 16)) <= 6 for i in range(3))


def filled(shown: Image.Image, colour: str) -> float:
    """The share of the bar that has the action's colour."""
    return sum(near(pixel, colour) for pixel in row(shown, MIDDLE)) / shown.width


@pytest.mark.parametrize(
    ("signed", "share"), [(0, 0.0), (1, 0.02), (500, 0.5), (750, 0.75), (999, 0.999), (1000, 1), (4000, 1)]
)
def test_the_bar_is_as_long_as_the_share_that_has_signed(signed: int, share: float) -> None:
    assert filled(picture(signed, 1000), LIGHT.act_edge) == pytest.approx(share, abs=0.01)


def test_it_fills_from_where_one_begins_to_read() -> None:
    english, arabic = (row(picture(250, 1000, language=code), MIDDLE) for code in ("en", "ar"))
    assert near(english[20], LIGHT.act_edge)
    assert near(english[-20], LIGHT.track)
    assert near(arabic[20], LIGHT.track)
    assert near(arabic[-20], LIGHT.act_edge)


def test_by_night_it_has_the_colours_of_the_night() -> None:
    shown = picture(500, 1000, dark=True)
    assert near(row(shown, shown.height - 1)[0], DARK.card)
    assert filled(shown, DARK.act_edge) == pytest.approx(0.5, abs=0.01)
    assert any(near(pixel, DARK.text) for y in range(40, 140, 5) for pixel in row(shown, y))


def test_without_a_goal_there_is_no_bar() -> None:
    shown = picture(12, None)
    assert filled(shown, LIGHT.act_edge) == 0
    assert {pixel for pixel in row(shown, MIDDLE) if not near(pixel, LIGHT.card)} == set()


@pytest.mark.parametrize(
    ("language", "figure", "beside"),
    [
        ("en", "13,482", "of 20,000"), ("en-GB", "13,482", "of 20,000"), ("de", "13.482", "von 20.000"),
        ("fr", "13\u202f482", "sur 20\u202f000"), ("es", "13.482", "de 20.000"), ("", "13,482", "of 20,000"),
        ("xx", "13,482", "20,000"), ("th", "13,482", "20,000"), ("sv", "13\u00a0482", "20\u00a0000"),
    ],
)  # fmt: skip
def test_it_is_written_as_the_language_writes(language: str, figure: str, beside: str) -> None:
    assert words_in(language, 13_482, 20_000) == ProgressWords(figure, beside, right_to_left=False)


def test_words_that_cannot_be_joined_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    if features.check("raqm"):
        assert words_in("ar", 5, 100) == ProgressWords("5", "من 100", right_to_left=True)
    monkeypatch.setattr("mailer.web.pages.progress_png.can_write", str.isascii)
    assert words_in("ar", 5, 100) == ProgressWords("5", "100", right_to_left=True)
    assert words_in("ar", 5, None) == ProgressWords("5", "", right_to_left=True)


def test_one_has_signed_and_two_have() -> None:
    assert [words_in("en", number, None).beside for number in (1, 2)] == ["has signed", "have signed"]
    assert [words_in("fr", number, None).beside for number in (1, 2)] == ["a signé", "ont signé"]


def test_the_figures_differ() -> None:
    assert len({picture(number * 1111, None).tobytes() for number in range(1, 10)}) == 9


@settings(max_examples=25, deadline=None)
@given(st.integers(-5, 10**9), st.none() | st.integers(-5, 10**9), st.sampled_from(["en", "ar", "de", "fr", "hi"]))
def test_whatever_the_numbers_are_nothing_runs_into_anything(signed: int, target: int | None, language: str) -> None:
    """Between the figure and what stands at the other end the ground can be seen."""
    shown = picture(signed, target, language=language)
    inked = [
        x for x in range(shown.width)
        if any(not near(shown.getpixel((x, y)), LIGHT.card) for y in range(0, BAR_TOP * SCALE - 1, 3))  # type: ignore[arg-type]
    ]  # fmt: skip
    assert inked
    if target and target > 0:
        gaps = [after - before for before, after in itertools.pairwise(inked)]
        assert max(gaps) >= 6 * SCALE


def test_it_is_light_enough_for_a_mail() -> None:
    assert len(draw(words_in("en", 13_482, 20_000), 0.7, LIGHT)) < 15_000
