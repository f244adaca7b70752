"""What a template is for and asks writers for, template.toml, as a form: as a text says it, or as it was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mailer.compose.source.layouts import FIELD_TYPES, NAME, LayoutField, layout_of
from mailer.editing.library.templates import check_new_field
from mailer.editing.toml_edit import TomlValue, read_values
from mailer.web.studio.core.context import Form

LONGEST = 500  # characters of one value
MOST_FIELDS = 60
KINDS = {
    "text": "A line of text",
    "markdown": "A text of several lines",
    "image": "A picture",
    "url": "A link",
    "time": "A day and time",
}
assert tuple(KINDS) == FIELD_TYPES

NOTHING = LayoutField("", "text", "")
ADDED: Mapping[str, Any] = {"label": "", "help": "", "required": False}  # what a field says before it is there
ADDING = "-."  # before the values of the new one, which no name of a field can be


@dataclass(frozen=True, slots=True)
class DefinitionForm:
    """What the form holds. `gone`: the fields that are to be taken out; `new`: the one that is to be added."""

    title: str
    description: str
    fields: Sequence[LayoutField]
    gone: frozenset[str] = frozenset()
    new: LayoutField = NOTHING

    def changes(self, name: str, base: str) -> dict[str, TomlValue]:
        """What must change in the file that says `base`, by dotted key. Raises `MailerError`."""
        before = said(name, base)
        known = {one.name: one for one in before.fields}
        found: dict[str, TomlValue] = {}
        for key, now, was in (("title", self.title, before.title),
                              ("description", self.description, before.description)):  # fmt: skip
            if now != was:
                found[key] = now or None
        for one in self.fields:
            if one.name in self.gone:
                found[f"fields.{one.name}"] = None
            else:  # one that isn't there is of an earlier version
                found |= _of_field(one, _values(known[one.name]) if one.name in known else ADDED)
        if self.new != NOTHING:
            check_new_field(name, self.new.name, read_values(base).get("fields", {}))
            found |= _of_field(self.new, ADDED)
        return found


def said(name: str, text: str) -> DefinitionForm:
    """The form of what a file says. Raises `MailerError` where it is no TOML."""
    read_values(text)
    layout, _ = layout_of(text.encode("utf-8"), name)
    return DefinitionForm(layout.title, layout.description, list(layout.fields.values()))


def sent(form: Form) -> DefinitionForm:
    """The form as it was sent."""
    names = [one for one in form.all("field")[:MOST_FIELDS] if NAME.fullmatch(one)]
    return DefinitionForm(
        form.get("title")[:LONGEST],
        form.get("description")[:LONGEST],
        [_sent_field(form, one, f"{one}.") for one in names],
        frozenset(form.all("gone")),
        _sent_field(form, form.get("new"), ADDING),
    )


def _sent_field(form: Form, name: str, prefix: str) -> LayoutField:
    kind, label, words = (form.get(f"{prefix}{key}")[:LONGEST] for key in ("type", "label", "help"))
    return LayoutField(name[:LONGEST], kind or "text", label, f"{prefix}required" in form, words)


def _values(one: LayoutField) -> Mapping[str, Any]:
    return {"type": one.type, "label": one.label, "required": one.required, "help": one.help}


def _of_field(one: LayoutField, before: Mapping[str, Any]) -> dict[str, TomlValue]:
    """What is another for a field than before; what says nothing is taken out."""
    return {
        f"fields.{one.name}.{key}": value or None for key, value in _values(one).items() if value != before.get(key)
    }
