"""The rule of a series as a form: how it shows what the file says, and what of it was changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from mailer.compose.source.message_file import source_of
from mailer.compose.source.written import Source
from mailer.delivery.schedule.local_times import DAYS
from mailer.delivery.schedule.recurring import PLACES, SeriesRule
from mailer.delivery.schedule.series_keys import KEYS, read_series
from mailer.diagnostics import Diagnostic
from mailer.editing.save import Edit
from mailer.editing.splice import FrontValue, head_end
from mailer.web.studio.core.context import Form

WEEK, PLACE, MONTH, WRITTEN = "week", "place", "month", "written"
LABELS = {
    "every": "The days", "at": "The time", "zone": "The time zone", "start": "The first day", "end": "The last day",
    "late": "How much later", "ahead": "How long before", "approval": "The approval",
}  # fmt: skip
ORDINALS = [(str(number), f"{name} {{}}".format("").strip()) for number, name in PLACES.items()]


@dataclass(frozen=True, slots=True)
class RuleForm:
    """What the form shows. `how` is week, place, month, or written: days that only the file can say."""

    how: str
    weekdays: frozenset[int]
    place: tuple[int, int]  # which, and which weekday
    days: str
    written: str
    values: Mapping[str, str]  # the other keys, as texts
    seen: str  # all as the file says it, so that nobody's change is lost

    @property
    def every(self) -> str:
        """The days as the file says them."""
        if self.how == WEEK:
            names = [DAYS[one] for one in sorted(self.weekdays)]
            return "day" if len(names) == len(DAYS) else ", ".join(names)
        if self.how == PLACE:
            return f"{PLACES[self.place[0]]} {DAYS[self.place[1]]}"
        return self.days if self.how == MONTH else self.written


def form_of(raw: Mapping[str, Any], rule: SeriesRule | None, *, zone: str) -> RuleForm:
    """The form of what a file says. `zone`: the workspace's, which holds where none is named."""
    written = _text(raw.get("every", ""))
    values = {key: _text(raw.get(key, "")) for key in KEYS if key != "every"}
    if rule is not None:
        values["at"] = f"{rule.at:%H:%M}"  # YAML reads 10:30 without quotes as a number
    values = {**values, "at": values["at"] or "09:00", "zone": values["zone"] or zone}
    how, weekdays, place, days = _kind(rule) if raw else WEEK, frozenset[int](), (1, 0), "1"
    if rule is not None:
        weekdays = rule.weekdays
        place = next(iter(sorted(rule.places)), place)
        days = ", ".join("last day" if one == 31 else str(one) for one in sorted(rule.days)) or days
    return RuleForm(how, weekdays, place, days, written, values, json.dumps(raw, default=str, sort_keys=True))


def form_sent(form: Form) -> RuleForm:
    """What was typed."""
    weekdays = frozenset(int(one) for one in form.all("weekday") if one in map(str, range(len(DAYS))))
    place, day = form.get("place"), form.get("place-day")
    chosen = (
        int(place) if place in map(str, PLACES) else 1,
        int(day) if day in map(str, range(len(DAYS))) else 0,
    )
    values = {key: form.get(key) for key in KEYS if key != "every"}
    how = form.get("how")
    return RuleForm(
        how if how in (WEEK, PLACE, MONTH, WRITTEN) else WEEK, weekdays, chosen, form.get("days"),
        form.get("written"), values, form.text("seen"),
    )  # fmt: skip


def edit_of(base: str, raw: Mapping[str, Any], before: RuleForm, sent: RuleForm) -> Edit:
    """The edit of the file `base` that says what was typed; what wasn't changed stays as it is written."""
    changes: dict[str, FrontValue] = {}
    if sent.every != before.every or not raw:
        items = tuple(one.strip() for one in sent.every.split(",") if one.strip())
        changes["series.every"] = items if isinstance(raw.get("every"), list) else ", ".join(items)
    for key, value in sent.values.items():
        if value != before.values[key] or (key in ("at", "zone") and key not in raw):
            changes[f"series.{key}"] = value
    return Edit(base, base[head_end(base) :], changes)


def faults_of(text: str, source: Source) -> Mapping[str, str]:
    """What is wrong with the rule of a file that isn't saved yet, by its key, in words."""
    changed = source_of(text, source.newsletter)
    _, faults = read_series(changed, zone=source.newsletter.workspace.settings.zone)
    found: dict[str, str] = {}
    for fault in [one for one in (*changed.faults, *faults) if one.message.startswith("series")]:
        key = fault.message.removeprefix("series").lstrip(".").split(" ")[0].rstrip(":")
        found.setdefault(key if key in LABELS else "every", _words(fault, key))
    return found


def _words(fault: Diagnostic, key: str) -> str:
    return f"{fault.message.replace(f'series.{key}', LABELS.get(key, 'The rule'), 1)}. {fault.remedy}"


def _kind(rule: SeriesRule | None) -> str:
    """How the form can show the days of a rule."""
    if rule is None:
        return WRITTEN
    told = {WEEK: bool(rule.weekdays), PLACE: bool(rule.places), MONTH: bool(rule.days)}
    kinds = [name for name, there in told.items() if there]
    return WRITTEN if len(kinds) != 1 or len(rule.places) > 1 else kinds[0]


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, cast("Sequence[object]", value)))
    return "" if value is None else str(value)
