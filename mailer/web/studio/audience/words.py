"""Conditions in words, as they follow “Only for”: people in the United Kingdom who signed “River letter”."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from mailer.audience.selection.rows import ConditionRow, RowGroup
from mailer.web.studio.audience.choices import THE, BuilderChoices
from mailer.web.studio.core.moments import WHOLE_MONTHS

JOINERS = {"all": " and ", "any": " or ", "none": " or ", "not_all": " and "}
ABOUT: Mapping[tuple[str, str], str] = {
    ("signed", "yes"): "who signed “{}”", ("signed", "no"): "who didn’t sign “{}”",
    ("signed_within", "yes"): "who signed something in the last {}",
    ("signed_within", "no"): "who signed nothing in the last {}",
    ("signed_times", "yes"): "who signed at least {}", ("signed_times", "no"): "who signed less often than {}",
    ("mailed", "yes"): "who were mailed “{}”", ("mailed", "no"): "who weren’t mailed “{}”",
    ("mailed_within", "yes"): "who had a mail from us in the last {}",
    ("mailed_within", "no"): "who had no mail from us in the last {}",
    ("clicked", "yes"): "who followed the link to sign in “{}”",
    ("clicked", "no"): "who didn’t follow the link to sign in “{}”",
    ("clicked_within", "yes"): "who followed a link in the last {}",
    ("clicked_within", "no"): "who followed no link in the last {}",
    ("joined_since", "yes"): "who joined on {} or later", ("joined_since", "no"): "who joined before {}",
    ("joined_within", "yes"): "who joined in the last {}", ("joined_within", "no"): "who joined longer ago than {}",
    ("subscribed", "yes"): "who are on the list {}", ("subscribed", "no"): "who aren’t on the list {}",
    ("tagged", "yes"): "who are tagged “{}”", ("tagged", "no"): "who aren’t tagged “{}”",
    ("segment", "yes"): "who are in the segment “{}”", ("segment", "no"): "who aren’t in the segment “{}”",
    ("wants", "yes"): "who want {}", ("wants", "no"): "who don’t want {}",
}  # fmt: skip
CHOSEN = {
    "signed": "pages", "mailed": "newsletters", "clicked": "newsletters", "subscribed": "lists", "wants": "frequencies",
    "signed_times": "times", "segment": "segments",
}  # fmt: skip
FIELDS: Mapping[str, str] = {
    "is": "whose {} is {}", "is_not": "whose {} isn’t {}", "one_of": "whose {} is {}", "none_of": "whose {} isn’t {}",
    "contains": "whose {} contains {}", "lacks": "whose {} doesn’t contain {}", "at_least": "whose {} is at least {}",
    "at_most": "whose {} is at most {}", "above": "whose {} is more than {}", "below": "whose {} is less than {}",
    "since": "whose {} is on or after {}", "until": "whose {} is on or before {}", "known": "whose {} is known",
    "unknown": "whose {} isn’t known",
}  # fmt: skip


def words_of(group: RowGroup, choices: BuilderChoices) -> str:
    """Who is meant; "" for everybody."""
    said = _joined(group, choices)
    return f"people {said}" if said else ""


def _joined(group: RowGroup, choices: BuilderChoices) -> str:
    parts = [part for part in (_said(item, choices) for item in group.items) if part]
    said = ""
    for part in parts:
        follows = said.startswith(("in ", "outside ")) and part.startswith("who") and JOINERS[group.mode] == " and "
        said = f"{said} {part}" if follows else f"{said}{JOINERS[group.mode]}{part}" if said else part
    return f"other than those {said}" if said and group.mode in ("none", "not_all") else said


def _said(item: ConditionRow | RowGroup, choices: BuilderChoices) -> str:
    if isinstance(item, RowGroup):
        said = _joined(item, choices)
        return f"({said})" if len(item.items) > 1 else said
    if item.is_question:
        value = choices.name(CHOSEN.get(item.subject, ""), item.values[0])
        return ABOUT[item.subject, item.comparison].format(_day(value) if item.subject == "joined_since" else value)
    not_ = item.comparison in ("is_not", "none_of")
    if item.comparison in ("is", "is_not", "one_of", "none_of") and item.subject in ("country", "language"):
        kind = "countries" if item.subject == "country" else "languages"
        names = [choices.name(kind, one) for one in item.values]
        if kind == "languages":
            return f"who {'don’t ' if not_ else ''}read {_either(names)}"
        names = [f"the {name}" if code in THE else name for code, name in zip(item.values, names, strict=True)]
        return f"{'outside' if not_ else 'in'} {_either(names)}"
    field = item.subject.replace("_", " ")
    return FIELDS[item.comparison].format(field, _either([f"“{one}”" for one in item.values]))


def _either(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _day(value: str) -> str:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return value
    return f"{day.day} {WHOLE_MONTHS[day.month - 1]} {day.year}"
