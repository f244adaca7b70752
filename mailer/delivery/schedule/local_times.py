"""Dates and times as staff write them, "tomorrow 9:00" or "1 December 2026 9am", read as what clocks will show.

What could be read in two ways is a question, never a guess: 01/12/2026, "9", "next Tuesday". Zones are for `schedule`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from mailer.errors import MailerError

USUAL_HOUR = time(9)  # of a day without a time: in the morning of a working day
EXAMPLES = 'Write it as "2026-12-01 09:00", "1 December 2026 9am" or "tomorrow 9:00".'
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH_NAMES = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
               "november", "december")  # fmt: skip
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CLOCK = re.compile(r"(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))?(?::00)?\s*(?P<half>am|pm|a\.m\.|p\.m\.)?")
_ZONED = re.compile(_CLOCK.pattern + r"\s*([a-z]{1,5}|[a-z]+/\S+|(utc|gmt)?[+-][\d:]+)")
_DOTTED = re.compile(r"\d{1,2}[.]\d{1,2}[.]\d{4}")
_ISO_DAY = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
_NUMBER = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?")


@dataclass(frozen=True, slots=True)
class LocalTime:
    """What clocks will show. `assumed`: what was left out and filled in, in words; "" when nothing was."""

    wall: datetime
    assumed: str = ""


def read_local_time(text: str, *, now: datetime) -> LocalTime:
    """The day and time that `text` says; `now` is what clocks show at this moment, without a zone.

    Raises `MailerError` for what can't be read or could mean several.
    """
    words = _words(text)
    day, rest, assumed = _day(text, words, now.date())
    if not rest:
        return LocalTime(datetime.combine(day, USUAL_HOUR), f"{USUAL_HOUR:%H:%M}, since no time was named{assumed}")
    clock = _clock(text, " ".join(rest))
    return LocalTime(datetime.combine(day, clock), assumed.removeprefix(", and "))


def clock_alone(text: str) -> time | None:
    """The time of a text that names no day, such as "09:00" or "9 am"; None for any other text."""
    words = " ".join(_words(text))
    return _clock(text, words) if _CLOCK.fullmatch(words) or words == "noon" else None


def _words(text: str) -> list[str]:
    """The words that matter, in small letters."""
    plain = re.sub(r"(?<=\d)[tT](?=\d)", " ", text.strip()).replace(",", " ").lower()
    return [word for word in plain.split() if word not in ("at", "on", "of", "the", "o'clock")]


def _day(text: str, words: list[str], today: date) -> tuple[date, list[str], str]:
    """The day, the words that are left, and what was assumed."""
    if not words:
        raise _unread(text)
    first, rest = words[0], words[1:]
    if first in ("today", "tomorrow"):
        return today + timedelta(days=first == "tomorrow"), rest, ""
    if first in ("next", "this") or "/" in first:
        raise MailerError(f"{text!r} can be read in two ways", remedy=_readings(words, today))
    if _ISO_DAY.fullmatch(first):
        return _date(text, *(int(part) for part in first.split("-"))), rest, ""
    if _DOTTED.fullmatch(first):
        day, month, year = (int(part) for part in first.split("."))
        return _date(text, year, month, day), rest, ""
    weekday = _weekday(first)
    if weekday is not None and not (rest and _has_month(rest[:2])):
        return _coming(text, weekday, today), rest, ""
    named = rest if weekday is not None else words
    day, left, assumed = _named(text, named, today)
    if weekday is not None and day.weekday() != weekday:
        raise MailerError(f"{day:%-d %B %Y} is a {day:%A}, not a {DAYS[weekday].title()}", remedy=EXAMPLES)
    return day, left, assumed


def _named(text: str, words: list[str], today: date) -> tuple[date, list[str], str]:
    """A day with the name of its month: 1 December 2026, December 1st, 1 Dec."""
    pair = words[:2]
    number = next((found for word in pair if (found := _NUMBER.fullmatch(word))), None)
    month = next((found for word in pair if (found := _month(word))), 0)
    if len(pair) < 2 or number is None or not month:
        if _CLOCK.fullmatch(" ".join(words)) or words[0] in ("noon", "midnight"):
            raise MailerError(f"{text!r} names no day", remedy=f'Write "today {text.strip()}" or the day.')
        raise _unread(text)
    rest = words[2:]
    if rest and re.fullmatch(r"\d{4}", rest[0]):
        return _date(text, int(rest[0]), month, int(number[1])), rest[1:], ""
    day = _date(text, today.year, month, int(number[1]))
    day = day if day >= today else _date(text, today.year + 1, month, int(number[1]))
    return day, rest, f", and {day.year}, the next year that has that day ahead"


def _clock(text: str, words: str) -> time:
    if words in ("noon", "12 noon", "12:00 noon"):
        return time(12)
    if words.endswith("midnight"):
        raise MailerError(f"{text!r} can be read in two ways", remedy="Write 00:00 of the day that begins then.")
    found = _CLOCK.fullmatch(words)
    if found is None:
        if _ZONED.fullmatch(words):
            raise MailerError(f"{text!r} names a time zone", remedy="Name it apart: --tz Europe/London")
        raise _unread(text)
    hour, minute, half = int(found["hour"]), int(found["minute"] or 0), (found["half"] or "").replace(".", "")
    if not half and found["minute"] is None:
        raise MailerError(f"{text!r} can be read in two ways", remedy=f"Write {hour:02}:00, or {hour}am or {hour}pm.")
    if half and not 1 <= hour <= 12:
        raise _unread(text)
    hour = hour % 12 + 12 * (half == "pm") if half else hour
    try:
        return time(hour, minute)
    except ValueError:
        raise _unread(text) from None


def _readings(words: list[str], today: date) -> str:
    """What an ambiguous text may mean."""
    if words[0] in ("next", "this"):
        weekday = _weekday(words[1]) if len(words) > 1 else None
        if weekday is None:
            return EXAMPLES
        first = today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
        return f"Write {first} or {first + timedelta(days=7)}."
    found = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", words[0])
    readings: list[str] = []
    for month, day in ((2, 1), (1, 2)) if found else ():
        try:
            readings.append(str(date(int(found[3]), int(found[month]), int(found[day]))))  # type: ignore[index]
        except ValueError:
            continue
    return f"Write {' or '.join(dict.fromkeys(readings))}." if readings else EXAMPLES


def _coming(text: str, weekday: int, today: date) -> date:
    """The next such day; today's own name is a question."""
    ahead = (weekday - today.weekday()) % 7
    if not ahead:
        raise MailerError(
            f"{text!r} can be read in two ways: today is a {today:%A}",
            remedy=f"Write today, or {today + timedelta(days=7)}.",
        )
    return today + timedelta(days=ahead)


def _date(text: str, year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise MailerError(f"{text!r} is a day that doesn't exist", remedy=EXAMPLES) from None


def _month(word: str) -> int:
    """The number of a month, or 0."""
    plain = word.removesuffix(".")
    if plain in MONTH_NAMES:
        return MONTH_NAMES.index(plain) + 1
    return MONTHS.index(plain[:3]) + 1 if plain[:3] in MONTHS and (len(plain) == 3 or plain == "sept") else 0


def _has_month(words: list[str]) -> bool:
    return any(_month(word) for word in words)


def _weekday(word: str) -> int | None:
    plain = word.removesuffix(".")
    return next(
        (n for n, day in enumerate(DAYS) if plain == day or (len(plain) >= 3 and plain == day[: len(plain)])), None
    )


def _unread(text: str) -> MailerError:
    return MailerError(f"{text!r} is not a time", remedy=EXAMPLES)
