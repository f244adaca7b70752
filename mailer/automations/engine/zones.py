"""The clocks that an automation goes by: those of each person, where they are known."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mailer.automations.steps import Automation, UntilStep
from mailer.timezones.local_time import EVERY_DAY, OpenHours, next_at, next_opening


@lru_cache(maxsize=1000)  # many people come to a step at the same moment
def hour_of(step: UntilStep, zone: str, otherwise: str, now: datetime) -> datetime:
    """When the hour that a step waits for comes to somebody who is there now. `otherwise`: the zone of those whose own
    isn't known."""
    days = EVERY_DAY if step.weekday is None else frozenset({step.weekday})
    found = next_at(now, zone_or(zone, otherwise), step.at, days=days)
    return found if step.not_after is None else min(found, now + step.not_after)


def may_leave(automation: Automation, zone: ZoneInfo, *, now: datetime) -> datetime:
    """When mail of this automation may leave to somebody in this zone: now, or when its hours begin there."""
    if automation.window is None:
        return now
    return next_opening(now, zone, OpenHours(automation.window.opens, automation.window.closes))


def zone_or(name: str, otherwise: str) -> ZoneInfo:
    """The zone of that name; the other where there is none, or this machine doesn't know it."""
    try:
        return ZoneInfo(name or otherwise)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(otherwise)
