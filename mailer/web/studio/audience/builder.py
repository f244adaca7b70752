"""The builder's rows while somebody works on them: read from a form, changed by a button, unfinished ones among them.

`selection.rows` has the rows that say something; these also have those that don't yet.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import cast

from mailer.audience.selection.questions import QUESTIONS, is_sound
from mailer.audience.selection.rows import ConditionRow, Mode, RowGroup, is_number, to_rows, to_text
from mailer.audience.selection.segment_sql import parse_segment
from mailer.errors import MailerError
from mailer.web.studio.audience.subjects import RowSubject, ValueKind, subject_and_way
from mailer.web.studio.core.context import Form

MODES: Mapping[Mode, str] = {
    "all": "all of these", "any": "any of these", "none": "none of these", "not_all": "not all of these",
}  # fmt: skip
FIELD = re.compile(r"(mode|what|how|value)((?:\.[0-9]{1,3}){0,2})", re.ASCII)
MOST_ROWS = 100
LONGEST_VALUE = 300  # characters
NOT_YET = "This condition isn’t finished. Fill it in, or take it out."


@dataclass(frozen=True, slots=True)
class BuilderRow:
    """One row as it is on the page: keys of a subject and of its way, "" while nothing is chosen."""

    what: str = ""
    how: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BuilderGroup:
    """Rows and groups of rows with what joins them. The outermost is one, too."""

    mode: Mode = "all"
    items: tuple[BuilderRow | BuilderGroup, ...] = ()


def to_builder(expression: str, known: Mapping[str, RowSubject], *, fields: Collection[str]) -> BuilderGroup | None:
    """The rows that show an expression; None when none do, also when it can't be read."""
    if not expression.strip():
        return BuilderGroup()
    try:
        group = to_rows(parse_segment(expression, fields=fields))
    except MailerError:
        return None
    return _shown(group, known) if group else None


def to_row_group(group: BuilderGroup, known: Mapping[str, RowSubject]) -> RowGroup:
    """What its finished rows say; groups without any are left out."""
    items: list[ConditionRow | RowGroup] = []
    for item in group.items:
        if isinstance(item, BuilderGroup):
            inner = to_row_group(item, known)
            items += [inner] if inner.items else []
        elif not unfinished(item, known):
            items.append(known[item.what].row(item.how, item.values))
    return RowGroup(group.mode, tuple(items))


def to_expression(group: BuilderGroup, known: Mapping[str, RowSubject]) -> str:
    """The expression that its finished rows write; "" for none."""
    return to_text(to_row_group(group, known))


def rows_in(group: BuilderGroup) -> Iterator[BuilderRow]:
    """Every row, those of inner groups too."""
    for item in group.items:
        if isinstance(item, BuilderGroup):
            yield from rows_in(item)
        else:
            yield item


def unfinished(row: BuilderRow, known: Mapping[str, RowSubject]) -> str:
    """Why a row says nothing yet, in words; "" when it does."""
    subject = known.get(row.what)
    if subject is None or row.how not in subject.ways:
        return NOT_YET
    way = subject.ways[row.how]
    if way.value is ValueKind.NONE:
        return ""
    if not row.values or not all(row.values):
        return NOT_YET
    if way.value is ValueKind.NUMBER and not is_number(row.values[0]):
        return "This must be a number, such as 12 or 1.5."
    if subject.is_question and not is_sound(QUESTIONS[way.name], row.values[0]):
        return "This can’t be asked. Choose another."
    return ""


def read_builder(form: Form, known: Mapping[str, RowSubject]) -> BuilderGroup:
    """The rows that a form sent, made sound: a way that the subject has, and values that fit it."""
    places: dict[tuple[int, ...], dict[str, list[str]]] = {}
    for name in form.values():
        found = FIELD.fullmatch(name)
        if found:
            place = tuple(int(part) for part in found[2].split(".")[1:])
            places.setdefault(place, {})[found[1]] = form.all(name)
    items: list[BuilderRow | BuilderGroup] = []
    for place, fields in sorted(places.items()):
        if len(place) == 1 and "mode" in fields:
            inner = [_row(one, known) for at, one in sorted(places.items()) if len(at) == 2 and at[:1] == place]
            items.append(BuilderGroup(_mode(fields), tuple(inner[:MOST_ROWS])))
        elif len(place) == 1:
            items.append(_row(fields, known))
    return BuilderGroup(_mode(places.get((), {})), tuple(items[:MOST_ROWS]))


def pressed(group: BuilderGroup, button: str) -> BuilderGroup:
    """The rows after one of their buttons: add, add.2 (into the third item), group, drop.1, drop.2.0."""
    verb, _, where = button.partition(".")
    place = [int(part) for part in where.split(".") if part.isascii() and part.isdecimal()]
    if verb == "group":
        mode: Mode = "all" if group.mode == "any" else "any"
        return replace(group, items=(*group.items, BuilderGroup(mode, (BuilderRow(),))))
    if verb == "add" and not place:
        return replace(group, items=(*group.items, BuilderRow()))
    if verb in ("add", "drop") and place and place[0] < len(group.items):
        chosen = group.items[place[0]]
        items = list(group.items)
        if verb == "drop" and len(place) == 1:
            del items[place[0]]
        elif isinstance(chosen, BuilderGroup):
            inner = (*chosen.items, BuilderRow())
            if verb == "drop":
                inner = (*chosen.items[: place[1]], *chosen.items[place[1] + 1 :])
            items[place[0]] = replace(chosen, items=inner)
        return replace(group, items=tuple(items))
    return group


def _mode(fields: Mapping[str, list[str]]) -> Mode:
    sent = fields.get("mode", [""])[0]
    return cast(Mode, sent) if sent in MODES else "all"


def _row(fields: Mapping[str, list[str]], known: Mapping[str, RowSubject]) -> BuilderRow:
    subject = known.get(fields.get("what", [""])[0])
    if subject is None:
        return BuilderRow()
    how = fields.get("how", [""])[0]
    how = how if how in subject.ways else next(iter(subject.ways))
    kind = subject.ways[how].value
    given = [one.strip()[:LONGEST_VALUE] for one in fields.get("value", [])]
    if kind is ValueKind.TEXTS:
        given = [one.strip() for text in given for one in text.split(",")]
    values = [] if kind is ValueKind.NONE else list(dict.fromkeys(one for one in given if one))
    if kind not in (ValueKind.TEXTS, ValueKind.PICKS):
        values = values[:1]
    return BuilderRow(subject.key, how, tuple(values))


def _shown(group: RowGroup, known: Mapping[str, RowSubject]) -> BuilderGroup | None:
    items: list[BuilderRow | BuilderGroup] = []
    for item in group.items:
        shown = _shown(item, known) if isinstance(item, RowGroup) else _shown_row(item, known)
        if shown is None:
            return None
        items.append(shown)
    return BuilderGroup(group.mode, tuple(items))


def _shown_row(row: ConditionRow, known: Mapping[str, RowSubject]) -> BuilderRow | None:
    found = subject_and_way(row, known)
    if found is None:
        return None
    subject, how = found
    shown = BuilderRow(subject.key, how, row.values)
    several = subject.ways[how].value is ValueKind.TEXTS
    if any(value != value.strip() or (several and "," in value) or len(value) > LONGEST_VALUE for value in row.values):
        return None
    return shown if not unfinished(shown, known) else None
