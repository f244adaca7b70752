"""What a petition's bundle says in the page's language: the cover letter, and how the signatures were counted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from mailer.diagnostics import Diagnostic, Place
from mailer.locale.language import Language, later

STATEMENT, NAMES, METHOD = later("The statement"), later("The names"), later("How the signatures were counted")
NAME, SIGNED_ON = later("Name"), later("Signed on")
LETTER = later(
    "Dear Sir or Madam,\n\n{signatures} people have signed the petition “{headline}”. You’ll find the statement they "
    "signed, word for word, and their names below.\n\nWe ask you to act on it, and to tell us what you decide.\n\n"
    "Yours faithfully,\n\n{organisation}"
)
COUNTED = later("Signatures: {number}, counted on {day} at {time}")
ONCE = later("Each email address counts once, however often its owner signed.")
BY_MAIL = later("From the link in an email we sent to that person: {number}")
BY_FORM = later("From the form that’s open to everyone, where the email address isn’t confirmed: {number}")
FORGOTTEN = later("Counted but not named, because the person asked us to delete their details: {number}")
IN_FULL = later("Every name is given in full.")
MASKED = later("Names are in full where people agreed to be shown. Everyone else has a first name and an initial.")
LEFT_TO_CSV = later("The names are in {file}. There are too many to print here.")
NOT_PRINTED = later("In letters that can’t be printed here; see {file}, number {number}")
WORDINGS = later("The statement changed while people were signing. {number} signed this wording:")
SUM = later("SHA-256 of {file}")
PLACEHOLDER = re.compile(r"\{(?P<name>[^{}\n]*)\}")


@dataclass(frozen=True, slots=True)
class CountedSignatures:
    """How many signed, as the report counts them: each signature of the page, whatever brought it."""

    total: int
    by_mail: int  # by the link of a mail to that person
    named: int  # the others were deleted at the person's wish

    @property
    def by_form(self) -> int:
        return self.total - self.by_mail


def method(counted: CountedSignatures, language: Language, *, full_names: bool, at: datetime) -> Iterator[str]:
    """How it was counted, a sentence each."""
    say, number = language.say, language.number
    yield say(COUNTED).format(number=number(counted.total), day=language.day(at), time=f"{at:%H:%M} UTC")
    yield say(ONCE)
    yield say(BY_MAIL).format(number=number(counted.by_mail))
    yield say(BY_FORM).format(number=number(counted.by_form))
    if forgotten := counted.total - counted.named:
        yield say(FORGOTTEN).format(number=number(forgotten))
    yield say(IN_FULL if full_names else MASKED)


def letter_faults(text: str, *, file: str) -> list[Diagnostic]:
    """What a cover letter asks for and there is not."""
    known = ("signatures", "headline", "organisation", "date")
    return [
        Diagnostic(
            f"{found[0]} is nothing that a cover letter can say",
            Place(file, text.count("\n", 0, found.start()) + 1),
            f"Write one of {', '.join(f'{{{name}}}' for name in known)}, or the words themselves.",
        )
        for found in PLACEHOLDER.finditer(text)
        if found["name"] not in known
    ]


def filled_letter(text: str, values: dict[str, str]) -> str:
    """The letter with what it asks for; `letter_faults` found nothing in it."""
    return PLACEHOLDER.sub(lambda found: values[found["name"]], text).strip() + "\n"
