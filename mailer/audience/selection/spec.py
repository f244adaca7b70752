"""A newsletter's audience as its author wrote it, as a value; how it is kept with a campaign.

`front_matter` reads it from the newsletter. `select` finds the people in the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from mailer.audience.consent.caps import NO_CAP
from mailer.experiments.cohorts import PlannedCohorts
from mailer.settings import Caps


@dataclass(frozen=True, slots=True)
class Audience:
    """People asked for, by the names of lists, and those left out."""

    include: tuple[str, ...]  # lists; a person on several gets one mail
    exclude: tuple[str, ...] = ()  # lists; subscribers of one of them are left out
    segment: str = ""  # an expression over people; "" is everyone
    not_mailed_within_hours: float = 0.0  # leave out people mailed within so many hours; 0 is nobody
    not_mailed_by: tuple[str, ...] = ()  # leave out people mailed by one of these campaigns, by slug
    limit: int | None = None  # at most this many people, drawn at random
    seed: int = 0  # of the draw: the same seed draws the same people
    urgent: bool = False  # so says the newsletter: it goes to those, too, who asked for fewer mails
    down_the_list: PlannedCohorts | None = None  # one group after the other, as far as it goes well
    # The workspace's, of the moment: it isn't what the newsletter asks for, so it makes no audience another one.
    cap: Caps = field(default=NO_CAP, compare=False)


def to_json(audience: Audience) -> dict[str, Any]:
    """The audience as JSON data; `from_json` is its inverse."""
    data = asdict(audience)
    del data["cap"]
    if audience.down_the_list is None:
        del data["down_the_list"]  # so that what was approved before there was such a thing is still the same
    return data


def with_cap(audience: Audience) -> dict[str, Any]:
    """The same, with the cap that it was decided by."""
    return to_json(audience) | ({"cap": asdict(audience.cap)} if audience.cap else {})


def from_json(data: Mapping[str, Any]) -> Audience:
    """The audience that `to_json` described."""
    values = dict(data)
    for name in ("include", "exclude", "not_mailed_by"):
        values[name] = tuple(values.get(name, ()))
    if plan := data.get("down_the_list"):
        values["down_the_list"] = replace(PlannedCohorts(**plan), days=tuple(plan["days"]))
    if cap := data.get("cap"):
        values["cap"] = Caps(**cap)
    return Audience(**values)
