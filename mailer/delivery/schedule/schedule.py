"""Local times for people, instants for the machine: when a scheduled campaign is due, across daylight-saving changes.

The rule, stated once: a time that a clock skips is refused, with the next one that exists; of a time that a clock
shows twice, the first is meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mailer.delivery.schedule.local_times import LocalTime, clock_alone, read_local_time
from mailer.errors import MailerError
from mailer.timezones import zone_named
from mailer.timezones.local_time import LAST_ZONE, first_instant, instant_of, wall_of


@dataclass(frozen=True, slots=True)
class Due:
    """When a campaign is due. `notes`: what staff should know of how their words were read, each a sentence."""

    instant: datetime  # in UTC
    zone: str  # the full name
    notes: tuple[str, ...] = ()


def read_due(text: str, *, zone: str, now: datetime) -> Due:
    """The instant at which the clocks of `zone` show what `text` says ("2026-12-01 09:00", "tomorrow 9:00").

    Raises `MailerError` for a zone or a time that can't be read or could mean several, and for a time that doesn't
    exist in that zone or is past.
    """
    timezone = zone_named(zone)
    found = read_local_time(text, now=wall_of(now, timezone))
    due = _due(found, timezone)
    if due.instant <= now:
        raise MailerError(
            f"{found.wall:%Y-%m-%d %H:%M} in {timezone.key} is past: it is"
            f" {now.astimezone(timezone):%Y-%m-%d %H:%M} there now",
            remedy="Give a later time, or send now: mailer send NEWSLETTER",
        )
    return due


def read_local_due(text: str, *, zone: str, now: datetime) -> Due:
    """What the clocks of each person's own zone are to show, as the moment at which those of `zone` do: that is taken
    for people whose zone isn't known. An hour without a day is that of the first day on which it is ahead everywhere.

    Raises `MailerError` as `read_due`, but a time may be past in `zone`: not on all of the earth.
    """
    timezone = zone_named(zone)
    if (clock := clock_alone(text)) is not None:
        days = (now.date() + timedelta(days=number) for number in range(3))
        wall = next(at for day in days if first_instant(at := datetime.combine(day, clock)) > now)
        found = LocalTime(wall, f"{wall:%-d %B %Y}, the first day on which that is ahead everywhere")
    else:
        found = read_local_time(text, now=wall_of(now, timezone))
    due = _due(found, timezone)
    if found.wall.replace(tzinfo=UTC) - LAST_ZONE <= now:
        shown = f"{found.wall:%Y-%m-%d %H:%M}"
        raise MailerError(
            f"{shown} is past everywhere", remedy="Give a later time, or send now: mailer send NEWSLETTER"
        )
    return due


def _due(found: LocalTime, timezone: ZoneInfo) -> Due:
    """The moment at which the clocks of a zone show it. Raises `MailerError` for a time that they skip."""
    notes = [f"Taken: {found.assumed}."] if found.assumed else []
    instant, shown = instant_of(found.wall, timezone), f"{found.wall:%Y-%m-%d %H:%M}"
    back = wall_of(instant, timezone)
    if back != found.wall:
        raise MailerError(
            f"{shown} does not exist in {timezone.key}: the clocks are put forward then",
            remedy=f"The next time that exists is {back:%Y-%m-%d %H:%M}.",
        )
    if is_ambiguous(instant, timezone.key):
        notes.append(f"The clocks of {timezone.key} show {shown} twice that day; the first is meant.")
    return Due(instant, timezone.key, tuple(notes))


def is_ambiguous(instant: datetime, zone: str) -> bool:
    """Whether the clocks of `zone` show this instant's time twice that day."""
    timezone = _zone(zone)
    wall = instant.astimezone(timezone).replace(tzinfo=None)
    return wall.replace(tzinfo=timezone, fold=0).utcoffset() != wall.replace(tzinfo=timezone, fold=1).utcoffset()


def in_words(instant: datetime, *, zone: str, now: datetime) -> str:
    """An instant as staff read it: the local time with its zone, UTC beside it, and how long from now."""
    local = instant.astimezone(_zone(zone or "UTC"))
    shown = f"{local:%a %-d %b %Y %H:%M} {zone or 'UTC'}"
    utc = "" if zone in ("", "UTC") else f" ({instant:%H:%M} UTC)"
    return f"{shown}{utc}, {_distance(instant - now)}"


def length_in_words(gap: timedelta) -> str:
    """Such as 2 d 3 h, 1 h 5 min, 40 min"""
    minutes = round(abs(gap).total_seconds() / 60)
    days, rest = divmod(minutes, 24 * 60)
    hours, left = divmod(rest, 60)
    return " ".join([f"{days} d"] * bool(days) + [f"{hours} h"] * bool(hours) + [f"{left} min"] * (not days))


def _distance(gap: timedelta) -> str:
    return f"in {length_in_words(gap)}" if gap > timedelta() else f"{length_in_words(gap)} ago"


def _zone(name: str) -> ZoneInfo:
    """A zone whose name is on record, which may be one that staff could no longer give, such as CET."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return zone_named(name)
