"""Local times for people, instants for the machine: when a scheduled campaign is due, across daylight-saving changes.

The rule, stated once: a time that a clock skips is refused, with the next one that exists; of a time that a clock
shows twice, the first is meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mailer.delivery.schedule.local_times import read_local_time
from mailer.errors import MailerError
from mailer.timezones import zone_named


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
    found = read_local_time(text, now=now.astimezone(timezone).replace(tzinfo=None))
    notes = [f"Taken: {found.assumed}."] if found.assumed else []
    instant = found.wall.replace(tzinfo=timezone, fold=0).astimezone(UTC)
    back = instant.astimezone(timezone).replace(tzinfo=None)
    shown = f"{found.wall:%Y-%m-%d %H:%M}"
    if back != found.wall:
        raise MailerError(
            f"{shown} does not exist in {timezone.key}: the clocks are put forward then",
            remedy=f"The next time that exists is {back:%Y-%m-%d %H:%M}.",
        )
    if instant <= now:
        raise MailerError(
            f"{shown} in {timezone.key} is past: it is {now.astimezone(timezone):%Y-%m-%d %H:%M} there now",
            remedy="Give a later time, or send now: mailer send NEWSLETTER",
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
