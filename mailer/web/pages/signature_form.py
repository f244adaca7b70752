"""Parses and validates the signature form. Pure.

Whatever is typed is hostile until it has gone through here: cut short, on one line where one line is meant, and
without control characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol
from unicodedata import category, normalize

from mailer.audience.addresses import BadAddress, normalise
from mailer.audience.names import holds_address
from mailer.audience.petition.signatures import Particulars
from mailer.audience.phone_numbers import BadNumber, phone_number
from mailer.compose.action_page.parse import ActionPage
from mailer.locale.language import Language, later
from mailer.petition_fields.table import EMAIL, FIELDS, KEPT, KNOWN, FieldKind, SignatureField

TRAP = "homepage"  # no person sees this field; programs that fill in everything do
NEWS, SHOWN = "news", "shown"
JOINERS = "\u200c\u200d"  # Persian and Indic scripts spell with them
BAD_NAME = later("Please write just your name.")
WRONG: Mapping[FieldKind, str] = {
    FieldKind.NAME: BAD_NAME,
    FieldKind.EMAIL: later("This is not an email address that can be mailed. Please look at it once more."),
    FieldKind.PHONE: later("This is not a phone number we can call. Please write it like +44 20 7946 0958."),
    FieldKind.COUNTRY: later("Please choose a country from the list."),
}
EXACT = (FieldKind.EMAIL, FieldKind.PHONE, FieldKind.COUNTRY)
LONGEST_READ = 1000  # characters of what isn't cut to size
INPUTS: Mapping[FieldKind, str] = {  # the others are one line of text
    FieldKind.EMAIL: "email",
    FieldKind.PHONE: "tel",
    FieldKind.COUNTRY: "select",
    FieldKind.LINES: "textarea",
}


class KnownSigner(Protocol):
    """Somebody who came by a link of their mail; `person_id` is None when it was a proof that is merged for nobody."""

    @property
    def person_id(self) -> int | None: ...

    @property
    def first_name(self) -> str: ...

    @property
    def last_name(self) -> str: ...

    @property
    def country(self) -> str: ...


@dataclass(frozen=True, slots=True)
class FormField:
    """One field that the form shows."""

    field: SignatureField
    required: bool

    @property
    def input(self) -> str:
        """How it is typed: a type of HTML's `input`, or the element `select` or `textarea`."""
        return INPUTS.get(self.field.kind, "text")


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it was filled in. `errors` says in the reader's language what is wrong with a field."""

    typed: Mapping[str, str]
    errors: Mapping[str, str]
    news: bool = False
    shown: bool = False
    trapped: bool = False
    address: str = ""  # normalised

    def who(self, page: ActionPage, visitor: KnownSigner | None) -> Particulars:
        """What the person signs with: what they typed, and what is known of the rest, if the page asks for it."""
        wanted = [field.name for field in KNOWN if field.always or field.name in page.fields]
        known = {name: getattr(visitor, name) for name in wanted} if visitor else {}
        typed = {field.name: self.typed[field.name] for field in KEPT if field.name in self.typed}
        return Particulars({**known, **typed}, shown=self.shown)


EMPTY = Filled({}, {})


def asked(page: ActionPage, visitor: KnownSigner | None) -> list[FormField]:
    """The fields to show: all of them, or those that are not known of the visitor."""
    known: set[str] = set()
    if visitor and visitor.person_id is not None:
        known = {field.name for field in KNOWN if getattr(visitor, field.name)} | {EMAIL.name}
    wanted = [field for field in FIELDS if field.always or field.name in page.fields]
    return [FormField(field, page.fields.get(field.name, True)) for field in wanted if field.name not in known]


def rows(fields: Iterable[FormField]) -> list[list[FormField]]:
    """The fields in the rows of the form."""
    return [list(row) for _, row in groupby(fields, key=lambda one: one.field.row)]


def read(
    form: Mapping[str, tuple[str, ...]], page: ActionPage, visitor: KnownSigner | None, language: Language
) -> Filled:
    """What was filled in. A field that wasn't asked for is not looked at."""
    typed: dict[str, str] = {}
    errors: dict[str, str] = {}
    for one in asked(page, visitor):
        name = one.field.name
        typed[name], wrong = _value((*form.get(name, ()), "")[0], one, language)
        if wrong:
            errors[name] = language.say(wrong)
    address = typed.get(EMAIL.name, "") if EMAIL.name not in errors else ""
    trapped = any(text.strip() for text in form.get(TRAP, ()))
    return Filled(typed, errors, bool(form.get(NEWS)), bool(form.get(SHOWN)), trapped, address)


def _value(text: str, one: FormField, language: Language) -> tuple[str, str]:
    """What a field holds now, and what is wrong with it, in English.

    Text is cut to size. A part of an address or a code may be another one, so these are refused when they are too long.
    """
    kind, longest = one.field.kind, one.field.longest
    value = clean(text, LONGEST_READ if kind in EXACT else longest, lines=kind is FieldKind.LINES)
    if not value:
        return "", one.field.missing if one.required else ""
    read = _spelt(value, kind, language) if len(value) <= longest else None
    return (value[:longest], WRONG[kind]) if read is None else (read, "")


def _spelt(value: str, kind: FieldKind, language: Language) -> str | None:
    """The value in its one spelling; None when it isn't what is asked for."""
    match kind:
        case FieldKind.NAME:
            return None if holds_address(value) else value
        case FieldKind.EMAIL:
            try:
                return normalise(value)
            except BadAddress:
                return None
        case FieldKind.PHONE:
            try:
                return phone_number(value)
            except BadNumber:
                return None
        case FieldKind.COUNTRY:
            code = value.upper()
            return code if code in dict(language.countries()) else None
        case FieldKind.TEXT | FieldKind.LINES:
            return value


def clean(text: str, longest: int, *, lines: bool = False) -> str:
    """Text fit to be kept: composed (NFC), without control and format characters, spaces single, cut to size."""
    text = normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    kept = "".join(
        c if c in JOINERS or (lines and c == "\n") else " " if c.isspace() else c
        for c in text
        if c.isspace() or c in JOINERS or category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )
    rows = [" ".join(row.split()) for row in kept.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(rows)).strip()[:longest].strip()
