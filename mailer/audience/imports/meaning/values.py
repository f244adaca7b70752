"""Values as other programs write them, taken for what they are: countries, languages, names, tags, zones, JSON …"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast
from zoneinfo import available_timezones

from mailer.audience.imports.meaning.statuses import plain
from mailer.compose.expressions.tagged import unquoted
from mailer.locale.language import LANGUAGES
from mailer.store.tables.core import to_microseconds

LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{2,8}){0,5}")
MOST_REMEMBERED = 2_000
QUOTED = json.encoder.encode_basestring  # a text as JSON writes it, letters beyond ASCII as they are
# Countries and languages are known by name in these and in those of mailer/locale/, by Babel (Unicode CLDR).
NAMED_IN = ("en", "fr", "de", "es", "it", "pt", "nl", "pl", "sv", "da", "nb", "fi", "cs", "hu", "ro", "el", "tr", "ru",
            "uk", "ar", "zh", "ja")  # fmt: skip
ALSO = {
    "uk": "GB", "u k": "GB", "great britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB",
    "northern ireland": "GB", "united states of america": "US", "usa": "US", "u s a": "US", "u s": "US",
    "america": "US", "holland": "NL", "the netherlands": "NL", "czech republic": "CZ", "korea": "KR",
    "republic of ireland": "IE", "eire": "IE", "ivory coast": "CI", "burma": "MM", "swaziland": "SZ", "brd": "DE",
    "turkey": "TR", "macedonia": "MK", "cape verde": "CV", "east timor": "TL", "hong kong": "HK", "macau": "MO",
    "palestine": "PS", "palestinian territory": "PS", "vatican": "VA", "russian federation": "RU", "viet nam": "VN",
    "korea republic of": "KR", "republic of korea": "KR", "korea democratic people s republic of": "KP",
    "iran islamic republic of": "IR", "tanzania united republic of": "TZ", "moldova republic of": "MD",
    "bolivia plurinational state of": "BO", "venezuela bolivarian republic of": "VE", "syrian arab republic": "SY",
    "taiwan province of china": "TW", "lao people s democratic republic": "LA", "brunei darussalam": "BN",
    "congo the democratic republic of the": "CD", "congo democratic republic of the": "CD",
    "democratic republic of the congo": "CD", "congo republic of the": "CG", "republic of the congo": "CG",
    "macedonia republic of": "MK", "micronesia federated states of": "FM", "libyan arab jamahiriya": "LY",
}  # fmt: skip
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # no consent to be mailed is older


class Remembered(dict[str, Any]):
    """Caches a function's results for the first few thousand texts."""

    def __init__(self, work_out: Callable[[str], Any]) -> None:
        super().__init__()
        self.work_out = work_out

    def __missing__(self, text: str) -> Any:
        result = self.work_out(text)
        if len(self) < MOST_REMEMBERED:
            self[text] = result
        return result


def country_code(text: str) -> str:
    """The ISO 3166-1 code of a country by code or name; "" for what is neither."""
    if len(text) == 2 and text.isascii() and text.isalpha():
        return {"UK": "GB"}.get(text.upper(), text.upper())
    if not text or len(text) > 80:
        return ""
    from babel.core import get_global

    alias = get_global("territory_aliases").get(text.upper())
    if alias and len(text) == 3 and len(alias) == 1:
        return str(alias[0])  # three letters or figures: GBR, 826
    return _countries().get(_bare(text), "")


def language_tag(text: str) -> str:
    """The BCP 47 tag of a language by tag (`de_DE`) or name; "" for what is neither."""
    tag, _, _ = text.partition(".")  # de_DE.UTF-8
    if LANGUAGE.fullmatch(tag):
        primary, dash, rest = tag.replace("_", "-").partition("-")
        return primary.lower() + dash + rest
    return _languages().get(_bare(text), "")


@cache
def _countries() -> Mapping[str, str]:
    names = {
        name: code
        for locale in _locales()
        for code, name in locale.territories.items()
        if len(code) == 2 and code.isalpha()
    }
    return {**{_bare(name): code for name, code in names.items()}, **ALSO}


@cache
def _languages() -> Mapping[str, str]:
    names = {name: code for locale in _locales() for code, name in locale.languages.items() if len(code) == 2}
    return {_bare(name): code for name, code in names.items()}


def _locales() -> Iterator[Any]:
    from babel import Locale

    names = dict.fromkeys((*NAMED_IN, *LANGUAGES))
    return (
        Locale.parse(name, sep="-") for name in reversed(names)
    )  # where two languages disagree, the first has its way


def _bare(text: str) -> str:
    words = re.sub(r"[\W_]+", " ", plain(text).replace("&", " and ")).strip()
    return re.sub(r"\bsaint\b", "st", words)


def split_name(name: str) -> tuple[str, str]:
    """First and last name of a name in one piece: "Last, First", or the first word and the rest.

    No rule is right for everyone ("María José García López"); a file with two columns is always better.
    """
    last, comma, first = name.partition(",")
    if comma and first.strip():
        return first.strip(), last.strip()
    first, _, last = name.partition(" ")
    return first, last.strip()


def tags(text: str) -> str:
    """Tags in one cell, separated by commas: of a JSON list, of quoted names, or with ; or | between them."""
    found: list[str] = []
    try:
        listed = json.loads(text) if text.startswith("[") else None
    except (ValueError, RecursionError):
        listed = None
    if isinstance(listed, list):
        found = [str(one) for one in cast(list[Any], listed) if isinstance(one, str | int | float)]
    else:
        between = next((sign for sign in ",;|" if sign in text), ",")
        line = re.sub(r"[\r\n]+", between, text)
        found = [tag for row in csv.reader([line], delimiter=between, skipinitialspace=True) for tag in row]
    # No tag holds what separates tags, so that one that was kept is read as the same again.
    single = (unquoted(part) for one in found for part in re.split(r"[,;|\s]*[,;|\n][,;|\s]*", one))
    return ", ".join(dict.fromkeys(" ".join(one.split()) for one in single if one))


def timezone(text: str) -> str:
    """The IANA name of a time zone, in its own spelling; "" when there is no such zone."""
    return _zones().get(text.casefold().replace(" ", "_"), "")


@cache
def _zones() -> Mapping[str, str]:
    return {name.casefold(): name for name in available_timezones()}


def moment(text: str, *, before: datetime) -> int | None:
    """When something was, in microseconds since 1970: of an ISO 8601 text, UTC where it names no zone.

    None when it isn't one, or can't be true: a day and month in figures could be either way round.
    """
    try:
        at = datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return to_microseconds(at) if EARLIEST <= at <= before else None


def members(text: str) -> dict[str, str] | None:
    """The members of a JSON object in a cell, as texts; None when it isn't one."""
    if text.startswith('"{'):  # padded columns leave the quotes on
        text = text[1:].removesuffix('"').replace('""', '"')
    try:
        found = json.loads(text) if text.startswith("{") else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    return {str(name): as_text(value) for name, value in cast(dict[Any, Any], found).items()}


def as_text(value: object) -> str:
    """A JSON value as text: nothing for null, a list of plain values as tags."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
