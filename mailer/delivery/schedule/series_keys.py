"""Reads `series:` of a message's front matter: on which days an issue leaves, when and how. Every fault at once.

series:
  every: monday, thursday     or: day · first monday, last friday · 1, 15 · last day
  at: "09:00"
  zone: Europe/London         else the workspace's
  start: 2026-12-01           the first day, and `end` the last, on which one may leave
  late: 2h                    leaves this much later at most, when no `mailer run` came
  ahead: 1d                   made this long before, to be approved or looked at
  approval: each              or standing; else as [studio] says
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import cast

from mailer.compose.source.written import Source
from mailer.delivery.schedule.local_times import DAYS
from mailer.delivery.schedule.recurring import DAY, EACH, LATE, PLACES, STANDING, SeriesRule
from mailer.diagnostics import Diagnostic
from mailer.errors import MailerError, nearest
from mailer.settings.durations import seconds_of
from mailer.timezones import zone_named

KEYS = ("every", "at", "zone", "start", "end", "late", "ahead", "approval")
EVERY = "Write weekdays (monday, thursday), days of the month (1, 15, last day), first monday, or day for every day."
AT = 'Write the hour as clocks show it, in quotes: at: "09:00"'
LENGTH = "Write 30m, 2h or 1d."
LONGEST = timedelta(days=7)
YEARS = range(2000, 2101)
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")
_DAY = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?")


def read_series(source: Source, *, zone: str) -> tuple[SeriesRule | None, list[Diagnostic]]:
    """The rule of a message, and what is wrong with it; None for a message without one, and for one with faults.
    `zone` is the workspace's."""
    reader = _Reader(source, zone)
    rule = reader.rule() if source.series is not None else None
    return (None if reader.faults else rule), reader.faults


class _Reader:
    """Turns what was written into a rule, and collects the faults with their lines."""

    def __init__(self, source: Source, zone: str) -> None:
        self.source, self.zone = source, zone
        self.raw: Mapping[str, object] = source.series or {}
        self.faults: list[Diagnostic] = []

    def fault(self, key: str, message: str, remedy: str) -> None:
        self.faults.append(Diagnostic(message, self.source.place(f"series.{key}" if key else "series"), remedy))

    def rule(self) -> SeriesRule:
        for key in self.raw:
            if key not in KEYS:
                self.fault(key, f"unknown key series.{key}", nearest(key, KEYS))
        weekdays, places, days = self.every()
        start, end = self.day("start"), self.day("end")
        if start and end and end < start:
            self.fault("end", f"series.end is before its start, {start}", "Take one of them out.")
        late = self.length("late") or LATE
        rule = SeriesRule(
            at=self.at(), zone=self.zone_name(), weekdays=weekdays, places=places, days=days, start=start, end=end,
            late=late, ahead=self.length("ahead"), approval=self.approval(), written=self.written(),
        )  # fmt: skip
        if not self.faults and start and end and rule.next_after(datetime(start.year, 1, 1, tzinfo=UTC) - DAY) is None:
            self.fault("end", f"no day of this series is between {start} and {end}", EVERY)
        return rule

    def written(self) -> str:
        value = self.raw.get("every", "")
        return ", ".join(map(str, cast(list[object], value))) if isinstance(value, list) else str(value)

    def every(self) -> tuple[frozenset[int], frozenset[tuple[int, int]], frozenset[int]]:
        weekdays, places, days = set[int](), set[tuple[int, int]](), set[int]()
        words = [one.strip().lower() for one in self.written().split(",") if one.strip()]
        for one in words:
            named = list(_weekdays(one))
            if named:
                weekdays.update(named)
            elif (place := _place(one)) is not None:
                places.add(place)
            elif day := _month_day(one):
                days.add(day)
            else:
                self.fault("every", f"series.every names no day: {one!r}", EVERY)
        if not words:
            self.fault("every", "series.every is missing", EVERY)
        return frozenset(weekdays), frozenset(places), frozenset(days)

    def at(self) -> time:
        value = self.raw.get("at")
        if isinstance(value, int) and not isinstance(value, bool) and 60 <= value < 24 * 60:
            return time(*divmod(value, 60))  # YAML 1.1 reads 10:30 without quotes as 630
        with suppress(ValueError, TypeError):
            if found := _CLOCK.fullmatch(str(value).strip()):
                return time(int(found[1]), int(found[2]))
        said = "series.at is missing" if value is None else f"series.at is no time of day: {value!r}"
        self.fault("at", said, AT)
        return time()

    def zone_name(self) -> str:
        value = self.raw.get("zone") or self.zone
        try:
            return zone_named(str(value)).key
        except MailerError as error:
            self.fault("zone", f"series.zone: {error.message}", error.remedy)
            return "UTC"

    def day(self, key: str) -> date | None:
        value = self.raw.get(key)
        if value is None or value == "":
            return None
        with suppress(ValueError):
            found = value if isinstance(value, date) else date.fromisoformat(str(value))
            if type(found) is date and found.year in YEARS:
                return found
        self.fault(key, f"series.{key} is no day: {value!r}", f"Write it as 2026-12-01: {key}: 2026-12-01")
        return None

    def length(self, key: str) -> timedelta | None:
        value = self.raw.get(key)
        if value is None or value == "":
            return None
        try:
            found = timedelta(seconds=seconds_of(str(value)))
        except MailerError:
            self.fault(key, f"series.{key} is no length of time: {value!r}", LENGTH)
            return None
        if found > LONGEST or (key == "late" and not found):
            self.fault(key, f"series.{key} must be {'more than 0 and ' * (key == 'late')}7 days at most", LENGTH)
        return found

    def approval(self) -> str:
        value = self.raw.get("approval") or ""
        if value not in ("", EACH, STANDING):
            self.fault("approval", f"series.approval is {value!r}", "Write each, or standing.")
        return str(value)


def _weekdays(word: str) -> Iterator[int]:
    """The weekdays that one word names: monday, mon, mondays, day, weekday."""
    if word in ("day", "days", "daily"):
        yield from range(7)
    elif word in ("weekday", "weekdays"):
        yield from range(5)
    else:
        yield from (n for n, name in enumerate(DAYS) if len(word) >= 3 and f"{name}s".startswith(word))


def _place(words: str) -> tuple[int, int] | None:
    first, _, second = words.partition(" ")
    named = list(_weekdays(second.strip()))
    place = next((number for number, name in PLACES.items() if name == first), 0)
    return (place, named[0]) if place and len(named) == 1 else None


def _month_day(words: str) -> int:
    """A day of the month; 31 for its last; 0 for none."""
    if words in ("last day", "last"):
        return 31
    found = _DAY.fullmatch(words)
    return int(found[1]) if found and 1 <= int(found[1]) <= 31 else 0
