"""The picture of how many have signed: a sound PNG in the brand's colours, whatever the numbers are."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mailer.settings import Brand
from mailer.web.pages.progress_png import draw

PRIMARY = (0x1D, 0x4F, 0x91)


def pixels(png: bytes) -> list[list[tuple[int, int, int, int]]]:
    """The rows of a picture."""
    picture = Image.open(BytesIO(png), formats=("PNG",))
    assert picture.mode == "RGBA"
    raw = picture.tobytes()
    at = range(0, len(raw), 4 * picture.width)
    return [[(raw[i], raw[i + 1], raw[i + 2], raw[i + 3]) for i in range(y, y + 4 * picture.width, 4)] for y in at]


def filled(png: bytes) -> float:
    """The share of the lowest quarter of the bar, below the figures, that has the brand's colour."""
    rows = pixels(png)
    row = rows[len(rows) * 9 // 10]
    return sum(pixel[:3] == PRIMARY and pixel[3] == 255 for pixel in row) / len(row)


@pytest.mark.parametrize(("signed", "share"), [(0, 0.0), (500, 0.5), (750, 0.75), (1000, 1.0), (4000, 1.0)])
def test_the_bar_is_as_long_as_the_share_that_has_signed(signed: int, share: float) -> None:
    assert filled(draw(signed, 1000, Brand())) == pytest.approx(share, abs=0.07)


def test_one_signature_can_be_seen() -> None:
    assert 0.01 < filled(draw(1, 1_000_000, Brand())) < 0.12


def test_the_figures_differ() -> None:
    pictures = {draw(number * 1111, None, Brand()) for number in range(1, 10)}
    assert len(pictures) == 9


def test_corners_are_clear_and_figures_stand_on_something_solid() -> None:
    rows = pixels(draw(500, 1000, Brand(), width=520))
    assert len(rows[0]) == 520
    assert {rows[y][x][3] for y in (0, -1) for x in (0, -1)} == {0}
    middle = rows[len(rows) // 2]
    assert all(pixel[3] == 255 for pixel in middle[2:-2])


def test_equal_counts_give_equal_bytes() -> None:
    assert draw(12, 20, Brand()) == draw(12, 20, Brand())
    assert draw(12, 20, Brand()) != draw(12, 20, Brand(primary="#7a1f3d"))


@given(
    st.integers(min_value=-10, max_value=10**12), st.none() | st.integers(min_value=-5, max_value=10**12),
    st.integers(min_value=-5, max_value=400),
)  # fmt: skip
def test_no_count_is_too_odd(signed: int, target: int | None, width: int) -> None:
    rows = pixels(draw(signed, target, Brand(), width=width))
    assert len(rows[0]) == max(width, 120)
