"""Checks people's names: no characters that turn the text direction, no web address in any spelling.

Names are typed by anybody into forms and come in files from everywhere, and then show in mails, on pages and in lists.
A name that mail programs make a link of is an advertisement in our mail (Unicode TR 36 and 39 name such spellings).
"""

from __future__ import annotations

import re
from unicodedata import normalize

# Embeddings, overrides and isolates, and the three marks: they turn the order of whatever follows a name.
BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_INVISIBLE = re.compile("[\u00ad\u034f\u180e\u200b-\u200f\u2060-\u2064\ufeff\ufe00-\ufe0f]")
# What Unicode's compatibility forms (NFKC) leave of signs that stand for a dot (RFC 3490 §3.1 and look-alikes), a slash
# or a colon.
_DOTS, _SLASHES, _COLONS = (
    "\u3002\u2024\u0701\u0702\ua4f8\u06d4",
    "\u2044\u2215\u29f8\u2571",
    "\ua789\u2236\u02d0\u05c3",
)
_LIKE = str.maketrans({**dict.fromkeys(_DOTS, "."), **dict.fromkeys(_SLASHES, "/"), **dict.fromkeys(_COLONS, ":")})
_PLAINLY = re.compile(
    r"://|\bwww\.|@|<|\b(?:https?|hxxps?|ftp|mailto|javascript|data|tel|sms):|\[\.\]|\(dot\)|\bxn--"
    r"|(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])"
)
_DOTTED = re.compile(r"(?<![^\s(\"'“‘,;:/])[^\W_](?:[\w-]*[^\W_])?(?:\.[^\W_](?:[\w-]*[^\W_])?)+(?P<path>/|:\d)?")
# Names are written with dots as well: Dr.Smith, St.John, J.R.R.Tolkien, d.Berg. The part before the last dot tells.
_TITLES = frozenset((
    "dr", "dra", "drs", "fr", "frau", "herr", "hr", "ing", "jr", "lt", "mag", "mlle", "mme", "mr", "mrs", "ms",
    "mx", "ph", "prof", "rev", "sr", "sra", "srta", "st", "ste", "van", "von",
))  # fmt: skip
# Behind a single letter these are a site's ending (t.co, x.com), and no name.
_ENDINGS = frozenset((
    "ai", "app", "biz", "co", "com", "dev", "eu", "example", "info", "io", "link", "ly", "me", "net", "org",
    "ru", "shop", "site", "to", "tv", "uk", "us", "xyz",
))  # fmt: skip
_NOBODYS = frozenset(("biz", "com", "example", "info", "net", "org", "xyz"))  # of these, what no family is called


def clean_name(text: str) -> str:
    """`text` without signs that turn the direction of what follows; the very same text when it has none."""
    return text if text.isascii() else BIDI.sub("", text)


def holds_address(text: str) -> bool:
    """Whether a mail program may make a link of something in this name, or its reader an address."""
    if text.isalpha():
        return False
    plain = _INVISIBLE.sub("", normalize("NFKC", text)).translate(_LIKE).casefold()
    if _PLAINLY.search(plain):
        return True
    return any(_is_site(found) for found in _DOTTED.finditer(plain))


def _is_site(found: re.Match[str]) -> bool:
    *before, last = found[0].rstrip("/").partition(":")[0].split(".")
    if found["path"]:
        return True
    if len(last) < 2 or last.isdigit():
        return False
    if before[-1] in _TITLES:
        return last in _NOBODYS
    return any(len(part) > 1 for part in before) or last in _ENDINGS
