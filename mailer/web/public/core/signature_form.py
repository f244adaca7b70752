"""Parses and validates the signature form. Pure.

Whatever is typed is hostile until it has gone through here: cut short, on one line where one line is meant, and
without control characters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from unicodedata import category, normalize

from mailer.audience.addresses import BadAddress, normalise
from mailer.audience.names import holds_address
from mailer.audience.petition.signatures import Particulars
from mailer.compose.action_page.parse import ActionPage
from mailer.i18n import Language, later
from mailer.web.public.http.visitors import Visitor

TRAP = "homepage"  # no person sees this field; programs that fill in everything do
NEWS, SHOWN = "news", "shown"
LONGEST: Mapping[str, int] = {"first_name": 80, "last_name": 80, "email": 254, "postcode": 16, "comment": 1000}
JOINERS = "\u200c\u200d"  # Persian and Indic scripts spell with them
MISSING = {
    "first_name": later("Please write your first name."),
    "last_name": later("Please write your last name."),
    "email": later("Please write your email address."),
    "country": later("Please choose your country."),
    "postcode": later("Please write your postcode."),
    "comment": later("Please write a few words."),
}
BAD_EMAIL = later("This is not an email address that can be mailed. Please look at it once more.")
BAD_NAME = later("Please write just your name.")
BAD_COUNTRY = later("Please choose a country from the list.")


@dataclass(frozen=True, slots=True)
class FormField:
    """One field that the form shows. `kind`: text, email, country or comment."""

    name: str
    kind: str
    required: bool
    longest: int


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it was filled in. `errors` says in the reader's language what is wrong with a field."""

    typed: Mapping[str, str]
    errors: Mapping[str, str]
    news: bool = False
    shown: bool = False
    trapped: bool = False
    address: str = ""  # normalised

    def who(self, page: ActionPage, visitor: Visitor | None) -> Particulars:
        """What the person signs with: what they typed, and what is known of the rest, if the page asks for it."""
        known: dict[str, str] = {}
        if visitor:
            known = {"first_name": visitor.first_name, "last_name": visitor.last_name}
            known |= {"country": visitor.country} if "country" in page.fields else {}
        texts = {**known, **{name: text for name, text in self.typed.items() if name != "email"}}
        return Particulars(**texts, shown=self.shown)


EMPTY = Filled({}, {})


def asked(page: ActionPage, visitor: Visitor | None) -> list[FormField]:
    """The fields to show: all of them, or those that are not known of the visitor."""
    wanted = [("first_name", "text", True), ("last_name", "text", True), ("email", "email", True)]
    kinds = {"country": "country", "comment": "comment"}
    wanted += [(name, kinds.get(name, "text"), required) for name, required in page.fields.items()]
    known: set[str] = set()
    if visitor and visitor.person_id is not None:
        known = {name for name in ("first_name", "last_name", "country") if getattr(visitor, name)} | {"email"}
    return [FormField(name, kind, must, LONGEST.get(name, 2)) for name, kind, must in wanted if name not in known]


def read(form: Mapping[str, tuple[str, ...]], page: ActionPage, visitor: Visitor | None, language: Language) -> Filled:
    """What was filled in. A field that wasn't asked for is not looked at."""
    typed: dict[str, str] = {}
    errors: dict[str, str] = {}
    address = ""
    for field in asked(page, visitor):
        value = clean((*form.get(field.name, ()), "")[0], field.longest, lines=field.kind == "comment")
        typed[field.name] = value
        if not value:
            if field.required:
                errors[field.name] = language.say(MISSING[field.name])
        elif field.kind == "email":
            try:
                address = normalise(value)
            except BadAddress:
                errors[field.name] = language.say(BAD_EMAIL)
        elif field.kind == "country":
            typed[field.name] = value = value.upper()
            if value not in dict(language.countries()):
                errors[field.name] = language.say(BAD_COUNTRY)
        elif field.name.endswith("_name") and holds_address(value):
            errors[field.name] = language.say(BAD_NAME)
    trapped = any(text.strip() for text in form.get(TRAP, ()))
    return Filled(typed, errors, bool(form.get(NEWS)), bool(form.get(SHOWN)), trapped, address)


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
