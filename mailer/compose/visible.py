"""Which texts show anything: a subject of blanks, zero-width characters or nothing at all is no subject."""

from __future__ import annotations

import re
from unicodedata import category

# Letters and signs by their category, yet drawn as nothing: the Hangul fillers, Braille without dots, and the
# placeholder of an object that isn't there (Unicode 15, Default_Ignorable_Code_Point and the names of the characters).
DRAWN_AS_NOTHING = frozenset("\u115f\u1160\u3164\uffa0\u2800\ufffc")
SHOWN = "LNPS"  # letters, numbers, punctuation, symbols; a mark alone shows on nothing
# What has no place in anybody's name or town: controls, lone surrogates, noncharacters, line and paragraph separators,
# and the signs that turn the direction of all that follows (Unicode TR 36 §3.1 names the attack).
UNFIT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


def is_visible(text: str) -> bool:
    """Whether a reader sees anything of `text`."""
    return any(category(sign)[0] in SHOWN and sign not in DRAWN_AS_NOTHING for sign in text)
