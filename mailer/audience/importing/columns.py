"""What each column of a file means: a field of ours, an attribute to keep under its own name, or nothing.

Decided once, from the header, the list's [columns] and --map; the values are judged in `judging`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from mailer.errors import Fault, Place, raise_faults

EMAIL = "email"
FIELDS = (EMAIL, "first_name", "last_name", "name", "country", "language", "status")
SKIP = "-"  # the field of a column that is left out

# Column names as other programs write them, as `identifier` leaves them. Best first for each field.
ALIASES: Mapping[str, tuple[str, ...]] = {
    EMAIL: ("email", "e_mail", "email_address", "e_mail_address", "emailaddress", "mail", "primary_email", "address"),
    "first_name": ("first_name", "firstname", "first", "given_name", "givenname", "forename", "fname"),
    "last_name": ("last_name", "lastname", "last", "surname", "family_name", "familyname", "lname"),
    "name": ("name", "full_name", "fullname"),
    "country": ("country", "country_code", "countrycode"),
    "language": ("language", "lang", "locale", "language_code"),
    "status": ("status", "subscription_status", "email_status", "optin_status"),
}


@dataclass(frozen=True, slots=True)
class Columns:
    """Where in a row each field stands. Positions count from 0."""

    width: int
    email: int
    fields: Mapping[str, int]  # the other known fields that the file has
    attributes: tuple[tuple[str, int], ...]


def understand(header: list[str], mapping: Mapping[str, str], *, place: str) -> Columns:
    """The meaning of a header; `mapping` names fields for columns by hand. Raises with every fault at once."""
    at = Place(place, 1)
    faults: list[Fault] = []
    names = [identifier(column) for column in header]
    targets: list[str] = [""] * len(header)
    for column, field in mapping.items():
        positions = [i for i, name in enumerate(header) if name == column] or [
            i for i, name in enumerate(names) if name == identifier(column)
        ]
        if not field or (field != SKIP and identifier(field) != field):
            hint = f"Use one of {', '.join(FIELDS)}, a name such as postcode, or {SKIP} to leave the column out."
            faults.append(Fault(f"{field!r} can't name a field", place=at, hint=hint))
        for i in positions:
            targets[i] = field
    _recognise(names, targets)
    for i, name in enumerate(names):
        targets[i] = targets[i] or (name if name not in FIELDS else "") or SKIP
    faults += _twice(header, targets, at)
    if not header:
        faults.append(Fault("the file has nobody in it", place=at, hint="Look whether what wrote it found anybody."))
    elif EMAIL not in targets:
        shown = ", ".join(repr(column) for column in header[:12])
        like = next((column for column in header if "@" in column), None)
        hint = (
            "The first line must name the columns."
            if like
            else f"The columns are {shown}. Name the one with addresses: --map 'COLUMN=email'"
        )
        faults.append(Fault("no column holds addresses", place=at, hint=hint))
    raise_faults("The columns have faults:", faults)
    found = {field: i for i, field in enumerate(targets)}
    return Columns(
        width=len(header),
        email=found[EMAIL],
        fields={field: found[field] for field in FIELDS if field in found and field != EMAIL},
        attributes=tuple((field, i) for field, i in found.items() if field not in FIELDS and field != SKIP),
    )


def missing_columns(header: list[str], mapping: Mapping[str, str]) -> list[str]:
    """Columns that --map names and the file hasn't: a slip of the pen that would lose a field silently."""
    names = {identifier(column) for column in header} | set(header)
    return [column for column in mapping if column not in names and identifier(column) not in names]


def identifier(column: str) -> str:
    """A column's name as merge tags can write it: small letters, digits and underscores; "" when nothing is left."""
    plain = unicodedata.normalize("NFKC", column).casefold()
    name = re.sub(r"\W+", "_", plain).strip("_")[:60]
    if not name:
        return ""
    return name if name.isidentifier() else f"_{name}" if f"_{name}".isidentifier() else ""


def _recognise(names: list[str], targets: list[str]) -> None:
    """Give columns whose name is well known their field, the likeliest column first."""
    for field, aliases in ALIASES.items():
        if field in targets:
            continue
        for alias in aliases:
            if alias in names and not targets[names.index(alias)]:
                targets[names.index(alias)] = field
                break


def _twice(header: list[str], targets: list[str], at: Place) -> list[Fault]:
    faults: list[Fault] = []
    for field in dict.fromkeys(targets):
        columns = [header[i] for i, target in enumerate(targets) if target == field]
        if len(columns) > 1 and field != SKIP:
            shown = " and ".join(repr(column) for column in columns)
            hint = f"Leave one out: --map '{columns[-1]}={SKIP}'"
            faults.append(Fault(f"{shown} both mean {field}", place=at, hint=hint))
    return faults
