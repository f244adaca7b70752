"""Finds what the people of one request share, so that it is in the body once and only the rest is sent for each person.

A link in a mail is the same for everybody except for the last characters of its token; a condition that holds for
nobody is empty for everybody. So each slot is split into the common prefix of its values and, where they differ, a key
for the rest. The requests are made by `payload`.

A key is a mark followed by letters or digits. The mark is a character that occurs nowhere else, neither in the message
nor in any value, and all keys have one length. So a key is only ever found in its own place, and none can arise where a
value meets the text around it, whichever order SendGrid replaces them in.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product, takewhile

# Characters that stay as they are in URLs come first (RFC 3986 §2), since keys are used there. Not < > & (they may come
# encoded), no blanks, nothing that JSON escapes.
MARKS = "~$!*+@_=()^`|{}[]#?%"
LETTERS = string.digits + string.ascii_lowercase


@dataclass(frozen=True, slots=True)
class Sharing:
    """Some people's values, slot by slot. `columns` holds what differs: one list for each key, person by person."""

    beginnings: tuple[str, ...]  # for each slot what all its values begin with
    column_of: tuple[int | None, ...]  # for each slot the column that follows, unless all values are equal
    columns: tuple[tuple[str, ...], ...]

    def mark(self, marks: str) -> str | None:
        """The first of `marks` that is in no value; "" when no key is needed, None when every mark is taken."""
        if not self.columns:
            return ""
        texts = [*map("".join, self.columns), "".join(self.beginnings)]
        return next((mark for mark in marks if not any(mark in text for text in texts)), None)

    def keys(self, mark: str) -> tuple[str, ...]:
        """A key for each column; no two alike, all of one length."""
        length = 1 if len(self.columns) <= len(LETTERS) else 2
        letters = product(LETTERS, repeat=length)
        return tuple(f"{mark}{''.join(next(letters))}" for _ in self.columns)

    @property
    def key_bytes(self) -> int:
        """The bytes of all keys of one person."""
        return len(self.columns) * (2 if len(self.columns) <= len(LETTERS) else 3)

    @property
    def most_bytes(self) -> int:
        """An upper bound on the bytes of one person's values."""
        return self.key_bytes + sum(max(map(len, column)) * _widest(column) for column in self.columns)

    @property
    def total_bytes(self) -> int:
        """All people's keys and values."""
        people = len(self.columns[0]) if self.columns else 0
        return people * self.key_bytes + sum(map(_octets, map("".join, self.columns)))

    def each_bytes(self) -> list[int]:
        """Keys and values of each person."""
        return [self.key_bytes + _octets("".join(rest)) for rest in zip(*self.columns, strict=True)]


def share(rows: Sequence[tuple[str, ...]]) -> Sharing:
    """What these people share. Each row has one value for each slot."""
    beginnings: list[str] = []
    column_of: list[int | None] = []
    columns: list[tuple[str, ...]] = []
    known: dict[tuple[str, ...], tuple[str, int | None]] = {}  # slots with equal values share a key
    for values in zip(*rows, strict=True):
        if values not in known:
            beginning = _beginning(values)
            known[values] = (beginning, None)
            if len(beginning) < max(map(len, values)):
                known[values] = (beginning, len(columns))
                columns.append(tuple([value[len(beginning) :] for value in values]) if beginning else values)
        beginning, column = known[values]
        beginnings.append(beginning)
        column_of.append(column)
    return Sharing(tuple(beginnings), tuple(column_of), tuple(columns))


def _beginning(values: tuple[str, ...]) -> str:
    """The common prefix of all values, without a partial tag or entity."""
    first, last = min(values), max(values)
    if first == last:
        return first
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))
    return first[:same].partition("<")[0].partition("&")[0]


def _octets(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8"))


def _widest(column: tuple[str, ...]) -> int:
    return 1 if "".join(column).isascii() else 4
