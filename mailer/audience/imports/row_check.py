"""Checks rows one by one: a person to import, or the reason why not. Knows nothing of the database.

Plain rows with a plain address take a short way through the checks, and everything else the careful one; both give the
same, by property test. What a row says of leaving comes first: then its other faults don't matter.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from mailer.audience.addresses import AROUND, HASH_BYTES, PLAIN, SHORT, BadAddress, hash_key, normalise
from mailer.audience.imports.columns import Columns, StatusColumn
from mailer.audience.imports.files.delimited import Row
from mailer.audience.imports.files.reader import NotARow
from mailer.audience.imports.headers import FIELDS, TEXTS, identifier
from mailer.audience.imports.meaning.statuses import FLAGGED, MEMBERSHIPS, STOPS, SUBSCRIBED, RowStatus, word
from mailer.audience.imports.meaning.values import (
    QUOTED,
    Remembered,
    country_code,
    language_tag,
    members,
    moment,
    split_name,
    tags,
    timezone,
)
from mailer.audience.names import clean_name
from mailer.compose.expressions.tagged import BETWEEN, TAGS, sound_tag
from mailer.errors import MailerError

LONGEST_NAME = 200
LONGEST_ATTRIBUTE = 10_000
# C0 and C1 controls, line and paragraph separators, and halves of surrogate pairs, which no encoding carries.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
LINE_ENDS = re.compile("[\t\n\r]")  # harmless in an attribute, such as a postal address
WRAPPED = re.compile(r"(?:mailto:|[^<>@]*<)\s*([^<>\s]+@[^<>\s]+?)\s*>?[;,]?", re.IGNORECASE)

# Row number, address, its hash, first name, last name, country, language, time zone, attributes and tags as JSON,
# membership, stops (bits of `STOPS`), and since when they agreed, in microseconds. A plain tuple: a million go to the
# database as they are.
Person = tuple[int, str, bytes, str, str, str, str, str, str, str, str, int, int | None]
Refuse = Callable[[int, str, list[str]], None]
Kept = tuple[str, str, str, str, str, str, str]  # names, country, language, zone, attributes and tags as JSON
NO_TAGS = "[]"
ZONE = "timezone"
NOTHING: Kept = ("", "", "", "", "", "{}", NO_TAGS)
FILE = 40  # bits of a row's number that hold its line; above them is the number of its file


class RowRefused(MailerError):
    """This row can't be imported; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Judge:
    """What is needed to judge the rows of one file."""

    columns: Columns
    address_key: bytes
    now: datetime
    file: int = 0  # its number among the files of the import, from 0

    def people(self, rows: Iterable[Row], refuse: Refuse) -> Iterator[Person]:
        """The rows that can be taken, as people; `refuse` is told line, reason and values of the others."""
        keyed = hashlib.blake2b(digest_size=HASH_BYTES, key=hash_key(self.address_key))
        width, plain, first = self.columns.width, PLAIN.fullmatch, self.file << FILE
        address_at, standing_of, fields_of = self.columns.emails[0], _standing(self.columns), _fields(self.columns)
        moment_of = _moment(self.columns, self.now)
        for line, values in rows:
            try:
                # The short way, for rows that say nothing odd. What is printable has no white space but blanks.
                joined = "".join(values)
                if len(values) == width and joined.strip() and len(joined) <= LONGEST_NAME and joined.isprintable():
                    cells = [value.strip() for value in values] if " " in joined else values
                    written = cells[address_at]
                    address = written.lower()
                    if not (written.isascii() and len(address) <= SHORT and plain(address)):
                        address = self._address(cells)
                    status, stops = standing_of(cells, address)
                    fields = NOTHING if stops else fields_of(cells)
                else:
                    address, status, stops, fields = self._carefully(values, standing_of, fields_of)
                    cells = values
            except (RowRefused, BadAddress) as error:
                refuse(line, error.message, values)
                continue
            hashed = keyed.copy()
            hashed.update(address.encode())
            yield (
                first | line,
                address,
                hashed.digest(),
                *fields,
                status,
                stops,
                moment_of(cells) if moment_of else None,
            )

    def _carefully(self, values: list[str], standing_of: Standing, fields_of: Fields) -> tuple[str, str, int, Kept]:
        """Address, membership, stops and fields of a row that says something odd. Raises for what can't be taken."""
        if isinstance(values, NotARow):
            raise RowRefused(values.reason)
        cells = [value.strip(AROUND) for value in values]
        if not any(cells):
            raise RowRefused("the row is empty")
        width = self.columns.width
        if any(cells[width:]):
            return self._shifted(cells)
        cells = (cells + [""] * width)[:width]
        address = self._address(cells)
        status, stops = standing_of(cells, address)
        if stops:  # nothing else of them is kept
            return address, status, stops, NOTHING
        self._check(cells)
        return address, status, stops, fields_of(cells)

    def _address(self, cells: Sequence[str]) -> str:
        """The first address in its columns, as people write one: also `Ada <ada@example.org>` and `mailto:`."""
        written = next((cells[i] for i in self.columns.emails if cells[i]), "")
        try:
            return normalise(written)
        except BadAddress:
            inner = WRAPPED.fullmatch(written.strip(AROUND))
            if inner is None:
                raise
            return normalise(inner[1])

    def _shifted(self, cells: list[str]) -> tuple[str, str, int, Kept]:
        """A row with too many values, as an unquoted comma makes one: refused, unless it says that its person left."""
        more = len(cells) - self.columns.width
        refused = RowRefused(f"the row has more values than there are columns: {len(cells)}, not {self.columns.width}")
        places = range(self.columns.emails[0], self.columns.emails[0] + more + 1)
        address = next((cells[i].lower() for i in places if PLAIN.fullmatch(cells[i].lower())), "")
        for column in self.columns.statuses if address else ():
            for cell in cells[column.position : column.position + more + 1]:
                try:
                    said = column.words.status_of(cell)
                except KeyError:
                    continue
                if stop := STOPS.get(said or SUBSCRIBED, 0):
                    return address, SUBSCRIBED.value, stop, NOTHING
        raise refused

    def _check(self, cells: Sequence[str]) -> None:
        attributes = {position for _, position in self.columns.attributes}
        names = {
            self.columns.fields[name] for name in ("first_name", "last_name", "name") if name in self.columns.fields
        }
        for position, cell in enumerate(cells):
            if found := CONTROL.search(LINE_ENDS.sub(" ", cell) if position in attributes else cell):
                raise RowRefused(f"there is a control character in a value: U+{ord(found[0]):04X}")
            most = LONGEST_NAME if position in names else LONGEST_ATTRIBUTE
            if len(cell) > most:
                raise RowRefused(f"a value is too long: {len(cell):,} characters, {most:,} is the most")


