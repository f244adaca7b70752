"""Reads the values of automation.toml and collects what is wrong with them, each with its line and a remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import Any, cast

from mailer.diagnostics import Diagnostic
from mailer.toml_file import TomlFile
from mailer.workspace import Newsletter

LENGTH = re.compile(r"([1-9][0-9]{0,4}) ?(minute|hour|day|week)s?")
UNITS = {"minute": "minutes", "hour": "hours", "day": "days", "week": "weeks"}
LONGEST = timedelta(days=5 * 366)
A_LENGTH = 'Write a length of time as "3 days", "12 hours" or "2 weeks".'
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MORNING = time(9)  # a weekday without an hour
HOUR = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


def length_of(text: str) -> timedelta | None:
    """A length of time in words, such as "3 days"; None for what isn't one."""
    found = LENGTH.fullmatch(" ".join(text.split()).lower())
    length = timedelta(**{UNITS[found[2]]: int(found[1])}) if found else None
    return length if length is not None and length <= LONGEST else None


def hour_of(text: str) -> time | None:
    """An hour of the day such as "09:00"; None for what isn't one."""
    found = HOUR.fullmatch(text.strip())
    return time(int(found[1]), int(found[2])) if found else None


def moment_of(text: str) -> tuple[int | None, time] | None:
    """A weekday (0 is Monday) and an hour, of which one may be missing; None for what is neither."""
    day, _, hour = text.strip().partition(" ")
    weekday = next((n for n, name in enumerate(WEEKDAYS) if len(day) > 2 and name.startswith(day.lower())), None)
    if weekday is None:
        at = hour_of(text)
        return None if at is None else (None, at)
    at = hour_of(hour) if hour.strip() else MORNING
    return None if at is None else (weekday, at)


@dataclass(slots=True)
class AutomationFile:
    """The file of an automation while it is read."""

    found: TomlFile
    newsletter: Newsletter
    faults: list[Diagnostic] = field(default_factory=list[Diagnostic])

    def fault(self, message: str, key: str, remedy: str = "", *, section: str | None = None) -> None:
        place = self.found.key(key) if section is None else self.found.place(section, key or None)
        if section is not None and place.line is None:
            place = self.found.place(section, None)
        self.faults.append(Diagnostic(message, place, remedy))

    def text(self, data: Mapping[str, Any], key: str, section: str | None, example: str = "") -> str:
        value = data.get(key)
        if value is None and example:
            self.fault(f"{key} is missing", key, f'For example: {key} = "{example}"', section=section)
        elif value is not None and (not isinstance(value, str) or not value.strip() or "\n" in value):
            self.fault(f"{key} must be a text on one line", key, f'{key} = "{example or "…"}"', section=section)
        return value.strip() if isinstance(value, str) else ""

    def texts(self, value: object, key: str, section: str | None = None) -> tuple[str, ...]:
        """One text or several."""
        many = cast("list[object]", value) if isinstance(value, list) else [value]
        sound = [one.strip() for one in many if isinstance(one, str) and one.strip()]
        if len(sound) != len(many) or not many:
            self.fault(f"{key} must be texts", key, f'{key} = ["…", "…"]', section=section)
        return tuple(dict.fromkeys(sound))

    def length(self, value: object, key: str, section: str | None = None) -> timedelta:
        found = length_of(value) if isinstance(value, str) else None
        if found is None:
            self.fault(f"{key} must be a length of time, at most five years", key, A_LENGTH, section=section)
        return found or timedelta(days=1)

    def table(self, key: str, example: str) -> dict[str, Any]:
        value = self.found.data.get(key)
        if isinstance(value, dict):
            return cast("dict[str, Any]", value)
        self.fault(f"{key} is missing" if value is None else f"{key} must be a section", key, example)
        return {}
