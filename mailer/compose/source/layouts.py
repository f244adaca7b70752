"""A layout's folder, templates/<name>/: its MJML file and the fields that template.toml declares for its messages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from mailer.diagnostics import Diagnostic, Place
from mailer.errors import MailerError
from mailer.toml_file import toml_of

LAYOUT_FILE, DEFINITION_FILE = "layout.mjml", "template.toml"
FIELD_TYPES = ("text", "markdown", "image", "url", "time")
FIELD_KEYS = ("type", "label", "required", "help")
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class LayoutField:
    """A key that messages of this layout may have. An image's value is a path beside the message, or an
    address; a time's is a day and time."""

    name: str
    type: str
    label: str
    required: bool = False
    help: str = ""


@dataclass(frozen=True, slots=True)
class TemplateDefinition:
    """What templates/<name>/template.toml says."""

    name: str
    title: str = ""  # as staff know it; "" makes one of the name
    description: str = ""
    fields: Mapping[str, LayoutField] = field(default_factory=dict[str, LayoutField])
    typographic_quotes: bool = False  # straight quotes in Markdown become those of the message's language
    known: bool = True  # False: there is no such layout, so nothing can be said about a message's keys

    @property
    def label(self) -> str:
        return self.title or self.name.replace("-", " ").capitalize()


def layout_names(root: Path) -> list[str]:
    """The layouts of the workspace at `root`, sorted."""
    return sorted(path.parent.name for path in (root / "templates").glob(f"*/{LAYOUT_FILE}"))


def read_layout(templates: Path, name: str) -> tuple[TemplateDefinition, list[Diagnostic]]:
    """The layout `name` of the folder `templates`, and what is wrong with its template.toml."""
    path = templates / name / DEFINITION_FILE
    return layout_of(path.read_bytes(), name) if path.is_file() else (TemplateDefinition(name), [])


def layout_of(content: bytes, name: str) -> tuple[TemplateDefinition, list[Diagnostic]]:
    """The same of what a layout's template.toml would hold."""
    place = Place(f"templates/{name}/{DEFINITION_FILE}")
    try:
        data = toml_of(content, place.file).data
    except MailerError as error:
        return TemplateDefinition(name), list(error.diagnostics)
    faults = [
        Diagnostic(f"unknown key {key!r}", place, "Known: title, description, typographic_quotes, [fields.<name>].")
        for key in sorted(set(data) - {"title", "description", "fields", "typographic_quotes"})
    ]
    tables: Any = data.get("fields", {})
    if not isinstance(tables, dict):
        faults.append(Diagnostic("fields must be tables", place, 'Write [fields.name] and below it type = "text".'))
        tables = {}
    fields: dict[str, LayoutField] = {}
    for key, table in cast(dict[str, Any], tables).items():
        wrong = list(_field_faults(key, table, place))
        faults += wrong
        if not wrong:
            label, required = str(table.get("label", key)), table.get("required", False)
            fields[key] = LayoutField(key, table.get("type", "text"), label, required, str(table.get("help", "")))
    quotes = data.get("typographic_quotes", False)
    if not isinstance(quotes, bool):
        faults.append(
            Diagnostic("typographic_quotes must be true or false", place, "Without quotes: typographic_quotes = true")
        )
    title, description = str(data.get("title", "")), str(data.get("description", ""))
    return TemplateDefinition(name, title, description, fields, typographic_quotes=quotes is True), faults


def _field_faults(name: str, table: Any, place: Place) -> Iterator[Diagnostic]:
    if not isinstance(table, dict):
        yield Diagnostic(f"field {name} must be a table", place, f"Write [fields.{name}].")
        return
    values = cast(dict[str, Any], table)
    kind = values.get("type", "text")
    if not NAME.fullmatch(name):
        yield Diagnostic(f"field name {name!r} must be small letters, digits and _", place)
    if kind not in FIELD_TYPES:
        yield Diagnostic(f"field {name}: unknown type {kind!r}", place, f"Choose one of: {', '.join(FIELD_TYPES)}.")
    for key in sorted(set(values) - set(FIELD_KEYS)):
        yield Diagnostic(f"field {name}: unknown key {key!r}", place, f"Known: {', '.join(FIELD_KEYS)}.")
    if not isinstance(values.get("required", False), bool):
        yield Diagnostic(f"field {name}: required must be true or false", place)
