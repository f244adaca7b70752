"""Parses and validates the signature form. Pure.

Whatever is typed is hostile until it has gone through here: cut short, on one line where one line is meant, and
without control characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol
from unicodedata import category, normalize

from mailer.audience.addresses import BadAddress, normalise
from mailer.audience.imports.meaning.values import country_code
from mailer.audience.names import holds_address
from mailer.audience.petition.signatures import Particulars
from mailer.audience.phone_numbers import BadNumber, phone_number
from mailer.compose.action_page.parse import ActionPage
from mailer.locale.language import Language, later, region_of, regions_of
from mailer.petition_fields.own import TICKED
from mailer.petition_fields.table import EMAIL, FIELDS, KEPT, KNOWN, OWN_ROWS, FieldKind, SignatureField

TRAP = "homepage"  # no person sees this field; programs that fill in everything do
NEWS, SHOWN = "news", "shown"
JOINERS = "\u200c\u200d"  # Persian and Indic scripts spell with them
BAD_NAME = later("Just your name here, please")
WRONG: Mapping[FieldKind, str] = {
    FieldKind.NAME: BAD_NAME,
    FieldKind.EMAIL: later("That email address doesn’t look right. Is there a typo?"),
    FieldKind.PHONE: later("That phone number doesn’t look right. Write it like +44 20 7946 0958."),
    FieldKind.COUNTRY: later("Choose a country from the list"),
    FieldKind.CHOICE: later("Choose one of these"),
}
MISSING: Mapping[FieldKind, str] = {  # of a page's own questions; those of the table have words of their own
    FieldKind.TEXT: later("Fill this in"),
    FieldKind.CHOICE: later("Choose one of these"),
    FieldKind.TICK: later("Tick this box to sign"),
}
EXACT = (FieldKind.EMAIL, FieldKind.PHONE, FieldKind.COUNTRY, FieldKind.CHOICE)
LONGEST_READ = 1000  # characters of what isn't cut to size
ELSEWHERE = "*"  # chosen in the short list of countries by those whose own isn't there
OTHER = ".other"  # after the key of a country: the field in which they write it
OWN = "own."  # before the key of a page's own question in the form, so that no other field has its name


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
    """One field that the form asks for."""

    field: SignatureField
    required: bool
    row: int

    @property
    def name(self) -> str:
        """Its name in the form."""
        return f"{OWN}{self.field.name}" if self.field.own else self.field.name

    @property
    def missing(self) -> str:
        """What is said when it is required and empty, in English."""
        return self.field.missing or MISSING[self.field.kind]


@dataclass(frozen=True, slots=True)
class ShownField:
    """One field as it is shown, in the words of the reader: all that a template needs of it."""

    key: str  # its name in the form
    kind: str  # FieldKind
    label: str
    language: str  # of the label and the choices, where that isn't the reader's
    required: bool
    choices: Sequence[tuple[str, str]]  # what is sent of each, and its words
    value: str
    error: str
    autocomplete: str
    longest: int  # characters


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it was filled in. `errors` says in the reader's language what is wrong with a field."""

    typed: Mapping[str, str]
    errors: Mapping[str, str]
    news: bool = False
    shown: bool | None = None  # None: not ticked, or not asked
    trapped: bool = False
    address: str = ""  # normalised
    near: Collection[str] = ()  # countries that somebody may be in, as their browser says: in the short list, too

    def who(self, page: ActionPage, visitor: KnownSigner | None) -> Particulars:
        """What the person signs with: what they typed, and what is known of the rest, if the page asks for it."""
        wanted = [field.name for field in KNOWN if field.always or field.name in page.fields]
        known = {name: getattr(visitor, name) for name in wanted} if visitor else {}
        typed = {field.name: self.typed[field.name] for field in KEPT if field.name in self.typed}
        own = {one.field.name: self.typed.get(f"{OWN}{one.field.name}", "") for one in page.own}
        said = {key: text for key, text in own.items() if text}
        agreed = bool(self.shown) and page.asks_to_show_comments
        return Particulars({**known, **typed}, shown=self.shown, own=said, comment_shown=agreed)


EMPTY = Filled({}, {})


def blank(accepted: str, *, guess: bool) -> Filled:
    """A form for somebody with this Accept-Language header; `guess`: with the country it names filled in."""
    return Filled({"country": region_of(accepted)} if guess else {}, {}, near=regions_of(accepted))


