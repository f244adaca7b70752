"""The quotation marks of a language, in place of straight ones, for templates that ask for them."""

from __future__ import annotations

from collections.abc import Mapping

# Outer pair, inner pair: Unicode CLDR's delimiters. French ones hold a narrow no-break space (U+202F).
_ENGLISH = ("“", "”", "‘", "’")
_GERMAN = ("„", "“", "‚", "‘")
_ANGLES = ("«", "»", "“", "”")
_NORDIC = ("«", "»", "‘", "’")
_SLAVIC = ("«", "»", "„", "“")
_CHEVRONS = ("«", "»", "‹", "›")
_SAME = ("”", "”", "’", "’")
QUOTES: Mapping[str, tuple[str, str, str, str]] = {
    "ar": ("”", "“", "’", "‘"), "bg": _GERMAN, "ca": _ANGLES, "cs": _GERMAN, "da": _ENGLISH, "de": _GERMAN,
    "de-ch": _CHEVRONS, "el": _ANGLES, "en": _ENGLISH, "es": _ANGLES, "et": _GERMAN, "fa": _CHEVRONS,
    "fi": _SAME, "fr": ("«\u202f", "\u202f»", "‹\u202f", "\u202f›"), "fr-ch": _CHEVRONS, "he": _SAME,
    "hi": _ENGLISH, "hr": ("„", "”", "‚", "’"), "hu": ("„", "”", "»", "«"), "is": _GERMAN, "it": _ANGLES,
    "ja": ("「", "」", "『", "』"), "lt": _GERMAN, "nb": _NORDIC, "nl": _ENGLISH, "no": _NORDIC,
    "pl": ("„", "”", "«", "»"), "pt": _ENGLISH, "pt-pt": _ANGLES, "ro": ("„", "”", "«", "»"), "ru": _SLAVIC,
    "sk": _GERMAN, "sl": _GERMAN, "sr": ("„", "“", "’", "’"), "sv": _SAME, "tr": _ENGLISH, "uk": _SLAVIC,
}  # fmt: skip


def quotes_for(language: str) -> tuple[str, str, str, str]:
    """Outer and inner marks of a BCP 47 language; English ones where it isn't known."""
    code = language.lower()
    return QUOTES.get(code) or QUOTES.get(code.partition("-")[0], _ENGLISH)
