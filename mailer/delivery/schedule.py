"""Local times for people, instants for the machine: when a scheduled campaign is due, across daylight-saving changes.

The rule, stated once: a time that a clock skips is refused, with the next one that exists; of a time that a clock
shows twice, the first is meant.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from mailer.errors import MailerError

FORMATS = ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M")
DURATION = re.compile(r"(\d+)([smhd])")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def due_at(local: str, *, zone: str, now: datetime) -> datetime:
    """The instant, in UTC, at which the clocks of `zone` show `local` ("2026-12-01 09:00").

    Raises `MailerError` for a time that can't be read, doesn't exist in that zone, or is past.
    """
    timezone = _zone(zone)
    wall = _wall_clock(local)
    instant = wall.replace(tzinfo=timezone, fold=0).astimezone(UTC)
    back = instant.astimezone(timezone).replace(tzinfo=None)
    if back != wall:
        raise MailerError(
            f"{local} does not exist in {zone}: the clocks are put forward then",
            hint=f"The next time that exists is {back:%Y-%m-%d %H:%M}.",
        )
    if instant <= now:
        raise MailerError(
            f"{local} in {zone} is past: it is {now.astimezone(timezone):%Y-%m-%d %H:%M} there now",
            hint="Give a later time, or send now: mailer send SLUG",
        )
    return instant


def is_ambiguous(instant: datetime, zone: str) -> bool:
    """Whether the clocks of `zone` show this instant's time twice that day."""
    timezone = _zone(zone)
    wall = instant.astimezone(timezone).replace(tzinfo=None)
    return wall.replace(tzinfo=timezone, fold=0).utcoffset() != wall.replace(tzinfo=timezone, fold=1).utcoffset()


def seconds_of(text: str) -> int:
    """Seconds of a duration such as 55s, 30m, 2h or 1d."""
    match = DURATION.fullmatch(text.strip())
    if not match:
        raise MailerError(f"{text!r} is not a duration", hint="Write 55s, 30m, 2h or 1d.")
    return int(match[1]) * UNITS[match[2]]


def in_words(instant: datetime, *, zone: str, now: datetime) -> str:
    """An instant as staff read it: the local time with its zone, UTC beside it, and how long from now."""
    local = instant.astimezone(_zone(zone or "UTC"))
    shown = f"{local:%a %-d %b %Y %H:%M} {zone or 'UTC'}"
    utc = "" if zone in ("", "UTC") else f" ({instant:%H:%M} UTC)"
    return f"{shown}{utc}, {_distance(instant - now)}"


def _distance(gap: timedelta) -> str:
    minutes = round(abs(gap).total_seconds() / 60)
    days, rest = divmod(minutes, 24 * 60)
    hours, left = divmod(rest, 60)
    parts = [f"{days} d"] * bool(days) + [f"{hours} h"] * bool(hours) + [f"{left} min"] * (not days)
    return ("in " if gap > timedelta() else "") + " ".join(parts) + ("" if gap > timedelta() else " ago")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = get_close_matches(name, available_timezones(), n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]}?" if near else "Name it as Europe/London or Asia/Kolkata."
        raise MailerError(f"there is no time zone {name!r}", hint=hint) from None


def _wall_clock(text: str) -> datetime:
    for form in FORMATS:
        try:
            return datetime.strptime(text.strip(), form)  # noqa: DTZ007  the zone comes beside it
        except ValueError:
            continue
    raise MailerError(f"{text!r} is not a time", hint='Write it as "2026-12-01 09:00".')
