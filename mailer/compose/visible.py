"""Which texts show anything: a subject of blanks, zero-width characters or nothing at all is no subject."""

from __future__ import annotations

from unicodedata import category

# Letters and signs by their category, yet drawn as nothing: the Hangul fillers, Braille without dots, and the
# placeholder of an object that isn't there (Unicode 15, Default_Ignorable_Code_Point and the names of the characters).
DRAWN_AS_NOTHING = frozenset("\u115f\u1160\u3164\uffa0\u2800\ufffc")
SHOWN = "LNPS"  # letters, numbers, punctuation, symbols; a mark alone shows on nothing


def is_visible(text: str) -> bool:
    """Whether a reader sees anything of `text`."""
    return any(category(sign)[0] in SHOWN and sign not in DRAWN_AS_NOTHING for sign in text)
