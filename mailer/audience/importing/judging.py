"""Judges rows one by one: a person to be taken, or the reason why not. Knows nothing of the database.

Rows that say nothing odd are judged by `batches`, many at a time. Of what comes here, plain rows with a plain address
take a short way, and everything else the careful one; all give the same, by property test.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import itemgetter

from mailer.audience.addresses import AROUND, HASH_BYTES, PLAIN, SHORT, BadAddress, hash_key, normalise
from mailer.audience.importing.columns import Columns
from mailer.audience.importing.reading import Row
from mailer.errors import MailerError
from mailer.store.states import Membership, SuppressionReason

LONGEST_NAME = 200
LONGEST_ATTRIBUTE = 10_000
# C0 and C1 controls, line and paragraph separators, and halves of surrogate pairs, which no encoding carries.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
LINE_ENDS = re.compile("[\t\n\r]")  # harmless in an attribute, such as a postal address
LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{2,8}){0,5}")
SUBSCRIBED = Membership.SUBSCRIBED.value
MOST_LANGUAGES = 1000  # remembered
QUOTED = json.encoder.encode_basestring  # a text as JSON writes it, letters beyond ASCII as they are

STATUSES: Mapping[str, Membership | SuppressionReason] = {
    **dict.fromkeys(("subscribed", "active", "confirmed", "enabled", "yes"), Membership.SUBSCRIBED),
    **dict.fromkeys(("pending", "unconfirmed"), Membership.PENDING),
    **dict.fromkeys(("unsubscribed", "unsubscribe", "opted out", "opted_out", "left", "no"), Membership.UNSUBSCRIBED),
    **dict.fromkeys(("bounced", "cleaned", "hard bounce", "invalid"), SuppressionReason.BOUNCED),
    **dict.fromkeys(("complained", "complaint", "spam", "abuse"), SuppressionReason.COMPLAINED),
    **dict.fromkeys(("blocked", "blocklisted", "suppressed", "staff"), SuppressionReason.STAFF),
}

# Line, address, its hash, first name, last name, country, language, attributes as JSON, and the status: a Membership
# or a SuppressionReason. A plain tuple, since a million of them go to the database as they are.
Person = tuple[int, str, bytes, str, str, str, str, str, str]
Refuse = Callable[[int, str, list[str]], None]


class RowRefused(MailerError):
    """This row can't be taken; the message is the reason."""


def judge_rows(rows: Iterable[Row], *, columns: Columns, address_key: bytes, refuse: Refuse) -> Iterator[Person]:
    """The rows that can be taken, as people; `refuse` is told line, reason and values of the others."""
    keyed = hashlib.blake2b(digest_size=HASH_BYTES, key=hash_key(address_key))
    email, width, plain = columns.email, columns.width, PLAIN.fullmatch
    countries, languages, person_of = Countries(), Languages(), _fields(columns)
    for line, values in rows:
        try:
            written, joined = values[email] if len(values) == width else "", "".join(values)
            address = written.lower()
            # The short way, for rows that say nothing odd. What is printable has no white space but blanks.
            if (
                plain(address)
                and len(address) <= SHORT
                and written.isascii()
                and joined.isprintable()
                and len(joined) <= LONGEST_NAME
            ):
                cells = [value.strip() for value in values] if " " in joined else [*values]
            else:
                cells = clean(values, columns)
                address = normalise(cells[email])
            first, last, country, language, attributes, status = person_of(cells, countries, languages)
        except (RowRefused, BadAddress) as error:
            refuse(line, error.message, values)
            continue
        hashed = keyed.copy()
        hashed.update(address.encode())
        yield (line, address, hashed.digest(), first, last, country, language, attributes, status)


def clean(values: list[str], columns: Columns) -> list[str]:
    """The values as wide as the header and without white space around. Raises `RowRefused`."""
    cells = [value.strip(AROUND) for value in values]
    if not any(cells):
        raise RowRefused("the row is empty")
    if any(cells[columns.width :]):
        raise RowRefused(f"the row has more values than there are columns: {len(cells)}, not {columns.width}")
    cells = (cells + [""] * columns.width)[: columns.width]
    attributes = {position for _, position in columns.attributes}
    names = {columns.fields[name] for name in ("first_name", "last_name", "name") if name in columns.fields}
    for position, cell in enumerate(cells):
        if found := CONTROL.search(LINE_ENDS.sub(" ", cell) if position in attributes else cell):
            raise RowRefused(f"a control character stands in a value: U+{ord(found[0]):04X}")
        most = LONGEST_NAME if position in names else LONGEST_ATTRIBUTE
        if len(cell) > most:
            raise RowRefused(f"a value is too long: {len(cell):,} characters, {most:,} is the most")
    return cells


Fields = tuple[str, str, str, str, str, str]  # first name, last name, country, language, attributes as JSON, status


def _fields(columns: Columns) -> Callable[[list[str], Countries, Languages], Fields]:
    """A function that takes everything but the address out of a row's cells."""
    missing = columns.width  # where an empty cell is put for the fields that the file hasn't
    names = ("first_name", "last_name", "name", "country", "language", "status")
    pick = itemgetter(*(columns.fields.get(name, missing) for name in names))
    kept = [(f"{QUOTED(name)}:", position) for name, position in columns.attributes]

    def fields(cells: list[str], countries: Countries, languages: Languages) -> Fields:
        cells.append("")
        first, last, name, country, language, status = pick(cells)
        if name and not first and not last:
            first, last = split_name(name)
        pairs = [prefix + QUOTED(cells[position]) for prefix, position in kept if cells[position]]
        country_code, language_tag = countries[country], languages[language]
        if country and not country_code:
            pairs.append(f'"country_as_given":{QUOTED(country)}')
        if language and not language_tag:
            pairs.append(f'"language_as_given":{QUOTED(language)}')
        standing = status_of(status)
        return first, last, country_code, language_tag, "{" + ",".join(pairs) + "}", standing

    return fields


def split_name(name: str) -> tuple[str, str]:
    """First and last name of a name in one piece: "Last, First", or the first word and the rest.

    No rule is right for everyone ("María José García López"); a file with two columns is always better.
    """
    last, comma, first = name.partition(",")
    if comma and first.strip():
        return first.strip(), last.strip()
    first, _, last = name.partition(" ")
    return first, last.strip()


class Countries(dict[str, str]):
    """What a country is written as → its ISO 3166-1 code, or "" for what is not a code. Worked out once for each."""

    def __missing__(self, text: str) -> str:
        if not (len(text) == 2 and text.isascii() and text.isalpha()):
            return ""
        self[text] = code = {"UK": "GB"}.get(text.upper(), text.upper())
        return code


class Languages(dict[str, str]):
    """What a language is written as → its BCP 47 tag, or "" for what is not one. Worked out once for each."""

    def __missing__(self, text: str) -> str:
        if not LANGUAGE.fullmatch(text):
            return ""
        primary, dash, rest = text.replace("_", "-").partition("-")
        tag = primary.lower() + dash + rest
        if len(self) < MOST_LANGUAGES:
            self[text] = tag
        return tag


def status_of(text: str) -> str:
    """The membership or suppression that a status stands for. Raises `RowRefused` for a word that is not known."""
    if not text:
        return SUBSCRIBED
    status = STATUSES.get(text.casefold())
    if status is None:
        known = ", ".join(dict.fromkeys(str(value) for value in STATUSES.values()))
        raise RowRefused(f"unknown status: {text[:40]!r}; known are {known}")
    return status.value
