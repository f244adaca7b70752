"""Pictures small enough to be written here, and large enough to be judged."""

from __future__ import annotations

import struct


def png(width: int, *, moving: bool = False, size: int = 0) -> bytes:
    """The head of a PNG, with `size` bytes in all if that is more."""
    head = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", width, 100) + b"\x08\x06\x00\x00\x00CRC."
    if moving:
        head += struct.pack(">I", 8) + b"acTL" + struct.pack(">II", 3, 0)
    return head + b"\x00" * max(0, size - len(head))


def gif(frames: int, *, width: int = 300) -> bytes:
    """A GIF with so many frames of one pixel, each after a control extension, and a table of two colours."""
    head = b"GIF89a" + struct.pack("<HH", width, 100) + b"\x80\x00\x00" + b"\x00" * 6
    frame = b"\x21\xf9\x04\x00\x0a\x00\x00\x00" + b"\x2c" + struct.pack("<HHHH", 0, 0, 1, 1) + b"\x00\x02\x02D\x01\x00"
    return head + frame * frames + b"\x3b"
