"""Phone numbers as people type them, in one spelling: `+` and digits (E.164), or the digits alone.

Nothing is guessed. A number without a country code stays without one: where somebody lives doesn't tell where their
number is from. A number that reads two ways is refused: people can write it once more, and a wrong number is somebody
else's.
"""

from __future__ import annotations

import re
from unicodedata import category, decimal, normalize

FEWEST, MOST = 7, 15  # digits; E.164 §6 sets the most, and no shorter number can be called from everywhere
BETWEEN = frozenset("()./-")
NUMBER = re.compile(rf"(?:\+[1-9]\d{{{FEWEST - 1},{MOST - 1}}}|\d{{{FEWEST},{MOST}}})", re.ASCII)
# In "+44 (0)20 …" the zero is not dialled from abroad, in "+39 (0)6 …" it is. "7946 0958/59" may be two numbers.
TWO_WAYS = re.compile(r"\+.*\(\s*0\s*\)|/\s*\d{1,2}$")


class BadNumber(ValueError):
    """Not a phone number, or one that reads two ways."""


def phone_number(text: str) -> str:
    """The one spelling of a number; blanks, brackets, dots, hyphens and slashes are left out, digits of any script
    are taken. Raises `BadNumber`."""
    plain = "".join(_plain(c) for c in normalize("NFKC", text)).strip()
    found = "".join(c for c in plain if c not in BETWEEN and c != " ")
    if not NUMBER.fullmatch(found) or TWO_WAYS.search(plain) or not set(found) - {"0", "+"}:
        raise BadNumber(f"{text!r} is not a phone number")
    return found


def _plain(character: str) -> str:
    """The ASCII digit, blank or hyphen that a character stands for; nothing for marks that only turn the writing."""
    digit = decimal(character, None)
    if digit is not None:
        return str(digit)
    kind = category(character)
    return {"Zs": " ", "Pd": "-", "Cf": ""}.get(kind, " " if character.isspace() else character)