Standing = Callable[[Sequence[str], str], tuple[str, int]]  # cells and address → membership and stops
Fields = Callable[[Sequence[str]], Kept]  # cells → first name, last name, country, language, attributes


def _standing(columns: Columns) -> Standing:
    """A function that tells what a row says about mailing its person. It raises `RowRefused` for an unknown word."""
    everyone = columns.everyone
    stop_of_all = STOPS.get(everyone, 0) if everyone else 0
    membership_of_all = everyone if everyone in MEMBERSHIPS else SUBSCRIBED
    judged = [(column, Remembered(_said_by(column))) for column in columns.statuses]
    if not judged:
        always = (str(membership_of_all), stop_of_all)
        return lambda _cells, _address: always

    def standing(cells: Sequence[str], address: str) -> tuple[str, int]:
        stops, memberships, unknown = stop_of_all, [membership_of_all] if everyone else [], ""
        for column, said_by in judged:
            if column.beside is not None and cells[column.beside].casefold() != address:
                continue
            cell = cells[column.position]
            found: tuple[int, RowStatus | None] | None = said_by[cell]
            if found is None:
                unknown = unknown or cell
                continue
            stops |= found[0]
            if found[1]:
                memberships.append(found[1])
        if unknown and not stops:
            raise RowRefused(f"unknown status: {unknown[:40]!r}")
        return str(min(memberships or [SUBSCRIBED], key=MEMBERSHIPS.index)), stops

    return standing


def _said_by(column: StatusColumn) -> Callable[[str], tuple[int, RowStatus | None] | None]:
    """A function that gives the stops and membership of a cell, of which some hold several words; None: not known."""

    def said_by(cell: str) -> tuple[int, RowStatus | None] | None:
        statuses = _statuses_of(column, cell)
        if statuses is None:
            return None
        stops = sum({STOPS[status] for status in statuses if status and status in STOPS})
        found = [status for status in statuses if status and status in MEMBERSHIPS]
        return stops, min(found, key=MEMBERSHIPS.index) if found else None

    return said_by


def _statuses_of(column: StatusColumn, cell: str) -> list[RowStatus | None] | None:
    """What each word in a cell says; None when one isn't known, together or by itself."""
    for parts in ([part for part in re.split(r"[;|,]", cell) if part.strip()], [cell]):
        with suppress(KeyError):
            if parts:
                return [column.words.status_of(part) for part in parts]
    return None


