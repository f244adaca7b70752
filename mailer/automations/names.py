"""Holds what an automation's file names against what there is: sign pages, newsletters, fields, saved segments."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import Connection

from mailer.audience.fields import known_fields
from mailer.audience.selection.saved_segments import known_names, written_out
from mailer.automations.definition import read_automation
from mailer.automations.steps import Automation, AutomationStep, IfStep, TriggerKind
from mailer.diagnostics import Diagnostic
from mailer.errors import MailerError, nearest, raise_errors
from mailer.toml_file import read_toml
from mailer.workspace import AUTOMATION_FILE, Newsletter


def sound_automation(connection: Connection, newsletter: Newsletter) -> Automation:
    """The automation in a newsletter's folder, with its conditions written out so that no saved segment changes them
    later. Raises `MailerError` with every fault of its file and everything that it names and isn't there."""
    faults, automation = list[Diagnostic](), None
    try:
        automation = read_automation(newsletter)
    except MailerError as error:
        faults += error.diagnostics
    if automation is not None:
        automation = _held(connection, newsletter, automation, faults)
    raise_errors(f"The automation {newsletter.slug} has faults:", faults)
    assert automation is not None, "one that can't be read has a fault"
    return automation


def _held(
    connection: Connection, newsletter: Newsletter, automation: Automation, faults: list[Diagnostic]
) -> Automation:
    file = read_toml(newsletter.folder / AUTOMATION_FILE, newsletter.place(AUTOMATION_FILE))
    workspace = newsletter.workspace
    known = known_names(connection, workspace, fields=known_fields(connection, workspace.sound_lists()))
    trigger = automation.trigger
    kinds: dict[TriggerKind, tuple[str, Collection[str]]] = {
        TriggerKind.SIGNED: ("sign page", known.pages), TriggerKind.DELIVERED: ("sign page", known.pages),
        TriggerKind.SENT: ("newsletter", known.newsletters), TriggerKind.DATE: ("field", known.fields),
    }  # fmt: skip
    if trigger.kind in kinds and trigger.subject not in kinds[trigger.kind][1]:
        what, names = kinds[trigger.kind]
        place = file.place("trigger", trigger.kind.value)
        faults.append(Diagnostic(f"there is no {what} {trigger.subject!r}", place, nearest(trigger.subject, names)))
    for goal in automation.goals:
        if goal not in known.pages:
            faults.append(Diagnostic(f"there is no sign page {goal!r}", file.key("goals"), nearest(goal, known.pages)))

    def held(step: AutomationStep) -> AutomationStep:
        if isinstance(step, IfStep):
            try:
                place = file.place(f"steps.{step.name}", "if")
                return replace(step, expression=written_out(step.expression, known, place=place))
            except MailerError as error:
                faults.extend(error.diagnostics)
        return step

    return replace(automation, steps=tuple(held(step) for step in automation.steps))
