"""From what clocks show to moments: an hour in somebody's zone, the next one, and the hours in which mail may leave.

The rule, stated once: a time that a clock skips is that time by the clock before the change, so it lands after the gap
(02:30 becomes 03:30); of a time that a clock shows twice, the first is meant. Pure: no clock is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

EVERY_DAY = frozenset(range(7))  # Monday is 0
A_DAY = timedelta(days=1)
FIRST_ZONE, LAST_ZONE = timedelta(hours=14), timedelta(hours=-12)  # from UTC; no clock is further ahead, or behind
LOOK_AHEAD = 16  # days: of two such weekdays a zone may skip one, as Samoa did on 30 December 2011


def instant_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """The moment, in UTC, at which the clocks of a zone show `wall`, which has no zone of its own."""
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def first_instant(wall: datetime) -> datetime:
    """When the first clocks on earth show `wall`, those that are 14 hours ahead of UTC."""
    return wall.replace(tzinfo=UTC) - FIRST_ZONE


def wall_of(moment: datetime, zone: ZoneInfo) -> datetime:
    """What the clocks of a zone show at a moment, without the zone."""
    return moment.astimezone(zone).replace(tzinfo=None)


def next_at(after: datetime, zone: ZoneInfo, at: time, *, days: frozenset[int] = EVERY_DAY) -> datetime:
    """The first moment after `after` at which the clocks of a zone show `at` on one of these weekdays (Monday is 0)."""
    found = (
        instant_of(datetime.combine(day, at), zone)
        for day in _days(wall_of(after, zone).date())
        if day.weekday() in days
    )
    return next(moment for moment in found if moment > after)


@dataclass(frozen=True, slots=True)
class OpenHours:
    """The hours of a day in which something may happen, from `begins` until just before `ends`.

    Over midnight when it ends before it begins; the whole day when both are the same. `days`: the weekdays on which
    it begins, Monday is 0.
    """

    begins: time
    ends: time
    days: frozenset[int] = EVERY_DAY

    def __post_init__(self) -> None:
        if not self.days or not self.days <= EVERY_DAY:
            raise ValueError("a window needs weekdays from 0 to 6")

    def contains(self, wall: datetime) -> bool:
        """Whether it is open when clocks show `wall`."""
        clock, today, before = wall.time(), wall.weekday() in self.days, (wall - A_DAY).weekday() in self.days
        if self.begins < self.ends:
            return today and self.begins <= clock < self.ends
        return (today and clock >= self.begins) or (before and clock < self.ends)


def next_opening(moment: datetime, zone: ZoneInfo, window: OpenHours) -> datetime:
    """The first moment from `moment` on, itself included, at which a window is open by the clocks of a zone, in UTC."""
    moment = moment.astimezone(UTC)
    if window.contains(wall_of(moment, zone)):
        return moment
    opens = next(one for one in _openings(moment, zone, window) if one > moment)
    # Where the clocks are changed on the way, that alone may open it: they leap into it, or back into it.
    if moment.astimezone(zone).utcoffset() != opens.astimezone(zone).utcoffset():
        change = _change(moment, opens, zone)
        if window.contains(wall_of(change, zone)):
            return change
    return opens


def _openings(moment: datetime, zone: ZoneInfo, window: OpenHours) -> Iterator[datetime]:
    """The moments around which the window's first minute is shown, where it really is open then."""
    for day in _days(wall_of(moment, zone).date()):
        wall = datetime.combine(day, window.begins)
        for fold in (0, 1):
            at = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
            if at > moment and window.contains(wall_of(at, zone)):
                yield at
                break


def _days(first: date) -> Iterator[date]:
    return (first + number * A_DAY for number in range(-1, LOOK_AHEAD))


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """When the clocks of a zone are changed between two moments, to the second."""
    old = before.astimezone(zone).utcoffset()
    early, late = int(before.timestamp()), int(after.timestamp())
    while late - early > 1:
        middle = (early + late) // 2
        same = datetime.fromtimestamp(middle, UTC).astimezone(zone).utcoffset() == old
        early, late = (middle, late) if same else (early, middle)
    return datetime.fromtimestamp(late, UTC)
