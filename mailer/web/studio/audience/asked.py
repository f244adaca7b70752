"""Who a newsletter asks for, as the room's form has it: from its front matter, from what was sent, and back again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from mailer.audience.selection.segment_sql import parse_segment
from mailer.compose.expressions.ast import ANYTHING
from mailer.compose.source.message_file import Source
from mailer.editing.splice import FrontValue
from mailer.errors import MailerError
from mailer.web.studio.audience.builder import (
    BuilderGroup,
    pressed,
    read_builder,
    rows_in,
    to_builder,
    to_expression,
    unfinished,
)
from mailer.web.studio.audience.subjects import RowSubject
from mailer.web.studio.core.context import Form

HOURS = (
    ("", "nobody"), ("24", "in the last 24 hours"), ("48", "in the last 2 days"), ("72", "in the last 3 days"),
    ("168", "in the last week"), ("336", "in the last 2 weeks"),
)  # fmt: skip
KEYS = ("include", "exclude", "segment", "not_mailed_within_hours", "not_mailed_by", "limit")
LONGEST_TEXT = 4000


@dataclass(frozen=True, slots=True)
class AudienceForm:
    """What the form holds. Without `conditions` they are the expression `text`; `limit` is as it was typed."""

    include: tuple[str, ...]
    exclude: tuple[str, ...]
    conditions: BuilderGroup | None
    text: str
    hours: str = ""
    not_mailed_by: tuple[str, ...] = ()
    limit: str = ""

    def expression(self, known: Mapping[str, RowSubject]) -> str:
        """The conditions as text, those that are finished; "" for everybody."""
        return self.text.strip() if self.conditions is None else to_expression(self.conditions, known)

    def is_unfinished(self, known: Mapping[str, RowSubject]) -> bool:
        """Whether a row says nothing yet."""
        return self.conditions is not None and any(unfinished(row, known) for row in rows_in(self.conditions))


def saved_form(source: Source, known: Mapping[str, RowSubject], *, fields: Collection[str]) -> AudienceForm:
    """What the newsletter says. What isn't in its place there is left out: reading it tells."""
    raw = source.audience
    segment = raw.get("segment")
    text = segment if isinstance(segment, str) else ""
    hours, limit = raw.get("not_mailed_within_hours"), raw.get("limit")
    return AudienceForm(
        _names(raw.get("include")) or ((source.list,) if source.list else ()), _names(raw.get("exclude")),
        to_builder(text, known, fields=fields), text, f"{hours:.15g}" if isinstance(hours, (int, float)) else "",
        _names(raw.get("not_mailed_by")), str(limit) if isinstance(limit, int) else "",
    )  # fmt: skip


def sent_form(form: Form, known: Mapping[str, RowSubject], *, fields: Collection[str]) -> AudienceForm:
    """What was sent, after the button that was pressed."""
    button = form.get("do")
    as_text = form.get("shown") == "text"
    text = form.text("text")[:LONGEST_TEXT]
    rows = None if as_text else read_builder(form, known)
    if rows is not None:
        rows = pressed(rows, button)
    if button == "as-text" and rows is not None:
        rows, text = None, to_expression(rows, known)
    elif button == "as-rows" and rows is None:
        rows = to_builder(text, known, fields=fields)
    return AudienceForm(
        _chosen(form, "include", button), _chosen(form, "exclude", button), rows, text, form.get("hours"),
        _chosen(form, "not_mailed_by", button), form.get("limit").replace(",", ""),
    )  # fmt: skip


def to_front_matter(asked: AudienceForm, saved: Source, known: Mapping[str, RowSubject]) -> dict[str, Any]:
    """The mapping `audience` that says this. What the form doesn't have stays, and what means the same as before stays
    as it was written. Raises `MailerError` for a limit that is no number."""
    raw = dict(saved.audience)
    before = saved_form(saved, known, fields=ANYTHING)
    own: dict[str, object] = {
        "include": list(asked.include) if asked.include != (saved.list,) or "include" in raw else None,
        "exclude": list(asked.exclude),
        "not_mailed_by": list(asked.not_mailed_by),
        "segment": asked.expression(known),
        "not_mailed_within_hours": _number(asked.hours, "hours"),
        "limit": _number(asked.limit, "the most people"),
    }
    if own["segment"] == before.expression(known) or _means(own["segment"], raw.get("segment")):
        own["segment"] = raw.get("segment")
    for key, value in own.items():
        if value in ("", [], None):
            raw.pop(key, None)
        elif not isinstance(value, list) or _names(raw.get(key)) != tuple(cast(list[str], value)):
            raw[key] = value
    return raw


def _means(one: object, other: object) -> bool:
    """Whether two expressions are the same but for blanks and brackets."""
    try:
        return parse_segment(str(one), fields=ANYTHING) == parse_segment(str(other), fields=ANYTHING)
    except MailerError:
        return False


def front_matter_changes(saved: Source, raw: Mapping[str, Any]) -> dict[str, FrontValue]:
    """What must be spliced into the file so that it says `raw`."""
    found: dict[str, FrontValue] = {}
    for key in KEYS:
        value = raw.get(key)
        if value != saved.audience.get(key):
            found[f"audience.{key}"] = tuple(cast(list[str], value)) if isinstance(value, list) else value
    return found


def _number(given: str, what: str) -> int | float | None:
    if not given:
        return None
    try:
        number = float(given)
        return int(number) if number == int(number) else number
    except (ValueError, OverflowError):  # nan and inf are floats
        raise MailerError(f"{what} must be a number, not “{given[:40]}”") from None


def _names(value: object) -> tuple[str, ...]:
    items = cast(list[object], value) if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(one for one in items if isinstance(one, str)))


def _chosen(form: Form, name: str, button: str) -> tuple[str, ...]:
    """The names of a row of chips: those there, with the one added, without the one whose × was pressed."""
    there: Sequence[str] = [*form.all(name), form.get(f"{name}.more")]
    return tuple(dict.fromkeys(one for one in there if one and button != f"{name}.drop.{one}"))
