"""What automations say, in campaigners' words: what brings people in, what each step does, where it leads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from mailer.audience.selection.rows import to_rows
from mailer.audience.selection.segment_sql import parse_segment
from mailer.automations.steps import (
    Automation,
    AutomationStep,
    AutomationTrigger,
    EndStep,
    IfStep,
    SendStep,
    TagStep,
    TriggerKind,
    UntilStep,
    WaitStep,
)
from mailer.compose.expressions.ast import ANYTHING
from mailer.counting import counted
from mailer.errors import MailerError
from mailer.web.studio.audience.choices import BuilderChoices
from mailer.web.studio.audience.words import words_of
from mailer.web.studio.core.moments import WHOLE_DAYS

UNITS = ((timedelta(weeks=1), "week"), (timedelta(days=1), "day"), (timedelta(hours=1), "hour"))
ICONS = {WaitStep: "timer", UntilStep: "clock", SendStep: "mail", IfStep: "split", TagStep: "tag", EndStep: "flag"}


@dataclass(frozen=True, slots=True)
class StepWords:
    """A step as it is drawn. `about` is a second line, "" for none."""

    icon: str
    title: str
    about: str = ""


def length_words(length: timedelta) -> str:
    """3 days, 12 hours, 2 weeks: as the file would say it."""
    for unit, name in UNITS:
        if length >= unit and not length % unit:
            return counted(length // unit, name)
    return counted(round(length / timedelta(minutes=1)), "minute")


def trigger_words(trigger: AutomationTrigger, choices: BuilderChoices, newsletter: Callable[[str], str]) -> str:
    """What brings somebody in, behind “Begins when”. `newsletter` knows what staff call one."""
    named = f"“{trigger.subject}”"
    match trigger.kind:
        case TriggerKind.JOINED:
            return f"somebody joins {choices.name('lists', trigger.subject)}"
        case TriggerKind.SIGNED:
            return f"somebody signs “{choices.name('pages', trigger.subject)}”"
        case TriggerKind.DELIVERED:
            return f"“{choices.name('pages', trigger.subject)}” was handed over, for everybody who signed it"
        case TriggerKind.SENT:
            return f"somebody was mailed “{newsletter(trigger.subject)}”"
        case TriggerKind.TAGGED:
            return f"somebody is tagged {named}"
        case TriggerKind.SILENT:
            return f"somebody hasn’t clicked or signed for {length_words(timedelta(days=trigger.days))}"
        case TriggerKind.DATE:
            day = f"the day in their field {trigger.subject.replace('_', ' ')}"
            apart = counted(abs(trigger.days), "day")
            far = f"{apart} {'before' if trigger.days < 0 else 'after'} {day}" if trigger.days else day
            return f"it is {far}{', each year' if trigger.yearly else ''}"


def step_words(step: AutomationStep, choices: BuilderChoices, subject: Callable[[str], str]) -> StepWords:
    """A step. `subject` knows that of a message by its file."""
    icon = ICONS[type(step)]
    match step:
        case WaitStep():
            return StepWords(icon, f"Wait {length_words(step.lasts)}")
        case UntilStep():
            day = "" if step.weekday is None else f"{WHOLE_DAYS[step.weekday]}, "
            most = f" At most {length_words(step.not_after)}." if step.not_after else ""
            return StepWords(icon, f"Wait for {day}{step.at:%H:%M}", f"By their own clock.{most}")
        case SendStep():
            late = f"Passed over when {length_words(step.not_after)} late" if step.not_after else ""
            return StepWords(icon, subject(step.message) or step.message, late)
        case IfStep():
            return StepWords(icon, f"{condition_words(step.expression, choices)}?")
        case TagStep():
            put = f"Tag them {_quoted(step.add)}" if step.add else ""
            off = f"take {_quoted(step.remove)} off" if step.remove else ""
            said = f"{put} and {off}" if put and off else put or off
            return StepWords(icon, said[:1].upper() + said[1:])
        case EndStep():
            if step.inactive:
                return StepWords("pause", "No more mail", "Until they sign, join again, or somebody lifts it.")
            return StepWords(icon, "The end")


def condition_words(expression: str, choices: BuilderChoices) -> str:
    """A condition as a question about one person: “Are they among the people in France”, or the expression itself."""
    try:
        rows = to_rows(parse_segment(expression, fields=ANYTHING))
    except MailerError:
        rows = None
    said = words_of(rows, choices) if rows is not None else ""
    return f"Are they among the {said}" if said else expression


def window_words(automation: Automation) -> str:
    """When its mails may leave."""
    window = automation.window
    if window is None:
        return "At any hour"
    return f"From {window.opens:%H:%M} to {window.closes:%H:%M}, by their own clock"


def again_words(automation: Automation) -> str:
    """How often somebody may come in."""
    if automation.again_after is None:
        return "Once"
    return f"Again, {length_words(automation.again_after)} after the last time"


def _quoted(tags: tuple[str, ...]) -> str:
    named = [f"“{tag}”" for tag in tags]
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
