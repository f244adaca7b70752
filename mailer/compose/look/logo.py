"""The logo in a mail: how large, with the name beside it or alone, and whether it needs a light ground under it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO

from mailer.compose.colours.contrast import ratio
from mailer.compose.source.images import Pictures, look
from mailer.diagnostics import Place
from mailer.settings import Settings

PLACE = Place("mailer.toml")
SIDE, HEIGHT, WIDEST = 36, 36, 200  # pixels as shown: of a square one; of a wide one, and how wide it may get
ALONE = 1.6  # width to height: a wider logo has the name in it, so it isn't written beside
APART = 3.0  # contrast (WCAG 2.2, 1.4.11) of a logo's pixels with the ground
TOLD_APART = 0.6  # of its pixels


@dataclass(frozen=True, slots=True)
class MailLogo:
    """A logo as it is shown: half its file's size or less, so that it is sharp on every screen."""

    src: str
    alt: str
    width: int
    height: int
    alone: bool  # without the name beside it
    tile: bool  # on a white ground


def logos(settings: Settings, pictures: Pictures, *, deep: str) -> tuple[MailLogo | None, MailLogo | None]:
    """The logo on the brand's band (`deep`), and the one on a light sheet; None without one.

    The band's is `logo_dark`, or `logo`: as it is where it can be told from the band, else on a white tile.
    """
    brand = settings.brand
    sheet = _shown(settings, pictures, brand.logo) if brand.logo else None
    if brand.logo_dark:
        return _shown(settings, pictures, brand.logo_dark), sheet
    on_tile = bool(sheet) and not stands_out(_data(settings, brand.logo), deep)
    return (replace(sheet, tile=on_tile) if sheet else None), sheet


def _shown(settings: Settings, pictures: Pictures, written: str) -> MailLogo:
    src = pictures.add(written, PLACE, of_workspace=True).src
    facts = look(_data(settings, written))
    # What can't be read is taken for a wide one; `Pictures` says what is wrong with it.
    wide, high = (facts.width, facts.height) if facts else (4, 1)
    alone = wide > ALONE * high
    width = min(WIDEST, round(HEIGHT * wide / high)) if alone else round(SIDE * min(1, wide / high))
    name = settings.organisation.name
    alt = (settings.brand.logo_alt or name) if alone or not name else ""  # the name beside says it
    return MailLogo(src, alt, width, max(1, round(width * high / wide)), alone, tile=False)


def _data(settings: Settings, written: str) -> bytes:
    path = settings.root / written
    return path.read_bytes() if "://" not in written and path.is_file() else b""


@lru_cache(maxsize=8)  # every language and version asks it of the same logo, and has it decoded for it
def stands_out(data: bytes, ground: str) -> bool:
    """Whether most of a picture can be told from the ground."""
    from PIL import Image  # here, since many messages have no picture

    try:
        with Image.open(BytesIO(data), formats=("PNG", "JPEG", "GIF")) as opened:
            raw = opened.convert("RGBA").resize((32, 32)).tobytes()
    except Exception:  # noqa: BLE001 - a broken file makes its readers there stumble in every way
        return False
    seen = [raw[at : at + 3].hex() for at in range(0, len(raw), 4) if raw[at + 3] > 127]
    return bool(seen) and sum(ratio(f"#{pixel}", ground) >= APART for pixel in seen) >= TOLD_APART * len(seen)
