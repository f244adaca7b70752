"""A newsletter that leaves at an hour of each person's own zone: which moment that is, and what if it is past.

The moments are frozen when it is launched: somebody who moves later is mailed once, at the old hour. It is launched
when the first clocks on earth, 14 hours ahead of UTC, show the hour; or at once when that is past and it isn't past for
anybody, or staff said what becomes of those.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Row

from mailer.audience.people.zones import PeopleOfKey, ZoneKey, is_zone
from mailer.counting import counted
from mailer.errors import MailerError
from mailer.review.content import PlannedTime
from mailer.store.tables.states import PastHour, ZoneSource
from mailer.timezones import UNIVERSAL
from mailer.timezones.local_time import instant_of

GUESSED = (ZoneSource.COUNTRY, ZoneSource.REGION)
SHOWN = 3  # zones that a sentence names


@dataclass(frozen=True, slots=True)
class Timing:
    """When the mails of a campaign may leave, beside its launch. `wall`: what clocks show where each person is, and in
    `zone` where that isn't known; None: everybody's leave at the launch. `due_at`: the launch as it was planned."""

    wall: datetime | None = None
    zone: str = ""
    due_at: datetime | None = None
    past: PastHour = PastHour.REFUSE
    spread: timedelta = timedelta()
    late: timedelta = timedelta()

    @classmethod
    def of(cls, campaign: Row[Any]) -> Timing:
        """That of a row of `campaigns`."""
        return cls(
            datetime.fromisoformat(campaign.local_at) if campaign.local_at else None, campaign.zone, campaign.due_at,
            PastHour(campaign.past), timedelta(seconds=campaign.spread_seconds),
            timedelta(seconds=campaign.late_seconds),
        )  # fmt: skip

    def hour_of(self, key: ZoneKey) -> datetime:
        """When clocks show the hour where people of a kind are."""
        assert self.wall is not None, "only asked where it leaves by local time"
        return instant_of(self.wall, ZoneInfo(key.zone[0] or fallback(self.zone)))

    def is_past(self, hour: datetime) -> bool:
        """Whether the hour was past when the launch was planned for."""
        return self.due_at is not None and hour < self.due_at


AT_ONCE = Timing()


def timing_of(leaves: PlannedTime, *, due_at: datetime, late: timedelta) -> Timing:
    """How the mails of a newsletter leave that is planned for a time and launched at `due_at`."""
    return Timing(leaves.wall if leaves.local else None, leaves.zone, due_at, leaves.past, leaves.spread, late)


def columns_of(leaves: PlannedTime | None) -> dict[str, Any]:
    """What a row of `campaigns` keeps of it."""
    if leaves is None:
        return {}
    local = {"local_at": leaves.wall.isoformat(timespec="minutes"), "past": str(leaves.past)} if leaves.local else {}
    return {**local, "spread_seconds": int(leaves.spread.total_seconds())}


class HourOfZone(NamedTuple):
    """When the hour is in one zone, in UTC, and for how many people. `guessed`: of how many of them the zone is only
    guessed; `unknown`: of how many it isn't known, so that the newsletter's own is taken."""

    zone: str
    hour: datetime
    people: int
    guessed: int
    unknown: int
    is_past: bool


def hours_of(kinds: Iterable[PeopleOfKey], timing: Timing) -> list[HourOfZone]:
    """The hours of all zones that people are in, the earliest first."""
    found: dict[str, tuple[int, int, int]] = {}
    hours: dict[str, datetime] = {}
    for key, number in kinds:
        known, source = key.zone
        zone = known or fallback(timing.zone)
        hours[zone] = timing.hour_of(key)
        people, guessed, unknown = found.get(zone, (0, 0, 0))
        found[zone] = (people + number, guessed + number * (source in GUESSED), unknown + number * (not known))
    rows = [HourOfZone(zone, hours[zone], *numbers, timing.is_past(hours[zone])) for zone, numbers in found.items()]
    return sorted(rows, key=lambda one: (one.hour, one.zone))


def refuse_past(hours: Sequence[HourOfZone], timing: Timing) -> None:
    """Raise `MailerError` where the hour is past for somebody and staff didn't say what becomes of them."""
    late = [one for one in hours if one.is_past]
    if not late or timing.past is not PastHour.REFUSE:
        return
    named = ", ".join(f"{one.zone} ({counted(one.people)})" for one in late[:SHOWN])
    more = f" and {len(late) - SHOWN} more zones" if len(late) > SHOWN else ""
    raise MailerError(
        f"{timing.wall:%H:%M} of {timing.wall:%-d %B %Y} is past already in {named}{more}",
        remedy="Choose a later day, or say what becomes of these people: --past at-once, or --past leave-out.",
    )


def too_slow(hours: Sequence[HourOfZone], timing: Timing, *, per_second: float | None) -> list[HourOfZone]:
    """The zones whose people can't all be mailed before they would be held, at this pace. People of zones with the same
    hour wait for each other."""
    if not per_second:
        return []
    by_hour: dict[datetime, int] = {}
    for one in hours:
        by_hour[one.hour] = by_hour.get(one.hour, 0) + one.people
    slow = {hour for hour, people in by_hour.items()
            if timedelta(seconds=people / per_second) > timing.spread + timing.late}  # fmt: skip
    return [one for one in hours if one.hour in slow]


def fallback(zone: str) -> str:
    """The newsletter's own zone, for people whose zone isn't known."""
    return zone if is_zone(zone) else UNIVERSAL
