"""What the Unicode CLDR knows of every language, by Babel: how dates and numbers are set out, its script's direction.

Languages come as BCP 47 tags, or with underscores as other programs write them. Babel is imported when it is needed:
most commands speak to nobody.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from babel import Locale

# Scripts written from right to left (UAX 9 and the Unicode Character Database), by their ISO 15924 codes.
RIGHT_TO_LEFT = (
    "Adlm", "Arab", "Armi", "Avst", "Hebr", "Mand", "Mani", "Nkoo", "Rohg", "Samr", "Sogd", "Syrc", "Thaa",
    "Yezi",
)  # fmt: skip
MOST_REMEMBERED = 128  # tags: they come from people's files and browsers

Direction = Literal["ltr", "rtl"]


@lru_cache(maxsize=MOST_REMEMBERED)
def locale_of(tag: str) -> Locale:
    """The locale of a language, or of its first subtag; British English where it isn't known, and for plain `en`."""
    from babel import Locale, UnknownLocaleError

    tag = tag.replace("_", "-")
    for code in (tag, tag.partition("-")[0]):
        try:
            return Locale.parse("en-GB" if code == "en" else code, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en", "GB")


def own_name(tag: str) -> str:
    """What a language calls itself: Deutsch, Português (Brasil); its tag where nobody knows."""
    locale = locale_of(tag)
    if tag == "en":
        return "English"  # and not of one country
    is_known = locale.language != "en" or tag.lower().startswith("en")
    name = (locale.get_display_name(locale) if is_known else None) or tag
    return name[:1].upper() + name[1:]


def direction_of(tag: str) -> Direction:
    """How a language is written: from the left or from the right."""
    return "rtl" if script_of(tag) in RIGHT_TO_LEFT else "ltr"


@lru_cache(maxsize=MOST_REMEMBERED)
def script_of(tag: str) -> str:
    """The script that a language is most likely written in, by its ISO 15924 code; "" where nobody knows."""
    from babel.core import get_global

    language, *more = tag.replace("_", "-").split("-")
    script = next((part for part in more if len(part) == 4 and part.isalpha()), "")
    if script:
        return script.title()
    region = next((part.upper() for part in more if len(part) == 2 and part.isalpha()), "")
    language = get_global("language_aliases").get(language.lower(), language.lower())
    likely = get_global("likely_subtags")
    found = likely.get(f"{language}_{region}") or likely.get(language) or ""
    return next((part for part in found.split("_")[1:] if len(part) == 4), "")
