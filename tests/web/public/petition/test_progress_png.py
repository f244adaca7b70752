"""The picture of how many have signed: a sound PNG in the brand's colours, whatever the numbers are."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.settings import Brand
from mailer.web.public.petition.progress_png import draw

PRIMARY = (0x1D, 0x4F, 0x91)


def pixels(png: bytes) -> list[list[tuple[int, int, int, int]]]:
    """The rows of a picture that uses no filters, with every checksum looked at."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    at, found = 8, dict[bytes, bytes]()
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        name, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0] == zlib.crc32(name + data)
        found[name] = data
        at += 12 + length
    width, height = struct.unpack(">II", found[b"IHDR"][:8])
    raw = zlib.decompress(found[b"IDAT"])
    assert len(raw) == height * (4 * width + 1)
    rows = [raw[y * (4 * width + 1) : (y + 1) * (4 * width + 1)] for y in range(height)]
    assert all(row[0] == 0 for row in rows)
    return [[(row[i], row[i + 1], row[i + 2], row[i + 3]) for i in range(1, 4 * width, 4)] for row in rows]


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
