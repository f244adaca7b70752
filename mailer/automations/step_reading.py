"""Reads the steps of automation.toml: each a section `[steps.<name>]`, one below the other in the order of the file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from mailer.audience.selection.segment_sql import parse_segment
from mailer.automations.steps import END, AutomationStep, EndStep, IfStep, SendStep, TagStep, UntilStep, WaitStep
from mailer.automations.values import MORNING, AutomationFile, moment_of
from mailer.compose.expressions.ast import ANYTHING
from mailer.compose.expressions.tagged import sound_tag
from mailer.errors import MailerError, nearest
from mailer.workspace import SLUG, THANKS_FILE

STEP_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
THE_END = "end"  # what `next`, `then` and `else` call the end
A_MOMENT = 'Write "Tuesday 09:00", "09:00" or "Tuesday", which is at nine.'
# Of each kind of step the keys that it may have, the one that names it first.
STEP_KEYS: Mapping[str, tuple[str, ...]] = {
    "wait": ("wait", "next"), "until": ("until", "not_after", "next"), "send": ("send", "not_after", "next"),
    "if": ("if", "then", "else"), "tag": ("tag", "untag", "next"), "untag": ("untag", "tag", "next"), "end": ("end",),
}  # fmt: skip
EXAMPLE = 'For example: [steps.hello], and below it send = "hello.md".'


def read_steps(file: AutomationFile) -> tuple[AutomationStep, ...]:
    """The steps that can be read; what is wrong with them and with others is among the file's faults."""
    said = file.table("steps", EXAMPLE)
    if not said and "steps" in file.found.data:
        file.fault("there is no step", "steps", EXAMPLE)
    names = list(said)
    sections = {name: cast("dict[str, Any]", one) if isinstance(one, dict) else {} for name, one in said.items()}
    read = (_Step(file, name, sections[name], names).step() for name in names)
    return tuple(step for step in read if step is not None)


@dataclass(frozen=True, slots=True)
class _Step:
    """One section of the file. `names`: of all steps, in the order of the file."""

    file: AutomationFile
    name: str
    values: Mapping[str, Any]
    names: Sequence[str]

    @property
    def section(self) -> str:
        return f"steps.{self.name}"

    def fault(self, message: str, key: str, remedy: str = "") -> None:
        self.file.fault(message, key, remedy, section=self.section)

    def step(self) -> AutomationStep | None:
        if not STEP_NAME.fullmatch(self.name) or self.name == THE_END:
            remedy = "Use small letters, digits and hyphens, up to 40 of them; “end” is the end."
            self.fault(f"{self.name!r} can't be a step's name", "", remedy)
        kinds = [kind for kind in STEP_KEYS if kind in self.values]
        if kinds[:2] == ["tag", "untag"]:
            kinds.remove("untag")
        if len(kinds) != 1:
            what = "does nothing" if not kinds else f"has both {kinds[0]} and {kinds[1]}"
            self.fault(f"the step {self.name} {what}", "", f"Give it one of: {', '.join(STEP_KEYS)}.")
            return None
        for key in self.values:
            if key not in STEP_KEYS[kinds[0]]:
                self.fault(f"a step with {kinds[0]} has no {key!r}", key, nearest(key, STEP_KEYS[kinds[0]]))
        return self.of_kind(kinds[0])

    def of_kind(self, kind: str) -> AutomationStep:
        match kind:
            case "wait":
                return WaitStep(self.name, self.file.length(self.values["wait"], "wait", self.section), self.to("next"))
            case "until":
                return self.until()
            case "send":
                return SendStep(self.name, self.message(), self.late(), self.to("next"))
            case "if":
                return self.fork()
            case "end":
                return self.end()
            case _:
                return TagStep(self.name, self.tags("tag"), self.tags("untag"), self.to("next"))

    def text(self, key: str) -> str:
        return self.file.text(self.values, key, self.section)

    def late(self) -> timedelta | None:
        late = self.values.get("not_after")
        return None if late is None else self.file.length(late, "not_after", self.section)

    def to(self, key: str) -> str:
        """The step that comes next: the named one, else the one below in the file."""
        at = self.names.index(self.name) + 1
        if key not in self.values:
            return self.names[at] if at < len(self.names) else END
        wanted = self.text(key)
        if wanted and wanted not in (THE_END, *self.names):
            self.fault(f"there is no step {wanted!r}", key, nearest(wanted, [*self.names, THE_END]))
        return END if wanted == THE_END else wanted

    def until(self) -> UntilStep:
        said = self.text("until")
        found = moment_of(said)
        if found is None and said:
            self.fault("until must be a weekday, an hour, or both", "until", A_MOMENT)
        weekday, at = found or (None, MORNING)
        return UntilStep(self.name, at, weekday, self.late(), self.to("next"))

    def fork(self) -> IfStep:
        if "then" not in self.values and "else" not in self.values:
            self.fault("both ways lead to the next step", "if", 'Name one: else = "end"')
        if expression := self.text("if"):
            try:
                parse_segment(expression, fields=ANYTHING, place=self.file.found.place(self.section, "if"))
            except MailerError as error:
                self.file.faults += error.diagnostics
        return IfStep(self.name, expression, self.to("then"), self.to("else"))

    def tags(self, key: str) -> tuple[str, ...]:
        if key not in self.values:
            return ()
        found = self.file.texts(self.values[key], key, self.section)
        for one in found:
            if not sound_tag(one):
                self.fault(f"{one!r} can't be a tag", key, "Write each tag as a text of its own.")
        return found

    def end(self) -> EndStep:
        value = self.values["end"]
        if value is not True and value != "inactive":
            remedy = 'end = true, or end = "inactive": they get no more mail until they act or somebody lifts it.'
            self.fault('end must be true or "inactive"', "end", remedy)
        return EndStep(self.name, inactive=value == "inactive")

    def message(self) -> str:
        name, newsletter = self.text("send"), self.file.newsletter
        stem, _, ending = name.partition(".")
        if name and (ending not in ("md", "mjml") or not SLUG.fullmatch(stem) or name == THANKS_FILE):
            self.fault(f"{name!r} can't be a message of an automation", "send", 'send = "hello.md"')
        elif name and not (newsletter.folder / name).is_file():
            remedy = f"Write {newsletter.place(name)}, like a newsletter’s message."
            self.fault(f"there is no {name} beside the automation", "send", remedy)
        else:
            return name
        return ""
