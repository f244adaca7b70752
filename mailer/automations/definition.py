"""Reads `newsletters/<slug>/automation.toml`: what starts an automation, its steps, and the messages beside it.

Every fault is raised at once, each with its line and a remedy. What the file says of people, pages, tags and fields is
held against the database by `names`; what the messages say, by `mailer check`. Nothing below this layer needs the
definition: the workspace tells an automation's folder from a newsletter's by the file (`Newsletter.is_automation`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Any

from mailer.automations.flow import misguided
from mailer.automations.step_reading import read_steps
from mailer.automations.steps import AllowedHours, Automation, AutomationTrigger, TriggerKind, following
from mailer.automations.values import AutomationFile, hour_of
from mailer.compose.expressions.tagged import sound_tag
from mailer.compose.source.message_file import read_source
from mailer.diagnostics import Diagnostic, Place
from mailer.errors import MailerError, nearest, raise_errors
from mailer.toml_file import TomlFile, read_toml, toml_of
from mailer.workspace import ACTION_FILE, AUTOMATION_FILE, THANKS_FILE, Newsletter

KEYS = ("title", "list", "again_after", "goals", "trigger", "window", "steps")
AN_HOUR = 'Write an hour of the day as "09:00".'
MOST_DAYS = 3660
KINDS = tuple(kind.value for kind in TriggerKind)
TRIGGER_KEYS = (*KINDS, "days", "yearly")
EXAMPLE = 'For example: [trigger], and below it joined = "supporters".'


def read_automation(newsletter: Newsletter) -> Automation:
    """The automation in a newsletter's folder. Raises `MailerError` with every fault of its file, and where a message
    that it names isn't there, can't be read, or goes to another list."""
    file = newsletter.place(AUTOMATION_FILE)
    if not newsletter.is_automation:
        raise MailerError(f"{newsletter.slug} is a newsletter, and no automation", place=Place(file))
    return automation_of(read_toml(newsletter.folder / AUTOMATION_FILE, file), newsletter)


def messages_in_order(newsletter: Newsletter) -> list[str]:
    """The files of an automation's messages as its steps mail them, then those that none mails."""
    try:
        named = read_automation(newsletter).messages
    except MailerError:
        named = ()
    return list(dict.fromkeys([*named, *newsletter.messages()]))


def automation_from(text: str, newsletter: Newsletter) -> Automation:
    """What `read_automation` would find if the file held `text`."""
    return automation_of(toml_of(text.encode(), newsletter.place(AUTOMATION_FILE)), newsletter)


def automation_of(found: TomlFile, newsletter: Newsletter) -> Automation:
    """The automation as a file says it. Raises `MailerError` with all its faults."""
    file = AutomationFile(found, newsletter)
    automation = _automation(file)
    raise_errors(f"The automation {newsletter.slug} has faults:", file.faults)
    return automation


def _automation(file: AutomationFile) -> Automation:
    data = file.found.data
    for key in data:
        if key not in KEYS:
            file.fault(f"unknown key {key!r}", key, nearest(key, KEYS))
    title, to = (file.text(data, key, None, example) for key, example in (("title", "Welcome"), ("list", "supporters")))
    if to and to not in (known := file.newsletter.workspace.list_names()):
        file.fault(f"unknown list {to!r}", "list", nearest(to, known))
    again = data.get("again_after")
    automation = Automation(
        file.newsletter.slug, title, to, _trigger(file),
        again_after=None if again is None else file.length(again, "again_after"),
        goals=file.texts(data["goals"], "goals") if data.get("goals") not in (None, []) else (),
        window=_window(file) if "window" in data else None,
        steps=read_steps(file),
    )  # fmt: skip
    steps = automation.steps
    if {to for step in steps for to in following(step) if to} <= {step.name for step in steps}:  # else that is told
        for name, message, remedy in misguided(steps):
            file.fault(message, "", remedy, section=f"steps.{name}")
    _look_at_messages(file, automation)
    return automation