def _fields(columns: Columns) -> Fields:
    """A function that takes everything but the address out of a row's cells."""
    missing = columns.width  # where an empty cell is put for the fields that the file hasn't
    pick = itemgetter(*(columns.fields.get(name, missing) for name in TEXTS))
    taken = frozenset(name for name, _ in columns.attributes)
    kept = [(Remembered(_pairs_of(name, taken)), position) for name, position in columns.attributes]
    # A column of tags goes before those among a column of attributes.
    tagged = [
        (Remembered(tags_of), position)
        for kind, tags_of in ((TAGS, _tags), ("attributes", _tags_among))
        for name, position in columns.attributes
        if name == kind
    ]
    flagged = [(Remembered(_flagged), column.position) for column in columns.statuses]
    countries, languages, zones = Remembered(country_code), Remembered(language_tag), Remembered(timezone)
    among = [(Remembered(_zone_among), position) for name, position in columns.attributes if name == "attributes"]

    def fields(cells: Sequence[str]) -> Kept:
        first, last, name, country, language, zone = pick([*cells, ""])
        if name and not first and not last:
            first, last = split_name(name)
        first, last = clean_name(first), clean_name(last)
        pairs = [pair for said, position in kept if (pair := said[cells[position]])]
        pairs += [pair for said, position in flagged if (pair := said[cells[position]])]
        code, tag = countries[country], languages[language]
        if country and not code:
            pairs.append(f'"country_as_given":{QUOTED(country)}')
        if language and not tag:
            pairs.append(f'"language_as_given":{QUOTED(language)}')
        there = zones[zone]
        if zone and not there:
            pairs.append(f'"timezone_as_given":{QUOTED(zone)}')
        there = there or next((one for said, position in among if (one := said[cells[position]])), "")
        found = (said[cells[position]] for said, position in tagged)
        return first, last, code, tag, there, "{" + ",".join(pairs) + "}", next((one for one in found if one), NO_TAGS)

    return fields


def _flagged(cell: str) -> str:
    said = word(cell)
    return f'"status_as_given":{QUOTED(said)}' if said in FLAGGED else ""


def _tags(cell: str) -> str:
    """The tags in a cell as a JSON list; "" for none."""
    found = [name for one in tags(cell).split(BETWEEN) if (name := sound_tag(one))]
    return json.dumps(found, ensure_ascii=False) if found else ""


def _tags_among(cell: str) -> str:
    """The same of a JSON object in a cell, of its member called tags."""
    return _tags(next((text for name, text in (members(cell) or {}).items() if identifier(name) == TAGS), ""))


def _zone_among(cell: str) -> str:
    """The zone in a JSON object in a cell, its member called timezone."""
    return next(
        (zone for name, text in (members(cell) or {}).items() if identifier(name) == ZONE and (zone := timezone(text))),
        "",
    )


def _no_tags(cell: str) -> str:
    """What is in a cell of tags and can't be one: it is kept as it was given."""
    return BETWEEN.join(one for one in tags(cell).split(BETWEEN) if not sound_tag(one))


def _pairs_of(name: str, taken: frozenset[str]) -> Callable[[str], str]:
    """A function that gives a value as members of a JSON object, or "" for an empty one."""
    prefix = f"{QUOTED(name)}:"

    def pairs(cell: str) -> str:
        if not cell:
            return ""
        if name == TAGS:
            return f'"tags_as_given":{QUOTED(left)}' if (left := _no_tags(cell)) else ""
        if name == "attributes" and (found := members(cell)) is not None:
            return ",".join(_members(found, taken))
        return prefix + QUOTED(cell)

    return pairs


def _members(found: dict[str, Any], taken: frozenset[str]) -> Iterator[str]:
    """The members of a JSON object as fields of their own; a column of the same name goes before them."""
    seen: set[str] = set()
    for name, value in found.items():
        field = identifier(name)
        field, text = f"{field}_2" if field in FIELDS and field != ZONE else field, value
        if field == TAGS:
            field, text = "tags_as_given", _no_tags(value)
        elif field == ZONE:  # what is one is a column of its own
            field, text = "timezone_as_given", "" if timezone(value) else value
        if not field or not text or field in taken or field in seen or CONTROL.search(LINE_ENDS.sub(" ", text)):
            continue
        seen.add(field)
        yield f"{QUOTED(field)}:{QUOTED(text)}"


def _moment(columns: Columns, now: datetime) -> Callable[[Sequence[str]], int | None] | None:
    """A function that tells since when somebody agreed; None when the file has no column for it."""
    if not columns.opted_in:
        return None

    def since(cells: Sequence[str]) -> int | None:
        found = (moment(cells[i], before=now) for i in columns.opted_in if i < len(cells) and cells[i])
        return next((at for at in found if at is not None), None)

    return since
