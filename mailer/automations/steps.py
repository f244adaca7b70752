"""What an automation is made of, as values, and those values as JSON, which is how a version is frozen.

`definition` reads them from a folder. They know no file and no database.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum
from typing import Any

END = ""  # as the step that comes next: there is none, the person is through
A_DAY = timedelta(days=1)


class TriggerKind(StrEnum):
    """What puts somebody into an automation. Each holds for things that happen after it was started."""

    JOINED = "joined"  # a list: they joined it
    SIGNED = "signed"  # a sign page: they signed it
    DELIVERED = "delivered"  # a sign page: they signed it, and that its names were handed over has been noted
    SENT = "sent"  # a newsletter: it was mailed to them
    TAGGED = "tagged"  # a tag: it was put on them
    SILENT = "silent"  # they are on the automation's list and neither clicked nor signed for so many days
    DATE = "date"  # a field of theirs that holds a day has come, with the offset in days; each year, or once


@dataclass(frozen=True, slots=True)
class AutomationTrigger:
    """What puts somebody into it. `subject`: the list, sign page, newsletter, tag or field; "" for silence."""

    kind: TriggerKind
    subject: str = ""
    days: int = 0  # of silence; of a date: so many days after it, before it when negative
    yearly: bool = False  # of a date: each year on that day


@dataclass(frozen=True, slots=True)
class AllowedHours:
    """When mail may leave, by the person's own clock: from `opens` until before `closes`, over midnight if that is
    earlier."""

    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class WaitStep:
    """Wait so long."""

    name: str
    lasts: timedelta
    next: str = END


@dataclass(frozen=True, slots=True)
class UntilStep:
    """Wait for an hour of the person's own clock, on that day of the week (0 is Monday) or on any. `not_after`: go on
    at the latest so long after coming here."""

    name: str
    at: time
    weekday: int | None = None
    not_after: timedelta | None = None
    next: str = END


@dataclass(frozen=True, slots=True)
class SendStep:
    """Mail them a message of the automation's folder. `not_after`: if it can't leave so long after it was due, it is
    passed over."""

    name: str
    message: str
    not_after: timedelta | None = None
    next: str = END


@dataclass(frozen=True, slots=True)
class IfStep:
    """Go one way or the other, by an expression in the language of segments, read at that moment."""

    name: str
    expression: str
    then: str
    otherwise: str


@dataclass(frozen=True, slots=True)
class TagStep:
    """Put tags on them, and take others off."""

    name: str
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    next: str = END


@dataclass(frozen=True, slots=True)
class EndStep:
    """The end. `inactive`: they get no more mail until somebody lifts it, or they act."""

    name: str
    inactive: bool = False


AutomationStep = WaitStep | UntilStep | SendStep | IfStep | TagStep | EndStep
KINDS: Mapping[str, type[AutomationStep]] = {
    "wait": WaitStep, "until": UntilStep, "send": SendStep, "if": IfStep, "tag": TagStep, "end": EndStep,
}  # fmt: skip
_NAMES = {kind: name for name, kind in KINDS.items()}


@dataclass(frozen=True, slots=True)
class Automation:
    """An automation as its file says it; `steps` in the order of the file, the first of them is where people begin."""

    slug: str
    title: str
    list: str  # whose consent its mails go by
    trigger: AutomationTrigger
    again_after: timedelta | None  # who was in it may come in again so long after they came in; None: once
    goals: tuple[str, ...]  # sign pages: who signs one of them leaves at once
    window: AllowedHours | None
    steps: tuple[AutomationStep, ...]

    def step(self, name: str) -> AutomationStep:
        """The step of that name. Raises `KeyError` when there is none."""
        for one in self.steps:
            if one.name == name:
                return one
        raise KeyError(name)

    @property
    def sends(self) -> tuple[SendStep, ...]:
        """The steps that mail."""
        return tuple(one for one in self.steps if isinstance(one, SendStep))

    @property
    def messages(self) -> tuple[str, ...]:
        """The files that its steps mail, each once."""
        return tuple(dict.fromkeys(one.message for one in self.sends))

    @property
    def digest(self) -> str:
        """What tells one definition from another. What its messages say is not in it."""
        return hashlib.sha256(json.dumps(to_json(self), sort_keys=True).encode()).hexdigest()


def kind_of(step: AutomationStep) -> str:
    """What a step is called in the file: wait, until, send, if, tag or end."""
    return _NAMES[type(step)]


def following(step: AutomationStep) -> tuple[str, ...]:
    """The steps that may come next, by name; `END` where it may end."""
    match step:
        case IfStep():
            return (step.then, step.otherwise)
        case EndStep():
            return (END,)
        case _:
            return (step.next,)


def to_json(automation: Automation) -> dict[str, Any]:
    """The definition as JSON data: times in seconds, hours as "09:00". `from_json` is its inverse."""
    trigger, window = automation.trigger, automation.window
    return {
        "slug": automation.slug, "title": automation.title, "list": automation.list,
        "trigger": {"kind": trigger.kind.value, "subject": trigger.subject, "days": trigger.days,
                    "yearly": trigger.yearly},
        "again_after": _seconds(automation.again_after),
        "goals": list(automation.goals),
        "window": None if window is None else [f"{window.opens:%H:%M}", f"{window.closes:%H:%M}"],
        "steps": [_step_json(step) for step in automation.steps],
    }  # fmt: skip


def from_json(data: Mapping[str, Any]) -> Automation:
    """The automation that `to_json` described."""
    trigger, window, again = data["trigger"], data["window"], data["again_after"]
    return Automation(
        slug=data["slug"], title=data["title"], list=data["list"],
        trigger=AutomationTrigger(TriggerKind(trigger["kind"]), trigger["subject"], trigger["days"], trigger["yearly"]),
        again_after=None if again is None else timedelta(seconds=again),
        goals=tuple(data["goals"]),
        window=None if window is None else AllowedHours(*map(time.fromisoformat, window)),
        steps=tuple(_step_of(one) for one in data["steps"]),
    )  # fmt: skip


def _seconds(length: timedelta | None) -> int | None:
    return None if length is None else int(length.total_seconds())


def _step_json(step: AutomationStep) -> dict[str, Any]:
    kind: dict[str, Any] = {"kind": kind_of(step), "name": step.name}
    match step:
        case WaitStep():
            return {**kind, "lasts": _seconds(step.lasts), "next": step.next}
        case UntilStep():
            return {**kind, "at": f"{step.at:%H:%M}", "weekday": step.weekday, "not_after": _seconds(step.not_after),
                    "next": step.next}  # fmt: skip
        case SendStep():
            return {**kind, "message": step.message, "not_after": _seconds(step.not_after), "next": step.next}
        case IfStep():
            return {**kind, "expression": step.expression, "then": step.then, "otherwise": step.otherwise}
        case TagStep():
            return {**kind, "add": list(step.add), "remove": list(step.remove), "next": step.next}
        case EndStep():
            return {**kind, "inactive": step.inactive}


def _step_of(data: Mapping[str, Any]) -> AutomationStep:
    values = {key: value for key, value in data.items() if key != "kind"}
    for key in ("lasts", "not_after"):
        if values.get(key) is not None:
            values[key] = timedelta(seconds=values[key])
    for key in ("add", "remove"):
        if key in values:
            values[key] = tuple(values[key])
    if "at" in values:
        values["at"] = time.fromisoformat(values["at"])
    return KINDS[data["kind"]](**values)
