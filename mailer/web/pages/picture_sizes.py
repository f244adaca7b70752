"""The pictures of a sign page as browsers fetch them: in a few widths, without what a camera noted, at addresses
that change with the content. Bytes in, bytes out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from mailer.compose.action_page.page_pictures import FORMATS, PagePicture

if TYPE_CHECKING:
    from PIL.Image import Image

WIDTHS = (480, 800, 1300)  # a phone, a phone with a fine screen, a desktop with one
FACE_WIDTHS = (112,)
WEBP, JPEG = "webp", "jpg"
TYPES = {WEBP: "image/webp", JPEG: "image/jpeg"}
NAME = re.compile(rf"([0-9a-f]{{16}})-({'|'.join(map(str, (*WIDTHS, *FACE_WIDTHS)))})\.({WEBP}|{JPEG})")
QUALITY = {WEBP: 80, JPEG: 82}


@dataclass(frozen=True, slots=True)
class SizedPicture:
    """A picture as a page's HTML names it. `src` is for browsers that know no WebP, the others choose from `webp`."""

    src: str
    webp: str  # a srcset
    alt: str
    width: int
    height: int


def sized(picture: PagePicture | None, base: str, widths: tuple[int, ...] = WIDTHS) -> SizedPicture | None:
    """The addresses of a picture below `base`."""
    if picture is None:
        return None
    there = [width for width in widths if width <= picture.width] or [widths[0]]
    names = {width: f"{base}/{picture.digest}-{width}" for width in there}
    webp = ", ".join(f"{name}.{WEBP} {width}w" for width, name in names.items())
    middle = there[min(1, len(there) - 1)]
    return SizedPicture(f"{names[middle]}.{JPEG}", webp, picture.alt, picture.width, picture.height)


def made(data: bytes, width: int, ending: str) -> bytes:
    """The picture at most `width` pixels wide, as WebP or JPEG."""
    picture = upright(data)
    if picture.width > width:
        picture = picture.resize((width, max(1, round(picture.height * width / picture.width))))
    out = BytesIO()
    if ending == WEBP:
        picture.save(out, "WEBP", quality=QUALITY[WEBP], method=4)
    else:
        on_white(picture).save(out, "JPEG", quality=QUALITY[JPEG], progressive=True, optimize=True)
    return out.getvalue()


def upright(data: bytes) -> Image:
    """The pixels of a picture, turned as the camera was held, with or without transparency."""
    from PIL import Image, ImageOps

    with Image.open(BytesIO(data), formats=FORMATS) as opened:
        turned = ImageOps.exif_transpose(opened)
        has_alpha = "A" in turned.getbands() or "transparency" in turned.info
        return turned.convert("RGBA" if has_alpha else "RGB")


def on_white(picture: Image) -> Image:
    """The picture without transparency."""
    from PIL import Image

    if picture.mode == "RGB":
        return picture
    white = Image.new("RGB", picture.size, "#fff")
    white.paste(picture, mask=picture.getchannel("A"))
    return white
