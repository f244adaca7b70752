"""One person's ways through automations, as lines of their story."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from mailer.automations.control.figures import EntryTold, automation_states, way_of
from mailer.store.tables.states import EntryState, WhyLeft
from mailer.web.studio.core.context import Visit
from mailer.web.studio.newsletters.shelf import shelf_of
from mailer.web.studio.people.story import ShownMoment, line

LEFT: Mapping[str, str] = {
    WhyLeft.UNSUBSCRIBED: "They left the list", WhyLeft.SUPPRESSED: "They can’t be mailed any more",
    WhyLeft.SIGNED: "They signed", WhyLeft.REPLIED: "They replied", WhyLeft.STAFF: "Taken out by staff",
    WhyLeft.STOPPED: "It was stopped",
}  # fmt: skip


def automation_names(visit: Visit, slugs: Iterable[str]) -> dict[str, str]:
    """What staff call automations, by slug; the slug itself for one whose folder is gone."""
    there = set(visit.workspace.automations())
    shelf = shelf_of(visit.studio)
    return {slug: shelf.newsletter(visit.workspace, slug).name if slug in there else slug for slug in slugs}


def step_names(mails: Iterable[str], automations: Mapping[str, str]) -> dict[str, str]:
    """What to call the mails of steps, by the slugs that the ledger has for them: welcome.1.hello."""
    found: dict[str, str] = {}
    for mail in mails:
        slug, _, rest = mail.partition(".")
        if slug in automations and rest:
            step = rest.partition(".")[2].replace("-", " ")
            found[mail] = f"{automations[slug]}: {step[:1].upper()}{step[1:]}"
    return found


def automation_story(connection: Connection, person_id: int, names: Mapping[str, str]) -> list[ShownMoment]:
    """When they came into each automation, where they are, and how they left. `names`: of all there are."""
    return [
        moment for slug, name in names.items() for entry in way_of(connection, slug, person_id)
        for moment in _told(entry, name)
    ]  # fmt: skip


def started_automations(connection: Connection) -> list[str]:
    """The slugs of all automations that were ever started."""
    return sorted(automation_states(connection))


def _told(entry: EntryTold, name: str) -> Iterable[ShownMoment]:
    inside = entry.state is EntryState.INSIDE
    at = entry.step.replace("-", " ")
    yield line(entry.entered_at, "automation", f"Came into “{name}”", f"Now at “{at}”" if inside and at else "")
    if entry.state is EntryState.ENDED:
        yield line(entry.changed_at, "automation", f"Came to the end of “{name}”", "")
    elif not inside:
        yield line(entry.changed_at, "automation", f"Left “{name}”", LEFT.get(entry.reason, entry.reason))
