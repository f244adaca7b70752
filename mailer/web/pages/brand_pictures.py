"""The brand on the supporters' pages: colours, font, logo and the icon of the browser's tab. Made once, served by us.

A logo is a picture in the workspace. One at another site's address is left out, since that site would learn who opens
a page. On the dark band the logo for dark grounds is shown; another one as it is if it can be told from the band, else
on a white tile.
"""

from __future__ import annotations

import hashlib
import logging
from base64 import b64encode
from dataclasses import dataclass
from html import escape
from io import BytesIO

from mailer.compose.colours.palette import COME_AS, Palette, palettes
from mailer.compose.look.logo import ALONE, stands_out
from mailer.compose.source.images import content_type
from mailer.settings import Settings

log = logging.getLogger(__name__)

LOGO, ICON = (440, 68), (180, 180)  # pixels, at most: twice what pages show of a logo; what phones ask for
SYSTEM_FONTS = 'system-ui,-apple-system,"Segoe UI",Roboto,Arial,"Noto Sans",sans-serif'
NO_LETTER = "@"


@dataclass(frozen=True, slots=True)
class BrandFile:
    """A picture as it is served. `name` changes with the content."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ShownLogo:
    """The logo in the band. `width` and `height` are those of the file; `alone`: without the name beside it."""

    src: str
    width: int
    height: int
    alone: bool
    classes: str


@dataclass(frozen=True, slots=True)
class BrandLook:
    """What every page has of the brand."""

    light: Palette
    dark: Palette
    font: str
    icon: str
    logo: ShownLogo | None
    logo_alt: str
    files: tuple[BrandFile, ...]


def look_of(settings: Settings, *, root: str, inline: bool = False) -> BrandLook:
    """The brand's look. `root`: the path before our own addresses; `inline`: pictures are in the page itself."""
    brand = settings.brand
    light, dark = palettes(brand)
    font = SYSTEM_FONTS if brand.font == COME_AS.font else brand.font
    # A family name can't end the style block or begin another rule.
    font = "".join(c for c in font if c.isalnum() or c in " ,-'\"")
    files: list[BrandFile] = []

    def src(kind: str, media: str, content: bytes) -> str:
        if inline:
            return f"data:{media};base64,{b64encode(content).decode('ascii')}"
        ending = "svg" if media == "image/svg+xml" else "png"
        name = f"{kind}-{hashlib.sha256(content).hexdigest()[:12]}.{ending}"
        files.append(BrandFile(name, media, content))
        return f"{root}/brand/{name}"

    drawn = _drawn(settings, light.deep)
    logo = None
    if drawn:
        names = ("alone" if drawn.alone else "", "tile" if drawn.on_tile else "")
        logo = ShownLogo(
            src("logo", "image/png", drawn.png), *drawn.size, drawn.alone, " ".join(name for name in names if name)
        )
    if drawn and drawn.icon:
        icon = src("icon", "image/png", drawn.icon)
    else:
        icon = src("icon", "image/svg+xml", _letter(settings.organisation.name, light).encode())
    return BrandLook(light, dark, font, icon, logo, brand.logo_alt, tuple(files))


@dataclass(frozen=True, slots=True)
class _Drawn:
    png: bytes
    size: tuple[int, int]
    alone: bool
    on_tile: bool
    icon: bytes  # b"" for a logo that is no square


def _drawn(settings: Settings, deep: str) -> _Drawn | None:
    """The logo made for pages; None without one, or when its file can't be shown (`mailer check` says so)."""
    brand = settings.brand
    written = brand.logo_dark or brand.logo
    if not written or "://" in written:
        return None
    from PIL import Image, ImageOps  # here, since most commands show no picture

    try:
        path = (settings.root / written).resolve()
        data = path.read_bytes() if path.is_relative_to(settings.root.resolve()) else b""
        if content_type(data) is None:
            raise OSError("not a PNG, JPEG or GIF")
        with Image.open(BytesIO(data), formats=("PNG", "JPEG", "GIF")) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGBA")
    except Exception as error:  # noqa: BLE001 - a broken file makes its readers there stumble in every way
        log.warning("the pages have no logo: %s can't be read (%s)", written, error)
        return None
    alone = picture.width / picture.height > ALONE
    square = b"" if alone else _png(ImageOps.pad(picture, ICON, color=(0, 0, 0, 0)))
    shown = ImageOps.contain(picture, LOGO)
    on_tile = not brand.logo_dark and not stands_out(data, deep)
    return _Drawn(_png(shown), shown.size, alone, on_tile, square)


def _png(picture: object) -> bytes:
    out = BytesIO()
    picture.save(out, "PNG", optimize=True)  # pyright: ignore[reportAttributeAccessIssue] - Pillow's, imported late
    return out.getvalue()


def _letter(name: str, colours: Palette) -> str:
    """The first letter of a name on the brand's own ground, as SVG."""
    letter = next((c for c in name if c.isalnum()), NO_LETTER).upper()
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
        f'<rect width="64" height="64" rx="14" fill="{colours.deep}"/>'
        f'<text x="32" y="46" font-family="system-ui,sans-serif" font-size="40" font-weight="800" '
        f'text-anchor="middle" fill="{colours.on_deep}">{escape(letter)}</text></svg>'
    )
