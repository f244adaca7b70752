"""A page's own questions: what action.md may declare beside the table, and how an answer is kept.

An answer is kept with the signature under the question's key, as text: what was typed, the key of the choice, or "yes".
It is personal, as all that is kept of a signature; those who are petitioned get it only where the declaration says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mailer.petition_fields.table import FIELDS, FieldKind, SignatureField

OWN_KINDS = (FieldKind.TEXT, FieldKind.CHOICE, FieldKind.TICK)
OWN_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
TICKED = "yes"
MOST_QUESTIONS = 12  # each one asked costs signatures
MOST_CHOICES = 60  # of one question: the page stays small
LONGEST_LABEL = 160  # characters
LONGEST_CHOICE = 80
LONGEST_ANSWER = 200
# Names that columns of files, keys of the webhook and other parts of the form have.
RESERVED = frozenset({"name", "number", "date", "statement", "news", "shown", "own", *(field.name for field in FIELDS)})


@dataclass(frozen=True, slots=True)
class OwnField:
    """One question of a page, as a field like those of the table."""

    field: SignatureField
    required: bool


def own_field(
    key: str, *, label: str, kind: FieldKind, required: bool = False, choices: Mapping[str, str] | None = None,
    passed_on: bool = False,
) -> OwnField:  # fmt: skip
    """A question. `choices`: what is kept of each → its words; `passed_on`: those addressed get the answers too."""
    field = SignatureField(
        name=key, kind=kind, label=label, missing="", longest=LONGEST_ANSWER, row=0, contact=not passed_on, own=True,
        choices=tuple((choices or {}).items()),
    )  # fmt: skip
    return OwnField(field, required)


def answers(said: Mapping[str, str], fields: Iterable[SignatureField]) -> list[tuple[str, str]]:
    """The questions of a page with what somebody answered, in the words they read, in the order of the page; answers to
    questions that it doesn't ask any more come last, under their key."""
    asked = {field.name: field for field in fields}
    known = [(field.label, in_words(said.get(field.name, ""), field)) for field in asked.values()]
    return known + [(key, text) for key, text in sorted(said.items()) if key not in asked]


def in_words(text: str, field: SignatureField) -> str:
    """An answer as it is read: the words of the choice, as long as the question has it."""
    return dict(field.choices).get(text, text)
