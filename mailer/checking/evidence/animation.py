"""What a picture's file tells beside its width: whether it moves."""

from __future__ import annotations

import struct

MOST_FRAMES = 2  # more than one is all that matters


def frames(data: bytes) -> int:
    """How many pictures a GIF (GIF89a §20) or an animated PNG (acTL) shows in turn; at most 2 are counted."""
    if data.startswith(b"\x89PNG"):
        at = data.find(b"acTL", 8, 4096)
        return min(struct.unpack(">I", data[at + 4 : at + 8])[0], MOST_FRAMES) if 0 < at <= len(data) - 8 else 1
    return _gif_frames(data) if data.startswith(b"GIF8") else 1


def _gif_frames(data: bytes) -> int:
    at, count = 13, 0
    if len(data) > 10 and data[10] & 0x80:
        at += 3 * 2 ** ((data[10] & 7) + 1)
    while at < len(data) and count < MOST_FRAMES:
        if data[at] == 0x2C:  # an image: descriptor, perhaps a colour table, then its data
            count += 1
            packed = data[at + 9] if at + 9 < len(data) else 0
            at += 10 + (3 * 2 ** ((packed & 7) + 1) if packed & 0x80 else 0) + 1
        elif data[at] == 0x21:
            at += 2
        else:
            break
        while at < len(data) and data[at]:
            at += data[at] + 1
        at += 1
    return max(count, 1)
