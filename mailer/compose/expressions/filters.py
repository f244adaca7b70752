"""The filters of merge tags: small functions from text to text, the same at both moments of composing.

They never raise for odd data, since what they meet is people's data: what isn't a date or a number is shown as it
is, and `mailer check` says for how many people (`readings`). Dates and numbers are set out as the message's language
does (Unicode CLDR, by Babel), whatever the machine's locale; plain `en` is British English.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from mailer.compose.visible import is_visible
from mailer.locale.cldr import locale_of

if TYPE_CHECKING:
    from babel import Locale

NAMED_FORMATS = ("long", "short", "full", "month", "year", "iso", "time")
LONGEST_NUMBER = 18  # characters: within these Decimal's sums are exact
DIRECTIVE = re.compile(r"%(-?[a-zA-Z%])")
DIRECTIVES = ("d", "-d", "m", "-m", "b", "B", "y", "Y", "a", "A", "H", "-H", "M", "%")
# Digits with an optional minus and decimals: what `number` sets out and what comparisons with numbers understand.
NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class FilterRule:
    """A filter: what does the work and how many arguments it takes; `speaks`: in the message's language."""

    apply: Callable[..., str]
    least: int = 0
    most: int = 0
    speaks: bool = False


def default(text: str, fallback: str) -> str:
    """`fallback` when there is no text: what shows nothing counts as missing, as in {{ x | default("friend") }}."""
    return text if (text.strip() if text.isascii() else is_visible(text)) else fallback


def upper(text: str) -> str:
    return text.upper()


def lower(text: str) -> str:
    return text.lower()


def title(text: str) -> str:
    """Each word with a capital: "mary-ann o'neil" → "Mary-Ann O'neil"."""
    return WORD.sub(lambda word: word[0].capitalize(), text)


def format_date(text: str, form: str = "long", *, language: str = "en") -> str:
    """An ISO 8601 date or time set out as `form`: one of NAMED_FORMATS or a pattern of DIRECTIVES."""
    moment = readable_date(text)
    if moment is None:
        return text
    if form not in NAMED_FORMATS:
        standing = not re.search(r"%-?d", form)  # "février 2026", yet in many languages another form behind a day
        return DIRECTIVE.sub(lambda found: _directive(found[1], moment, locale_of(language), standing), form)
    if form == "iso":
        return moment.date().isoformat()
    from babel import dates  # here, since most messages have no dates

    locale = locale_of(language)
    if form in ("month", "year"):
        return dates.format_skeleton({"month": "yMMMM", "year": "y"}[form], moment, locale=locale)
    if form == "time":
        return dates.format_time(moment, "short", locale=locale)
    return dates.format_date(moment, "medium" if form == "short" else form, locale=locale)


def number(text: str, decimals: str = "", *, language: str = "en") -> str:
    """1234567.5 → 1,234,567.5, in German 1.234.567,5, or with a given count of decimals."""
    plain = readable_number(text)
    if plain is None:
        return text
    value = Decimal(plain)
    if len(plain) > LONGEST_NUMBER:
        return f"{value:,}"
    if decimals.isdecimal() and int(decimals) <= 9:
        value = value.quantize(Decimal(1).scaleb(-int(decimals)), ROUND_HALF_EVEN)
    from babel.numbers import format_decimal  # here, as above

    locale = locale_of(language)
    places = -int(value.as_tuple().exponent)
    whole = str(locale.decimal_formats[None].pattern).partition(".")[0]
    return format_decimal(value, format=whole + "." * (places > 0) + "0" * places, locale=locale)


def readable_date(text: str) -> datetime | None:
    """The moment that `date` reads, without its zone; None for what is no ISO 8601 date."""
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=None)
    except ValueError:
        return None


def readable_number(text: str) -> str | None:
    """The digits that `number` reads; None for what is no number as computers write them."""
    plain = text.strip()
    return plain if NUMBER.fullmatch(plain) else None


def urlencode(text: str) -> str:
    """Percent-encoding of everything that isn't unreserved (RFC 3986 §2.3)."""
    return quote(text, safe="")


FILTERS: Mapping[str, FilterRule] = {
    "default": FilterRule(default, 1, 2),
    "upper": FilterRule(upper),
    "lower": FilterRule(lower),
    "title": FilterRule(title),
    "date": FilterRule(format_date, 0, 1, speaks=True),
    "number": FilterRule(number, 0, 1, speaks=True),
    "urlencode": FilterRule(urlencode),
}


def applied(name: str, language: str) -> Callable[..., str]:
    """What a filter does in a message of this language."""
    rule = FILTERS[name]
    return partial(rule.apply, language=language) if rule.speaks else rule.apply


def unknown_date_format(form: str) -> bool:
    """Whether `form` names no format and uses a directive that isn't understood."""
    if form in NAMED_FORMATS:
        return False
    used = DIRECTIVE.findall(form)
    return not used or any(name not in DIRECTIVES for name in used) or "%" in DIRECTIVE.sub("", form)


def _directive(name: str, moment: datetime, locale: Locale, standing: bool) -> str:
    padded = {"d": moment.day, "m": moment.month, "H": moment.hour, "M": moment.minute, "y": moment.year % 100}
    bare = name.removeprefix("-")
    if bare in padded:
        return str(padded[bare]) if name.startswith("-") else f"{padded[bare]:02d}"
    width = "wide" if name in ("A", "B") else "abbreviated"
    if name in ("B", "b"):
        return str(locale.months["stand-alone" if standing else "format"][width][moment.month])
    if name in ("A", "a"):
        return str(locale.days["format"][width][moment.weekday()])
    return {"Y": f"{moment.year:04d}", "%": "%"}.get(name, f"%{name}")
