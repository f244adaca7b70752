"""Times and distances as campaigners read them: "Tue 1 Dec, 09:00 London (in 3 hours)"."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from mailer.counting import counted

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WHOLE_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WHOLE_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")
UNITS = (  # from so long on, counted in
    (timedelta(days=60), timedelta(days=30), "month"),
    (timedelta(days=14), timedelta(days=7), "week"),
    (timedelta(hours=36), timedelta(days=1), "day"),
    (timedelta(minutes=90), timedelta(hours=1), "hour"),
    (timedelta(seconds=90), timedelta(minutes=1), "minute"),
)


def town(zone: ZoneInfo) -> str:
    """The place a zone is named after: London, New York, UTC."""
    return zone.key.rpartition("/")[2].replace("_", " ")


def clock(when: datetime, zone: ZoneInfo) -> str:
    """09:00"""
    return when.astimezone(zone).strftime("%H:%M")


def day(when: datetime, zone: ZoneInfo, now: datetime) -> str:
    """Today, Tomorrow, Yesterday; Tue 1 Dec; Tue 1 Dec 2025 in another year."""
    there, today = when.astimezone(zone), now.astimezone(zone)
    near = {0: "Today", 1: "Tomorrow", -1: "Yesterday"}.get((there.date() - today.date()).days)
    return near or date(when, zone, now)


def date(when: datetime, zone: ZoneInfo, now: datetime) -> str:
    """Tue 1 Dec; Tue 1 Dec 2025 in another year. For what must not be taken for another day on a page left open."""
    there = when.astimezone(zone)
    year = "" if there.year == now.astimezone(zone).year else f" {there.year}"
    return f"{DAYS[there.weekday()]} {there.day} {MONTHS[there.month - 1]}{year}"


def whole_day(when: datetime, zone: ZoneInfo) -> str:
    """Tuesday 1 December"""
    there = when.astimezone(zone)
    return f"{WHOLE_DAYS[there.weekday()]} {there.day} {WHOLE_MONTHS[there.month - 1]}"


def month(when: datetime, zone: ZoneInfo, now: datetime) -> str:
    """November; November 2025 in another year."""
    there = when.astimezone(zone)
    year = "" if there.year == now.astimezone(zone).year else f" {there.year}"
    return f"{WHOLE_MONTHS[there.month - 1]}{year}"


def short_day(when: datetime, zone: ZoneInfo, now: datetime) -> str:
    """Today; Thu 3 within a month, when the month is plain; Thu 3 Dec otherwise."""
    words = day(when, zone, now)
    apart = (when.astimezone(zone).date() - now.astimezone(zone).date()).days
    return " ".join(words.split()[:2]) if 1 < apart < 25 else words


def moment(when: datetime, zone: ZoneInfo, now: datetime) -> str:
    """Tue 1 Dec, 09:00"""
    return f"{day(when, zone, now)}, {clock(when, zone)}"


def long_moment(when: datetime, zone: ZoneInfo, now: datetime) -> str:
    """Tue 1 Dec, 09:00 London (in 3 hours)"""
    return f"{moment(when, zone, now)} {town(zone)} ({distance(when, now)})"


def distance(when: datetime, now: datetime) -> str:
    """in 3 hours, 40 minutes ago, just now"""
    apart = abs(when - now)
    if words := duration(apart):
        return f"in {words}" if when > now else f"{words} ago"
    if apart < timedelta(seconds=45):
        return "in a moment" if when > now else "just now"
    return "in a minute" if when > now else "a minute ago"


def span(length: timedelta) -> str:
    """3 hours, 40 minutes, a minute, 10 seconds"""
    if words := duration(length):
        return words
    return "a minute" if length > timedelta(seconds=45) else counted(max(1, round(length.total_seconds())), "second")


def duration(time: timedelta) -> str:
    """3 hours, 40 minutes; "" below one and a half minutes."""
    for least, unit, name in UNITS:
        if time >= least:
            return counted(round(time / unit), name)
    return ""


def in_words(number: int) -> str:
    """A number at the beginning of a sentence: One, Three, 14."""
    return NUMBERS[number] if 0 <= number < len(NUMBERS) else f"{number:,}"
