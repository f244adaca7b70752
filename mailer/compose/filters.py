"""The filters of merge tags: small functions from text to text, the same at both moments of composing.

They never raise for odd data, since what they meet is people's data: what isn't a date or a number is shown as it
is. English names of months and days, whatever the machine's locale.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from urllib.parse import quote

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NAMED_FORMATS: Mapping[str, str] = {
    "long": "%-d %B %Y", "short": "%-d %b %Y", "full": "%A, %-d %B %Y", "month": "%B %Y", "year": "%Y",
    "iso": "%Y-%m-%d", "time": "%H:%M",
}  # fmt: skip
DIRECTIVE = re.compile(r"%(-?[a-zA-Z%])")
DIRECTIVES = ("d", "-d", "m", "-m", "b", "B", "y", "Y", "a", "A", "H", "-H", "M", "%")
# Digits with an optional minus and decimals: what `number` sets out and what comparisons with numbers understand.
NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class FilterRule:
    """A filter: what does the work and how many arguments it takes."""

    apply: Callable[..., str]
    least: int = 0
    most: int = 0


def default(text: str, fallback: str = "", boolean: object = None) -> str:
    """`fallback` when there is no text: empty and blank count as missing, as in {{ x | default("friend") }}."""
    del boolean  # Jinja's own `default("x", true)` asks for what this one does anyway
    return text if text.strip() else fallback


def upper(text: str) -> str:
    return text.upper()


def lower(text: str) -> str:
    return text.lower()


def title(text: str) -> str:
    """Each word with a capital: "mary-ann o'neil" → "Mary-Ann O'neil"."""
    return WORD.sub(lambda word: word[0].capitalize(), text)


def format_date(text: str, form: str = "long") -> str:
    """An ISO 8601 date or time set out as `form`: a name of NAMED_FORMATS or a pattern of DIRECTIVES."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return text
    return DIRECTIVE.sub(lambda found: _directive(found[1], moment), NAMED_FORMATS.get(form, form))


def number(text: str, decimals: str = "") -> str:
    """1234567.5 → 1,234,567.5, or with a given count of decimals."""
    plain = text.strip()
    if not NUMBER.fullmatch(plain):
        return text
    value = Decimal(plain)
    if decimals.isdecimal() and int(decimals) <= 9:
        value = value.quantize(Decimal(1).scaleb(-int(decimals)), ROUND_HALF_EVEN) if len(plain) <= 18 else value
    return f"{value:,}"


def urlencode(text: str) -> str:
    """Percent-encoding of everything that isn't unreserved (RFC 3986 §2.3)."""
    return quote(text, safe="")


FILTERS: Mapping[str, FilterRule] = {
    "default": FilterRule(default, 1, 2),
    "upper": FilterRule(upper),
    "lower": FilterRule(lower),
    "title": FilterRule(title),
    "date": FilterRule(format_date, 0, 1),
    "number": FilterRule(number, 0, 1),
    "urlencode": FilterRule(urlencode),
}


def unknown_date_format(form: str) -> bool:
    """Whether `form` names no format and uses a directive that isn't understood."""
    if form in NAMED_FORMATS:
        return False
    used = DIRECTIVE.findall(form)
    return not used or any(name not in DIRECTIVES for name in used) or "%" in DIRECTIVE.sub("", form)


def _directive(name: str, moment: date) -> str:
    hour, minute = (moment.hour, moment.minute) if isinstance(moment, datetime) else (0, 0)
    padded = {"d": moment.day, "m": moment.month, "H": hour, "M": minute, "y": moment.year % 100}
    bare = name.removeprefix("-")
    if bare in padded:
        return str(padded[bare]) if name.startswith("-") else f"{padded[bare]:02d}"
    words = {
        "Y": f"{moment.year:04d}", "B": MONTHS[moment.month - 1], "b": MONTHS[moment.month - 1][:3],
        "A": DAYS[moment.weekday()], "a": DAYS[moment.weekday()][:3], "%": "%",
    }  # fmt: skip
    return words.get(name, f"%{name}")
