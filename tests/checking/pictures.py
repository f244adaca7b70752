"""Pictures as large as a test needs them."""

from __future__ import annotations

from io import BytesIO

from PIL import Image


def png(width: int, *, moving: bool = False, size: int = 0) -> bytes:
    """A PNG, with `size` bytes in all if that is more."""
    return _file("PNG", width, 3 if moving else 1).ljust(size, b"\x00")


def gif(frames: int, *, width: int = 300) -> bytes:
    """A GIF with so many frames."""
    return _file("GIF", width, frames)


def jpeg(width: int) -> bytes:
    return _file("JPEG", width, 1)


def _file(kind: str, width: int, frames: int) -> bytes:
    first, *rest = [Image.new("RGB", (width, 100), (40 * number, 0, 0)) for number in range(frames)]
    out = BytesIO()
    if rest:
        first.save(out, kind, save_all=True, append_images=rest)
    else:
        first.save(out, kind)
    return out.getvalue()