def _trigger(file: AutomationFile) -> AutomationTrigger:
    said = file.table("trigger", EXAMPLE)
    for key in said:
        if key not in TRIGGER_KEYS:
            file.fault(f"unknown key {key!r}", key, nearest(key, TRIGGER_KEYS), section="trigger")
    named = [kind for kind in TriggerKind if kind.value in said]
    if len(named) != 1:
        if isinstance(file.found.data.get("trigger"), dict):
            which = "nothing starts it" if not named else f"{named[0]} and {named[1]} both start it"
            file.fault(which, "trigger", f"Name one of: {', '.join(KINDS)}. {EXAMPLE}")
        return AutomationTrigger(TriggerKind.JOINED)
    (kind,) = named
    days, yearly = _offset(file, kind, said), _yearly(file, kind, said)
    if kind is TriggerKind.SILENT:
        length = file.length(said["silent"], "silent", "trigger")
        if length.days < 1:
            file.fault("silent must be a day or more", "silent", 'silent = "180 days"', section="trigger")
        return AutomationTrigger(kind, days=length.days)
    subject = file.text(said, kind.value, "trigger")
    if kind is TriggerKind.JOINED and subject and subject not in (known := file.newsletter.workspace.list_names()):
        file.fault(f"there is no list {subject!r}", kind.value, nearest(subject, known), section="trigger")
    if kind is TriggerKind.TAGGED and subject and not sound_tag(subject):
        file.fault(f"{subject!r} can't be a tag", kind.value, "Write one tag, without commas.", section="trigger")
    return AutomationTrigger(kind, subject, days, yearly)


def _offset(file: AutomationFile, kind: TriggerKind, said: Mapping[str, Any]) -> int:
    days = said.get("days", 0)
    if "days" in said and kind is not TriggerKind.DATE:
        remedy = "Take the line out, and begin with a step that waits."
        file.fault("days has a meaning only beside date", "days", remedy, section="trigger")
    elif not isinstance(days, int) or isinstance(days, bool) or abs(days) > MOST_DAYS:
        remedy = "For a week before that day: days = -7"
        file.fault(f"days must be a whole number of at most {MOST_DAYS}", "days", remedy, section="trigger")
    else:
        return days
    return 0


def _yearly(file: AutomationFile, kind: TriggerKind, said: Mapping[str, Any]) -> bool:
    yearly = said.get("yearly", False)
    if not isinstance(yearly, bool):
        file.fault("yearly must be true or false", "yearly", "yearly = true", section="trigger")
    elif yearly and kind is not TriggerKind.DATE:
        file.fault("yearly has a meaning only beside date", "yearly", "Take the line out.", section="trigger")
    return yearly is True


def _window(file: AutomationFile) -> AllowedHours:
    said, hours = file.table("window", 'Below [window] write from = "09:00" and until = "20:00".'), list[time]()
    for key in said:
        if key not in ("from", "until"):
            file.fault(f"unknown key {key!r}", key, nearest(key, ("from", "until")), section="window")
    for key, example in (("from", "09:00"), ("until", "20:00")):
        written = file.text(said, key, "window", example)
        if (found := hour_of(written)) is not None:
            hours.append(found)
        elif written:
            file.fault(f"{key} must be an hour of the day", key, AN_HOUR, section="window")
    opens, closes = hours if len(hours) == 2 else (time(), time(12))
    if opens == closes:
        file.fault("the window never opens", "until", 'For example: from = "09:00", until = "20:00"', section="window")
    return AllowedHours(opens, closes)


def _look_at_messages(file: AutomationFile, automation: Automation) -> None:
    """What the automation settles, and its messages can't: the list, who gets them, and the archive; and what has no
    place in its folder."""

    def fault(message: str, place: Place, remedy: str) -> None:
        file.faults.append(Diagnostic(message, place, remedy))

    newsletter, to = file.newsletter, automation.list
    for name in filter(None, automation.messages):
        try:
            source = read_source(newsletter, name)
        except MailerError as error:
            file.faults += error.diagnostics
            continue
        if to and source.list and source.list != to:
            said = f"{name} goes to {source.list}, and the automation to {to}"
            fault(said, source.place("list"), f"Write list: {to}, as {AUTOMATION_FILE} says.")
        if source.audience:
            remedy = "Take it out: a step with if says who goes which way."
            fault("the message of an automation has no audience of its own", source.place("audience"), remedy)
        if source.is_public:
            fault("the message of an automation can't be in the archive", source.place("archive"), "Take the line out.")
    for name, what in ((ACTION_FILE, "sign page"), (THANKS_FILE, "mail of thanks")):
        if (newsletter.folder / name).is_file():
            remedy = "Move it into the folder of a newsletter, and lead to its page from here."
            fault(f"an automation has no {what} of its own", Place(newsletter.place(name)), remedy)
