"""Judges many rows at a time, a step for a whole column of them; what isn't plain is judged row by row in `judging`.

A million rows pass here, and a call for each row and step would take most of the time of an import. Both ways give the
same, by property test.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from mailer.audience.addresses import HASH_BYTES, PLAIN_LINES, SHORT, hash_key
from mailer.audience.importing.columns import Columns
from mailer.audience.importing.judging import (
    LONGEST_NAME,
    QUOTED,
    SUBSCRIBED,
    Countries,
    Languages,
    Refuse,
    RowRefused,
    judge_rows,
    split_name,
    status_of,
)
from mailer.audience.importing.reading import Row

BATCH = 250  # rows judged together: one odd row among them sends all of them the careful way
REMEMBERED = 2_000  # values of a column
PRINTABLE = bytes(range(ord(" "), ord("~") + 1))  # of ASCII
# People column by column, each as long as the others, in the order of a `Person`: lines, addresses, hashes …
Batch = Sequence[Sequence[Any]]


def judge_batches(rows: Iterable[Row], *, columns: Columns, address_key: bytes, refuse: Refuse) -> Iterator[Batch]:
    """The rows that can be taken, as people, some hundred at a time; `refuse` is told of the others (`judge_rows`)."""
    plain = _Plain(columns, address_key)
    rows = iter(rows)
    while batch := list(islice(rows, BATCH)):
        people = plain.judge(batch)
        if people is None:
            careful = judge_rows(batch, columns=columns, address_key=address_key, refuse=refuse)
            people = tuple(zip(*careful, strict=True))
        if people:
            yield people


class _Plain:
    """The short way, for batches in which no row says anything odd."""

    def __init__(self, columns: Columns, address_key: bytes) -> None:
        self.width, self.email, self.positions = columns.width, columns.email, columns.fields
        self.keyed = hashlib.blake2b(digest_size=HASH_BYTES, key=hash_key(address_key))
        self.countries, self.languages = Countries(), Languages()
        self.statuses = _Remembered(status_of)
        self.pairs = [(_Remembered(_pair_of(name)), position) for name, position in columns.attributes]
        self.given = {name: _Remembered(_pair_of(f"{name}_as_given")) for name in ("country", "language")}

    def judge(self, batch: Sequence[Row]) -> Batch | None:
        """The people in these rows; None when one of the rows needs a closer look."""
        lines, values = zip(*batch, strict=True)
        if set(map(len, values)) != {self.width}:
            return None
        cells = list(chain.from_iterable(values))
        text = "\n".join(["", *cells, ""])
        if not _is_printable(text, line_ends=len(cells) + 1) or max(map(len, cells)) > LONGEST_NAME:
            return None
        if "\n " in text or " \n" in text:
            cells = [cell.strip() for cell in cells]
        addresses = self._addresses(cells)
        if addresses is None:
            return None
        try:
            fields = self._fields(cells, len(lines))
        except RowRefused:
            return None
        return (lines, addresses, self._hashes(addresses), *fields)

    def _addresses(self, cells: list[str]) -> list[str] | None:
        written = "\n".join(cells[self.email :: self.width])
        if not written.isascii():
            return None
        lowered = written.lower()
        if not PLAIN_LINES.fullmatch(lowered + "\n"):
            return None
        addresses = lowered.split("\n")
        return addresses if max(map(len, addresses)) <= SHORT else None

    def _hashes(self, addresses: list[str]) -> list[bytes]:
        copy = self.keyed.copy
        hashes: list[bytes] = []
        for address in "\n".join(addresses).encode().split(b"\n"):
            hashed = copy()
            hashed.update(address)
            hashes.append(hashed.digest())
        return hashes

    def _fields(self, cells: list[str], count: int) -> tuple[Sequence[str], ...]:
        """First names, last names, countries, languages, attributes as JSON, statuses."""
        empty = [""] * count
        found = {name: cells[position :: self.width] for name, position in self.positions.items()}
        first, last = found.get("first_name", empty), found.get("last_name", empty)
        if "name" in found:
            first, last = _split(first, last, found["name"])
        pieces = [list(map(pairs.__getitem__, cells[position :: self.width])) for pairs, position in self.pairs]
        codes = {"country": empty, "language": empty}
        for field, known in (("country", self.countries), ("language", self.languages)):
            if field in found:
                codes[field] = list(map(known.__getitem__, found[field]))
                if codes[field].count("") > found[field].count(""):
                    unknown = zip(found[field], codes[field], strict=True)
                    pieces.append([self.given[field][cell] if not code else "" for cell, code in unknown])
        statuses = list(map(self.statuses.__getitem__, found["status"])) if "status" in found else [SUBSCRIBED] * count
        return first, last, codes["country"], codes["language"], _objects(pieces, count), statuses


def _is_printable(text: str, *, line_ends: int) -> bool:
    """Whether nothing but so many line ends isn't printable: so there is no white space but blanks within the lines."""
    if text.isascii():
        return len(text.encode().translate(None, PRINTABLE)) == line_ends
    return text.replace("\n", "").isprintable() and text.count("\n") == line_ends


class _Remembered(dict[str, str]):
    """What a function makes of a text, worked out once for each of the first thousands."""

    def __init__(self, work_out: Callable[[str], str]) -> None:
        super().__init__()
        self.work_out = work_out

    def __missing__(self, text: str) -> str:
        result = self.work_out(text)
        if len(self) < REMEMBERED:
            self[text] = result
        return result


def _pair_of(name: str) -> Callable[[str], str]:
    """A function that gives a value as a member of a JSON object, or "" for an empty one."""
    prefix = f"{QUOTED(name)}:"
    return lambda cell: prefix + QUOTED(cell) if cell else ""


def _split(first: list[str], last: list[str], whole: list[str]) -> tuple[list[str], list[str]]:
    """First and last names, from names in one piece where neither is given."""
    names = [
        split_name(three) if three and not one and not two else (one, two)
        for one, two, three in zip(first, last, whole, strict=True)
    ]
    return [one for one, _ in names], [two for _, two in names]


def _objects(pieces: list[list[str]], count: int) -> list[str]:
    """JSON objects of the pairs in these columns, without those that are empty."""
    if not pieces:
        return ["{}"] * count
    if len(pieces) == 1:
        return ["{" + pair + "}" for pair in pieces[0]]
    return ["{" + ",".join(filter(None, pairs)) + "}" for pairs in zip(*pieces, strict=True)]
