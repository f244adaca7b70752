"""Runs every rule on a specimen, adds the compiler's faults, and applies the author's waivers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from mailer.checking.registry import Rule, looked_at_elsewhere, registered
from mailer.checking.rules import (
    accessibility,
    audience,
    compatibility,
    compliance,
    contrast,
    images,
    links,
    placeholders,
    plain_text,
    size,
    subject,
    wording,
)
from mailer.checking.specimen import Specimen
from mailer.compose.source.message_file import Source
from mailer.delivery.campaigns.edited import Edited
from mailer.diagnostics import Diagnostic, Level, worst_first
from mailer.errors import nearest
from mailer.store.tables.states import CampaignState

# docs/checks.md lists them in this order.
MODULES = (
    audience,
    size,
    accessibility,
    contrast,
    compatibility,
    links,
    subject,
    images,
    compliance,
    placeholders,
    plain_text,
    wording,
)

EDITED = "check.edited"

looked_at_elsewhere(
    "compose.fault", Level.ERROR, "the message, its audience, its list or its template can't be read", waivable=False,
    why="There is no mail to look at until it is fixed.",
)  # fmt: skip
looked_at_elsewhere(
    "compose.warning", Level.WARNING, "the compiler has a doubt, such as a name without a stand-in",
    why="It works as it is, and may not be what was meant.",
)  # fmt: skip
looked_at_elsewhere(
    "check.waiver", Level.ERROR, "a waiver names a rule that there isn't, or one that can't be waived", waivable=False,
    why="A rule that is waived by mistake would still apply, or not be checked, without anybody knowing.",
)  # fmt: skip
looked_at_elsewhere(
    EDITED, Level.WARNING, "the newsletter was edited after it was scheduled or launched", waivable=False,
    why="A message is frozen when it is scheduled, so that what goes out is what was checked: the older version.",
)  # fmt: skip
looked_at_elsewhere(
    "data.unreadable", Level.ERROR, "a source below `data:` can't be read", waivable=False,
    why="What the text takes from it would be missing from everybody's mail.",
)  # fmt: skip
looked_at_elsewhere(
    "data.nothing", Level.WARNING, "a source below `data:` has nothing to show",
    why="Where its entries would be, people see what is around them: a heading without news.",
)  # fmt: skip
looked_at_elsewhere(
    "data.when", Level.NOTE, "how much a source on the web holds, and when it was read",
    why="A site may have changed since. What is mailed is what was read then, the same for everybody.",
)  # fmt: skip
looked_at_elsewhere(
    "lists.fault", Level.ERROR, "the definition of a list can't be read", waivable=False,
    why="Nobody on it can be mailed.",
)  # fmt: skip
looked_at_elsewhere(
    "lists.addresses", Level.ERROR, "a file in lists/ is no definition and may hold people's addresses", waivable=False,
    why="What lies there goes into version control with the rest, and from there to everybody who has a copy.",
)  # fmt: skip


def rules() -> Mapping[str, Rule]:
    """Every rule there is, by id."""
    return registered()


def run(specimen: Specimen, faults: Iterable[Diagnostic] = ()) -> list[Diagnostic]:
    """What all rules find and the compiler's warnings, worst first; what is waived carries the reason."""
    found = [one.judges(each) for one in rules().values() if one.look is not None for each in one.look(specimen)]
    # What a rule looks at itself, in the mail as it leaves, is not said twice.
    holes = {one.place for one in found if one.rule in ("audience.greeting", "audience.empty")}
    told = [
        one
        for one in map(ruled, faults)
        if rules()[one.rule].look is None and not (one.rule == "writing.no-stand-in" and one.place in holes)
    ]
    return judged(specimen.source, [*told, *found])


def judged(source: Source, found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """What was found, with the message's waivers applied, and what is wrong with the waivers; worst first."""
    waivers = {name: reason for name, reason in source.waived.items() if name in rules() and rules()[name].waivable}
    waived = [replace(one, waived=waivers.get(one.rule, "")) for one in found]
    return worst_first([*waived, *_about_waivers(source)])


def ruled(fault: Diagnostic, *, otherwise: str = "") -> Diagnostic:
    """The fault under its own rule, `otherwise`, or compose.fault and compose.warning."""
    name = fault.rule or (otherwise or "compose.fault" if fault.stops else "compose.warning")
    # A warning of the compiler says only that it could go on. How grave that is says the rule.
    return replace(fault, rule=name, level=fault.level if fault.stops else rules()[name].level)


def why_of(rule: str) -> str:
    """Why `rule` matters. "" for what the compiler says of itself, which needs no reason beside it."""
    return "" if rule in ("compose.fault", "compose.warning") else rules()[rule].why


def of_edited(edited: Edited) -> Diagnostic:
    """That the files differ from what goes out."""
    remedy = "To stop the older version: mailer pause " + edited.slug
    if edited.state is CampaignState.SCHEDULED:
        remedy = f"To have the files as they are now mailed, schedule it again: mailer schedule {edited.slug} --at …"
    message = f"edited since it was {edited.word}: {edited.summary}"
    return Diagnostic(message, remedy=remedy, level=Level.WARNING, rule=EDITED)


def _about_waivers(source: Source) -> Iterable[Diagnostic]:
    for name in source.waived if "waive" in source.lines else ():  # a translation takes its original's, judged there
        known = rules().get(name)
        if known is None or not known.waivable:
            message = f"there is no rule {name!r}" if known is None else f"{name} can't be waived"
            remedy = nearest(name, list(rules())) if known is None else "Fix the problem it reports."
            yield Diagnostic(message, source.place(f"waive.{name}"), remedy, rule="check.waiver")