def asked(page: ActionPage, visitor: KnownSigner | None) -> list[FormField]:
    """The fields to show: all of them, or those that are not known of the visitor."""
    known: set[str] = set()
    if visitor and visitor.person_id is not None:
        known = {field.name for field in KNOWN if getattr(visitor, field.name)} | {EMAIL.name}
    table = [field for field in FIELDS if field.name not in known and (field.always or field.name in page.fields)]
    wanted = [FormField(field, page.fields.get(field.name, True), field.row) for field in table]
    wanted += [FormField(one.field, one.required, OWN_ROWS + place) for place, one in enumerate(page.own)]
    return sorted(wanted, key=lambda one: one.row)


def shown_rows(
    page: ActionPage, visitor: KnownSigner | None, filled: Filled, language: Language
) -> list[list[ShownField]]:
    """The fields to show, in the rows of the form."""
    return [
        [_shown(one, page, filled, language) for one in row]
        for _, row in groupby(asked(page, visitor), key=lambda one: one.row)
    ]


def _shown(one: FormField, page: ActionPage, filled: Filled, language: Language) -> ShownField:
    field = one.field
    value, error = filled.typed.get(one.name, ""), filled.errors.get(one.name, "")
    countries: Sequence[tuple[str, str]] = ()
    if field.kind is FieldKind.COUNTRY:  # all of them weigh as much as the rest of the page
        countries = language.countries() if error else language.likely_countries({value, *filled.near})
    return ShownField(
        key=one.name, kind=field.kind.value, label=field.label if field.own else language.say(field.label),
        language=page.language if field.own and page.language != language.code else "", required=one.required,
        choices=tuple(countries) or field.choices, value=value, error=error,
        autocomplete=field.autocomplete, longest=field.longest,
    )  # fmt: skip


def read(
    form: Mapping[str, tuple[str, ...]], page: ActionPage, visitor: KnownSigner | None, language: Language
) -> Filled:
    """What was filled in. A field that wasn't asked for is not looked at; one that may stay empty can come later."""
    typed: dict[str, str] = {}
    errors: dict[str, str] = {}
    for one in asked(page, visitor):
        name = one.name
        if not one.required and name not in form:
            continue
        text = (*form.get(name, ()), "")[0]
        if one.field.kind is FieldKind.COUNTRY and text in ("", ELSEWHERE):
            text = (*form.get(f"{name}{OTHER}", ()), "")[0]
        typed[name], wrong = _value(text, one, language)
        if wrong:
            errors[name] = language.say(wrong)
    address = typed.get(EMAIL.name, "") if EMAIL.name not in errors else ""
    trapped = any(text.strip() for text in form.get(TRAP, ()))
    return Filled(typed, errors, bool(form.get(NEWS)), True if form.get(SHOWN) else None, trapped, address)


def _value(text: str, one: FormField, language: Language) -> tuple[str, str]:
    """What a field holds now, and what is wrong with it, in English.

    Text is cut to size. A part of an address or a code may be another one, so these are refused when they are too long.
    """
    kind, longest = one.field.kind, one.field.longest
    value = clean(text, LONGEST_READ if kind in EXACT else longest, lines=kind is FieldKind.LINES)
    if not value:
        return "", one.missing if one.required else ""
    if kind is FieldKind.COUNTRY:
        code = country_code(value)
        return (code, "") if code in dict(language.countries()) else ("", WRONG[kind])
    read = _spelt(value, one.field) if len(value) <= longest else None
    return (value[:longest], WRONG[kind]) if read is None else (read, "")


def _spelt(value: str, field: SignatureField) -> str | None:
    """The value in its one spelling; None when it isn't what is asked for."""
    match field.kind:
        case FieldKind.NAME:
            return None if holds_address(value) else value
        case FieldKind.EMAIL:
            return _or_none(normalise, value)
        case FieldKind.PHONE:
            return _or_none(phone_number, value)
        case FieldKind.CHOICE:
            return next((kept for kept, _ in field.choices if clean(kept, LONGEST_READ) == value), None)
        case FieldKind.TICK:
            return TICKED
        case FieldKind.TEXT | FieldKind.LINES | FieldKind.COUNTRY:
            return value


def _or_none(spelt: Callable[[str], str], value: str) -> str | None:
    try:
        return spelt(value)
    except (BadAddress, BadNumber):
        return None


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
