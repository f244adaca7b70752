"""Pictures: told apart by their first bytes and measured without a library for images."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.compose.source.images import content_type, width

GIF = b"GIF89a" + struct.pack("<HH", 640, 480)
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", 1040, 520)
JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    + b"\xff\xc2\x00\x11\x08" + struct.pack(">HH", 300, 800) + b"\x03"
)  # fmt: skip


@pytest.mark.parametrize(
    ("data", "kind", "pixels"),
    [
        (PNG, "image/png", 1040),
        (GIF, "image/gif", 640),
        (JPEG, "image/jpeg", 800),
        (JPEG[:20], "image/jpeg", None),
        (b"<svg xmlns=", None, None),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", None, None),
        (b"", None, None),
    ],
)
def test_kinds_and_widths(data: bytes, kind: str | None, pixels: int | None) -> None:
    assert content_type(data) == kind
    assert width(data) == pixels


@given(
    st.sampled_from([b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00\x00", b"\x89PNG\r\n\x1a\n", b"GIF89a"]),
    st.binary(max_size=60),
)
def test_no_file_is_too_odd(head: bytes, rest: bytes) -> None:
    found = width(head + rest)
    assert found is None or 0 < found < 100_000
