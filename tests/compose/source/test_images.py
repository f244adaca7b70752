"""Pictures: told apart by their first bytes, and what their files say of themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.compose.source.images import content_type, look
from tests.checking.pictures import gif, jpeg, png


@pytest.mark.parametrize(
    ("data", "kind", "width", "moves"),
    [
        (png(1040), "image/png", 1040, False),
        (png(1040, moving=True), "image/png", 1040, True),
        (gif(1, width=640), "image/gif", 640, False),
        (gif(2), "image/gif", 300, True),
        (jpeg(800), "image/jpeg", 800, False),
        (jpeg(800)[:-40], "image/jpeg", 800, False),  # its pixels aren't read
        (jpeg(800)[:20], "image/jpeg", None, False),
        (b"<svg xmlns=", None, None, False),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", None, None, False),
        (b"", None, None, False),
    ],
)
def test_kinds_widths_and_movement(data: bytes, kind: str | None, width: int | None, moves: bool) -> None:
    assert content_type(data) == kind
    facts = look(data)
    assert (facts.width if facts else None) == width
    assert bool(facts and facts.moves) is moves


def test_a_picture_of_a_billion_pixels_is_only_measured() -> None:
    """Nothing is decompressed, so that a small file can't take the memory."""
    small = png(64)
    large = small[:16] + (40_000).to_bytes(4, "big") * 2 + small[24:]
    assert look(large) is None


@given(
    st.sampled_from([b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00\x00", b"\x89PNG\r\n\x1a\n", b"GIF89a", png(64), gif(2)]),
    st.integers(min_value=0, max_value=400),
    st.binary(max_size=60),
)
def test_no_file_is_too_odd(head: bytes, kept: int, rest: bytes) -> None:
    found = look(head[:kept] + rest)
    assert found is None or found.width > 0
