"""When a series mails: a rule of days, an hour and a zone, and the moments that it means. Pure; reading one from a
message's front matter is for `series_keys`.

The clock of its zone is what counts. A time that the clock skips lands after the gap (02:30 becomes 03:30), and of a
time that it shows twice the first is meant: a series can't be asked, as staff are who schedule one newsletter.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from mailer.counting import listed
from mailer.delivery.schedule.local_times import DAYS

LAST = -1  # as a place in the month: the last such weekday
PLACES = {1: "first", 2: "second", 3: "third", 4: "fourth", LAST: "last"}
EACH, STANDING = "each", "standing"
DAY = timedelta(days=1)
MOST_DAYS = 63  # within which every rule has a day: two whole months
LATE = timedelta(hours=2)
AHEAD_OF_APPROVAL = DAY


@dataclass(frozen=True, slots=True)
class SeriesRule:
    """When issues leave, and how. A day counts when any of `weekdays` (Monday is 0), `places` (the first Monday is
    (1, 0)) and `days` of the month names it; a day that a month doesn't have is its last.

    `ahead`: how long before its moment an issue is made; None: as its approval needs. `approval`: each, standing, or
    "" for what [studio] says.
    """

    at: time
    zone: str
    weekdays: frozenset[int] = frozenset()
    places: frozenset[tuple[int, int]] = frozenset()
    days: frozenset[int] = frozenset()
    start: date | None = None
    end: date | None = None
    late: timedelta = LATE
    ahead: timedelta | None = None
    approval: str = ""
    written: str = field(default="", compare=False)  # its days as the file says them

    def next_after(self, moment: datetime) -> datetime | None:
        """The first moment after this one, in UTC; None: the series has ended."""
        return next(self.after(moment), None)

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Its moments after this one, in UTC, each later than the one before."""
        zone, last = ZoneInfo(self.zone), moment
        day = max(moment.astimezone(zone).date() - 2 * DAY, self.start or date.min)
        passed = 0
        while passed <= MOST_DAYS and (self.end is None or day <= self.end) and day < date.max:
            passed += 1
            if self.names(day):
                found = datetime.combine(day, self.at, tzinfo=zone).astimezone(UTC)  # fold 0
                if found > last:  # a day that a zone skipped has the moment of the next one
                    yield found
                    last, passed = found, 0
            day += DAY

    def next(self, count: int, moment: datetime) -> list[datetime]:
        """So many of its moments after this one."""
        return list(islice(self.after(moment), count))

    def has(self, moment: datetime) -> bool:
        """Whether this is one of its moments."""
        return self.next_after(moment - timedelta(microseconds=1)) == moment

    def names(self, day: date) -> bool:
        """Whether an issue leaves on this day, as far as the days go."""
        if self.start and day < self.start:
            return False
        length = monthrange(day.year, day.month)[1]
        place = (day.day + 6) // 7
        return (
            day.weekday() in self.weekdays
            or (place, day.weekday()) in self.places
            or (day.day > length - 7 and (LAST, day.weekday()) in self.places)
            or day.day in self.days
            or (day.day == length and any(one > length for one in self.days))
        )

    def remark(self, moment: datetime) -> str:
        """What to know of a moment that isn't plainly as written; "" for one that is."""
        local = moment.astimezone(ZoneInfo(self.zone))
        length = monthrange(local.year, local.month)[1]
        if local.time() != self.at:
            return f"the clocks are put forward past {self.at:%H:%M} then"
        named = local.weekday() in self.weekdays or local.day in self.days
        if local.day == length and not named and any(one > length for one in self.days):
            return f"the last day of the month, which has no {ordinal(min(one for one in self.days if one > length))}"
        return ""

    @property
    def in_words(self) -> str:
        """Such as "every Monday and Thursday at 09:00, Europe/London"."""
        told = [f"every {listed([DAYS[one].title() for one in sorted(self.weekdays)])}"] if self.weekdays else []
        if len(self.weekdays) == len(DAYS):
            told = ["every day"]
        for place in (*range(1, 5), LAST):
            named = [DAYS[one].title() for where, one in sorted(self.places) if where == place]
            told += [f"on the {PLACES[place]} {listed(named)} of the month"] if named else []
        if self.days:
            named = ["last day" if one == 31 else ordinal(one) for one in sorted(self.days)]
            told.append(f"on the {listed(named)} of the month")
        during = f", from {self.start}" * bool(self.start) + f", until {self.end}" * bool(self.end)
        return f"{listed(told)} at {self.at:%H:%M}, {self.zone}{during}"


def to_json(rule: SeriesRule) -> dict[str, Any]:
    """The rule as JSON data: what an approval is bound to, and what a series goes by while its file can't be read."""
    return {
        "weekdays": sorted(rule.weekdays), "places": sorted([list(one) for one in rule.places]),
        "days": sorted(rule.days), "at": f"{rule.at:%H:%M}", "zone": rule.zone,
        "start": rule.start and rule.start.isoformat(), "end": rule.end and rule.end.isoformat(),
        "late": int(rule.late.total_seconds()),
        "ahead": None if rule.ahead is None else int(rule.ahead.total_seconds()), "approval": rule.approval,
    }  # fmt: skip


def from_json(data: Any) -> SeriesRule:
    """The rule that `to_json` made these data of."""
    return SeriesRule(
        at=time.fromisoformat(data["at"]), zone=data["zone"], weekdays=frozenset(data["weekdays"]),
        places=frozenset((place, day) for place, day in data["places"]), days=frozenset(data["days"]),
        start=date.fromisoformat(data["start"]) if data["start"] else None,
        end=date.fromisoformat(data["end"]) if data["end"] else None, late=timedelta(seconds=data["late"]),
        ahead=None if data["ahead"] is None else timedelta(seconds=data["ahead"]), approval=data["approval"],
    )  # fmt: skip


def ordinal(number: int) -> str:
    """Such as 1st, 22nd, 13th."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
