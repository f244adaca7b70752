"""What every petition can ask of somebody who signs: one table. A field that is added here is on the form, in the
database, the webhook, the files and the person's story, and erased with the person.

Adding one takes a row below, a migration that adds its column, and `python -m scripts.catalogues` for its words.
Whatever is kept of a signature is personal data: there is no switch that would leave a field out of the erasure, of
the person's own export, or of their story.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FieldKind(StrEnum):
    """What a field holds: how it is asked for, and how what was typed is read (`web.pages.signature_form`)."""

    TEXT = "text"  # one line
    NAME = "name"  # one line without an address in it
    EMAIL = "email"
    PHONE = "phone"  # as `audience.phone_numbers` writes it
    COUNTRY = "country"  # ISO 3166-1 alpha-2, chosen from a list
    LINES = "lines"  # several lines
    CHOICE = "choice"  # one of the field's `choices`
    TICK = "tick"  # a box: "yes" or nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureField:
    """One thing that is asked for. `label`, `missing` and `given_as` are English and translated when they are shown."""

    name: str  # in the form, in action.md, in files and in the webhook; and the column of `signatures`
    kind: FieldKind
    label: str
    missing: str  # what the form says when it is required and empty
    longest: int  # characters
    row: int  # fields of one row stand side by side where the screen is wide
    autocomplete: str = ""  # for the browser: a token of the HTML standard, section "Autofill"
    always: bool = False  # asked for on every page; others where action.md says so
    known: bool = False  # a column of `people` too: not asked of somebody who came by the link of their mail
    contact: bool = False  # how to reach a person: in the file for the target only when that is asked for
    given_as: str = ""  # what the page says of it to those whose it is: "We'll give your postcode to …"
    staff_label: str = ""  # what staff read where they choose what is asked; "": the label
    webhook: bool = True  # told to another program
    kept: bool = True  # with the signature; the address is the person's alone
    own: bool = False  # a question of one page's own (`petition_fields.own`), in that page's language
    choices: tuple[tuple[str, str], ...] = ()  # what is kept of each, and its words


OWN_ROWS = 100  # a page's own questions are in rows of their own, the first in this one
LAST_ROW = 1000
EMAIL = SignatureField(
    name="email", kind=FieldKind.EMAIL, label="Email", missing="Enter your email address",
    longest=254,  # RFC 5321 §4.5.3.1.3
    row=2, autocomplete="email", always=True, contact=True, kept=False,
)  # fmt: skip
FIELDS = (  # in the order of the form
    SignatureField(
        name="first_name", kind=FieldKind.NAME, label="First name", missing="Enter your first name",
        longest=80, row=1, autocomplete="given-name", always=True, known=True,
    ),
    SignatureField(
        name="last_name", kind=FieldKind.NAME, label="Last name", missing="Enter your last name",
        longest=80, row=1, autocomplete="family-name", always=True, known=True,
    ),
    EMAIL,
    SignatureField(
        name="country", kind=FieldKind.COUNTRY, label="Country", missing="Choose your country",
        longest=2, row=3, autocomplete="country", known=True, given_as="your country",
    ),
    SignatureField(
        name="postcode", kind=FieldKind.TEXT, label="Postcode", missing="Enter your postcode",
        longest=16, row=3, autocomplete="postal-code", given_as="your postcode",
    ),
    SignatureField(
        name="phone", kind=FieldKind.PHONE, label="Phone", missing="Enter your phone number",
        longest=40, row=4, autocomplete="tel", contact=True, staff_label="Phone number",
    ),
    SignatureField(
        name="comment", kind=FieldKind.LINES, label="Why does this matter to you?", missing="Write a sentence or two",
        longest=1000, row=LAST_ROW, given_as="your comment", staff_label="A comment",
        webhook=False,  # free text, which people write for the target
    ),
)  # fmt: skip

KEPT = tuple(field for field in FIELDS if field.kept)
KNOWN = tuple(field for field in FIELDS if field.known)
ALWAYS = tuple(field.name for field in FIELDS if field.always)
GIVEN = {field.name: field.given_as for field in KEPT if not field.always and not field.contact}
ASKABLE = tuple(field.name for field in FIELDS if not field.always)  # what action.md may ask for
