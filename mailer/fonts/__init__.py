"""The fonts that pictures are written with, such as the progress of a petition: two weights, six scripts.

README.md beside this says where the files come from, under which licence, and how to renew them; `python -m
scripts.fonts` makes them. Mails and pages don't use them: readers have fonts of their own.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont, features

FOLDER = Path(__file__).parent
LATIN = "Inter"  # Greek, Cyrillic and Vietnamese as well
# The first word of a letter's Unicode name → the family that has it. Each has Latin letters and digits, too.
FAMILIES = {
    "LATIN": LATIN, "GREEK": LATIN, "CYRILLIC": LATIN, "ARABIC": "NotoSansArabic", "HEBREW": "NotoSansHebrew",
    "DEVANAGARI": "NotoSansDevanagari",
}  # fmt: skip
SHAPED = ("ARABIC", "HEBREW", "DEVANAGARI")  # letters that join, stack or run from right to left


def scripts_of(text: str) -> frozenset[str]:
    """The scripts of a text's letters and digits, by the first word of their Unicode names: {"LATIN", "ARABIC"}.

    ASCII digits are of none.
    """
    letters = [c for c in text if unicodedata.category(c)[0] in "LM" or (c.isdigit() and not c.isascii())]
    names = (unicodedata.name(char, "?").replace("EXTENDED ARABIC", "ARABIC") for char in letters)
    return frozenset(name.split("-")[0].split()[0] for name in names) - {"COMBINING", "MODIFIER"}


def can_write(text: str) -> bool:
    """Whether a picture can hold `text` as a reader expects it: one of the families has all of its letters, and what
    joins letters (libraqm, with FriBiDi from the system) is there where they need it."""
    scripts = scripts_of(text)
    families = {FAMILIES.get(script) for script in scripts if script != "LATIN"} or {LATIN}
    joins = not scripts & set(SHAPED) or features.check("raqm") is True
    return joins and len(families) == 1 and None not in families


def typeface(text: str, size: float, *, bold: bool) -> ImageFont.FreeTypeFont:
    """The font for `text` at `size` pixels, extra bold or regular: that of its script, or Inter."""
    scripts = scripts_of(text) - {"LATIN"}
    family = next((FAMILIES[script] for script in sorted(scripts) if script in FAMILIES), LATIN)
    return _loaded(f"{family}-{'ExtraBold' if bold else 'Regular'}.ttf", size)


@lru_cache(maxsize=64)
def _loaded(name: str, size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FOLDER / name, size)
