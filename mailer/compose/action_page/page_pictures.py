"""Pictures of a sign page: files beside it, named by their content. The public site makes them in several sizes
(`web.pages.page_pictures`), so a large one costs supporters nothing."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote

from mailer.diagnostics import Diagnostic, Level, Place

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
LARGEST_BYTES = 20_000_000
MOST_PIXELS = 60_000_000  # of one that is scaled while a supporter waits
DIGEST_DIGITS = 16
HERO_PIXELS, FACE_PIXELS, CARD_PIXELS = 960, 112, 1200  # the least widths that are sharp where they are shown


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A picture beside action.md. `digest`: the first hex digits of its SHA-256; `alt`: for people who can't see it."""

    name: str
    alt: str
    digest: str
    width: int  # pixels, as it is held upright
    height: int


def find_picture(
    written: str, alt: str, *, folder: Path, place: Place, least: int
) -> tuple[PagePicture | None, list[Diagnostic]]:
    """The picture `written`, a path relative to `folder`, and what is wrong with it. Narrower than `least` is told."""
    if written.lower().startswith(("http://", "https://")):
        told = "That site would learn who opens the page. Put the file beside action.md."
        return None, [Diagnostic(f"the picture {written} comes from another site", place, told)]
    path = (folder / unquote(written)).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        return None, [Diagnostic(f"there is no picture {written!r}", place, "Put the file beside action.md.")]
    if path.stat().st_size > LARGEST_BYTES:
        return None, [Diagnostic(f"the picture {written} is larger than 20 MB", place, "Make it smaller.")]
    data = path.read_bytes()
    size = _measured(data)
    if size is None:
        return None, [Diagnostic(f"{written} is no picture that can be shown", place, "Save it as PNG, JPEG or WebP.")]
    found = PagePicture(written, alt, digest_of(data), *size)
    if size[0] < least:
        words = f"the picture {written} is {size[0]} pixels wide"
        return found, [Diagnostic(words, place, f"From {least} on it is sharp.", level=Level.WARNING)]
    return found, []


def digest_of(data: bytes) -> str:
    """What a picture's address is made of."""
    return hashlib.sha256(data).hexdigest()[:DIGEST_DIGITS]


def _measured(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels; None when it can't be read or has too many of them."""
    from PIL import Image, ImageOps  # here, since most newsletters have no page

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # nothing is decompressed here
        try:
            with Image.open(BytesIO(data), formats=FORMATS) as picture:
                turned = picture.getexif().get(ImageOps.ExifTags.Base.Orientation, 1) in (5, 6, 7, 8)
                width, height = picture.size
        except Exception:  # noqa: BLE001 - a broken file makes its readers there stumble in every way
            return None
    if width * height > MOST_PIXELS:
        return None
    return (height, width) if turned else (width, height)
