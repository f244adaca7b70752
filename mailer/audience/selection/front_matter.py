"""Reads a newsletter's audience from its front matter: every fault at once, each with its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from typing import Any, cast

from sqlalchemy import Connection

from mailer.audience.selection.saved_segments import KnownNames, known_names, written_out
from mailer.audience.selection.spec import Audience
from mailer.compose.source.message_file import Source
from mailer.diagnostics import Diagnostic
from mailer.errors import MailerError, nearest, raise_errors
from mailer.experiments.cohorts import PlannedCohorts
from mailer.settings.durations import seconds_of

MOST_HOURS = 24 * 366
LARGEST = 2**53  # beyond it, other programs read a JSON number as another
AUDIENCE_KEYS = tuple(field.name for field in fields(Audience) if field.name not in ("urgent", "cap"))

DOWN_THE_LIST, USUAL = "down_the_list", PlannedCohorts()
GROUP_KEYS = ("groups", "sample", "wait", "clicks", "complaints")
MOST_GROUPS, MOST_DAYS, MOST_WAIT_SECONDS = 8, 3650, 14 * 86400
AGE = re.compile(r"([1-9][0-9]{0,3}) (day|month|year)s?", re.ASCII)
DAYS = {"day": 1, "month": 30, "year": 365}
EXAMPLE = "For example: groups: [30 days, 90 days, 1 year]"

Fault = Callable[[str, str, str], object]  # the key below `audience`, what is wrong, and the remedy


def read_audience(connection: Connection, source: Source, *, fields: Collection[str]) -> Audience:
    """The audience a newsletter asks for; without a word about it, everyone on its list.

    `fields` are those a segment may name (`fields.known_fields`). Raises `MailerError` with every fault: unknown keys,
    lists, campaigns, fields and functions, and values of the wrong kind, each with its line.
    """
    workspace, slug = source.newsletter.workspace, source.newsletter.slug
    reader = _Reader(source, known_names(connection, workspace, fields=fields, but=slug))
    audience = reader.audience()
    raise_errors(f"The audience of {slug} has faults:", reader.faults)
    return audience


class _Reader:
    """Turns the raw mapping into an `Audience`, collecting faults with their lines."""

    def __init__(self, source: Source, known: KnownNames) -> None:
        self.source, self.known = source, known
        self.raw = source.audience
        self.faults: list[Diagnostic] = []

    def fault(self, key: str, message: str, remedy: str = "") -> None:
        self.faults.append(Diagnostic(message, self.source.place(f"audience.{key}"), remedy))

    def audience(self) -> Audience:
        for key in self.raw:
            if key not in AUDIENCE_KEYS:
                self.fault(key, f"unknown key audience.{key}", nearest(key, AUDIENCE_KEYS))
        include = self.names("include", "list", self.known.lists) or (self.source.list,)
        exclude = self.names("exclude", "list", self.known.lists)
        for both in sorted(set(include) & set(exclude)):
            self.fault("exclude", f"the list {both} is included and excluded", "Nobody would be left.")
        return Audience(
            include=include,
            exclude=exclude,
            segment=self.segment(),
            not_mailed_within_hours=self.number("not_mailed_within_hours", whole=False, most=MOST_HOURS) or 0.0,
            not_mailed_by=self.names("not_mailed_by", "campaign", self.known.newsletters),
            limit=cast(int | None, self.number("limit", whole=True, most=LARGEST)),
            seed=cast(int, self.number("seed", whole=True, most=LARGEST, least=0) or 0),
            urgent=self.source.is_urgent,
            down_the_list=self.cohorts(),
            cap=self.source.newsletter.workspace.settings.caps,
        )

    def cohorts(self) -> PlannedCohorts | None:
        plan = read_cohorts(self.raw.get(DOWN_THE_LIST), self.fault)
        if plan is not None and self.source.test is not None:
            self.fault(
                DOWN_THE_LIST, "it tests versions and goes down the list", "Do one of the two: both take samples."
            )
        return plan

    def names(self, key: str, kind: str, known: Collection[str]) -> tuple[str, ...]:
        """One name or several; each once, in the order written."""
        value = self.raw.get(key)
        if value is None:
            return ()
        items = cast(list[object], value) if isinstance(value, list) else [value]
        found: list[str] = []
        for index, item in enumerate(items):
            at = f"{key}.{index}" if isinstance(value, list) else key
            if not isinstance(item, str):
                self.fault(at, f"audience.{key} must name {kind}s, not {item!r}", "For example: [supporters]")
            elif item not in known:
                self.fault(at, f"there is no {kind} {item!r}", nearest(item, known))
            elif item not in found:
                found.append(item)
        if not items:
            self.fault(key, f"audience.{key} is an empty list", "Name something, or leave the key out.")
        return tuple(found)

    def number(self, key: str, *, whole: bool, most: int, least: int = 1) -> int | float | None:
        value = self.raw.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            self.fault(key, f"audience.{key} must be a {'whole ' if whole else ''}number, not {value!r}")
        elif not (least <= value if whole else value > 0) or value > most:
            self.fault(key, f"audience.{key} must be from {least if whole else 'more than 0'} to {most}, not {value}")
        else:
            return value
        return None

    def segment(self) -> str:
        """The expression as it is written; with the saved segments that it names written out in it."""
        value = self.raw.get("segment")
        if value is None:
            return ""
        if not isinstance(value, str) or not value.strip():
            self.fault("segment", "audience.segment must be an expression", 'supporter.country == "GB"')
            return ""
        try:
            return written_out(value, self.known, place=self.source.place("audience.segment"))
        except MailerError as found:
            self.faults += found.diagnostics
            return ""


def read_cohorts(raw: object, fault: Fault) -> PlannedCohorts | None:
    """What `down_the_list:` says: `true` for what is usual, or keys for some of it."""
    if raw is None or raw is False:
        return None
    if raw is True:
        return USUAL
    if not isinstance(raw, dict):
        fault(DOWN_THE_LIST, f"audience.{DOWN_THE_LIST} must be true or hold keys", f"{EXAMPLE} below it, indented.")
        return None
    said: Mapping[str, Any] = {str(key): value for key, value in cast("dict[Any, Any]", raw).items()}
    for key in said:
        if key not in GROUP_KEYS:
            fault(f"{DOWN_THE_LIST}.{key}", f"unknown key audience.{DOWN_THE_LIST}.{key}", nearest(key, GROUP_KEYS))
    return PlannedCohorts(
        days=_days(said["groups"], fault) if "groups" in said else USUAL.days,
        sample=int(_number(said, "sample", USUAL.sample, fault=fault, least=1, most=1_000_000)),
        wait_seconds=_wait(said["wait"], fault) if "wait" in said else USUAL.wait_seconds,
        clicks=_number(said, "clicks", USUAL.clicks, fault=fault, least=0, most=1000),
        complaints=_number(said, "complaints", USUAL.complaints, fault=fault, least=0, most=1000),
    )


def _days(value: object, fault: Fault) -> tuple[int, ...]:
    items = cast("list[object]", value) if isinstance(value, list) else [value]
    found: list[int] = []
    for item in items:
        age = AGE.fullmatch(item.strip()) if isinstance(item, str) else None
        days = int(age[1]) * DAYS[age[2]] if age else 0
        if not 0 < days <= MOST_DAYS:
            fault(f"{DOWN_THE_LIST}.groups", f"{item!r} is not how long ago somebody acted, up to 10 years", EXAMPLE)
            return USUAL.days
        found.append(days)
    if not found or len(found) > MOST_GROUPS or found != sorted(set(found)):
        fault(
            f"{DOWN_THE_LIST}.groups", f"groups must be 1 to {MOST_GROUPS} ages, the shortest first, each once", EXAMPLE
        )
        return USUAL.days
    return tuple(found)


def _wait(value: object, fault: Fault) -> int:
    try:
        seconds = seconds_of(str(value))
    except MailerError as error:
        fault(f"{DOWN_THE_LIST}.wait", f"audience.{DOWN_THE_LIST}.wait: {error.message}", error.remedy)
        return USUAL.wait_seconds
    if not 3600 <= seconds <= MOST_WAIT_SECONDS:
        fault(
            f"{DOWN_THE_LIST}.wait", f"audience.{DOWN_THE_LIST}.wait must be from 1 hour to 14 days", "Write wait: 24h."
        )
        return USUAL.wait_seconds
    return seconds


def _number(said: Mapping[str, Any], key: str, usual: float, *, fault: Fault, least: float, most: float) -> float:
    value = said.get(key, usual)
    whole = isinstance(usual, int)
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or not least <= value <= most:
        kind = "a whole number" if whole else "a number for each 1,000 people"
        wrong = f"audience.{DOWN_THE_LIST}.{key} must be {kind} from {least:g} to {most:,.0f}, not {value!r}"
        fault(f"{DOWN_THE_LIST}.{key}", wrong, f"Write {key}: {usual:g}, which is usual, or take the line out.")
        return usual
    return value
