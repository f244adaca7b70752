"""What layouts are given of the brand and the headline: colours by role, fonts, the logo, sizes of type."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mailer.compose.colours.palette import COME_AS, palettes
from mailer.compose.look.logo import logos
from mailer.compose.source.images import Pictures
from mailer.locale.cldr import script_of
from mailer.settings import Brand, Settings

# What phones and computers write their own screens with. No quotes: the stack is in attributes as well as in styles.
SYSTEM_FONTS = "-apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif"
SERIF = "Georgia, Noto Serif, Noto Naskh Arabic, serif"
LONG_HEADLINE = 60  # characters; beyond, it steps down
# Scripts whose letters may be set closer. Others join them, or need room above and below.
TIGHT = ("Latn", "Cyrl", "Grek")


@dataclass(frozen=True, slots=True)
class Voice:
    """How words are set: the headline's pixels, on a phone and from 600 up, and its spacing; other people's font."""

    headline: int
    headline_wide: int
    tracking: str
    leading: str
    serif: str = SERIF


def look_of_mail(settings: Settings, *, pictures: Pictures, headline: str, language: str) -> dict[str, Any]:
    """The names `brand`, `light`, `dark`, `logo`, `sheet_logo` and `voice` of a layout."""
    brand = settings.brand
    light, dark = palettes(brand)
    logo, sheet_logo = logos(settings, pictures, deep=light.deep)
    shown = replace(brand, font=font_of(brand), logo=sheet_logo.src if sheet_logo else "")
    return {
        "brand": shown, "light": light, "dark": dark, "logo": logo, "sheet_logo": sheet_logo,
        "voice": voice_of(headline, language),
    }  # fmt: skip


def font_of(brand: Brand) -> str:
    """The fonts that words are set in: the brand's, or the system's where it has none of its own."""
    return SYSTEM_FONTS if brand.font == COME_AS.font else brand.font


def voice_of(headline: str, language: str) -> Voice:
    """How a headline is set in a language."""
    phone, wide = (34, 46) if len(headline) <= LONG_HEADLINE else (28, 38)
    if script_of(language) not in TIGHT:
        return Voice(phone - 2, wide - 4, "normal", "1.3")
    return Voice(phone, wide, "-0.7px", "1.08")
