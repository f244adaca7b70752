"""Markers: opaque ASCII words that stand for what waits, on its way through Markdown, MJML and CSS inlining.

None of those parsers ever sees Jinja or a person's data. `deferred` makes markers of Jinja constructs, `link_table` of
addresses, and `compose.splitter` turns what has come through into parts and slots.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import count

from mailer.diagnostics import Place


@dataclass(frozen=True, slots=True)
class Value:
    """{{ … }} that waits for the person: the expression's source."""

    source: str
    place: Place


@dataclass(frozen=True, slots=True)
class Literal:
    """A text that is known already but must be escaped for where it will be."""

    text: str


@dataclass(frozen=True, slots=True)
class Control:
    """{% if %}, {% elif %}, {% else %} or {% endif %}. Branches count from 0; the end has the branch -1."""

    group: int
    branch: int
    test: str  # "" for else and endif
    place: Place

    @property
    def is_end(self) -> bool:
        return self.branch < 0


@dataclass(frozen=True, slots=True)
class LinkMark:
    """An address in the link table, by its number there (not yet the number in the mail)."""

    index: int


FIRST_WORD = 0x5EEDAB1E
ANY_MARKER = re.compile(r"mk[0-9a-f]{8}[vtcl]\d+z")

Mark = Value | Literal | Control | LinkMark
KIND_LETTERS: dict[type, str] = {Value: "v", Literal: "t", Control: "c", LinkMark: "l"}


class Markers:
    """The marks of one message. They begin with the first word of a series that its text hasn't got: equal input gives
    equal bytes, and with nearly all messages having the same word, templates needn't be compiled for each."""

    def __init__(self, text: str) -> None:
        folded = text.casefold()
        self.prefix = next(word for number in count(FIRST_WORD) if (word := f"mk{number:08x}") not in folded)
        self.pattern = re.compile(rf"{self.prefix}([vtcl])(\d+)z")
        self.control_pattern = re.compile(rf"{self.prefix}c\d+z")
        self.link_pattern = re.compile(rf"{self.prefix}l\d+z")
        self._marks: list[Mark] = []
        self._numbers: dict[Mark, int] = {}
        self._groups = 0

    def add(self, mark: Mark) -> str:
        """The marker that stands for `mark`."""
        number = self._numbers.setdefault(mark, len(self._marks))
        if number == len(self._marks):
            self._marks.append(mark)
        return f"{self.prefix}{KIND_LETTERS[type(mark)]}{number}z"

    def new_group(self) -> int:
        """A number for the next {% if %} … {% endif %}."""
        self._groups += 1
        return self._groups

    def group(self, number: int) -> tuple[list[Control], Control]:
        """The branches of a group, in order, and its end."""
        controls = [mark for mark in self._marks if isinstance(mark, Control) and mark.group == number]
        branches = sorted((mark for mark in controls if not mark.is_end), key=lambda mark: mark.branch)
        return branches, next(mark for mark in controls if mark.is_end)

    def read(self, found: re.Match[str]) -> Mark:
        """What a match of `pattern` stands for."""
        return self._marks[int(found[2])]

    def pieces(self, text: str) -> list[str | Mark]:
        """`text` cut at its markers: constant text and marks in order, no empty text."""
        found: list[str | Mark] = []
        at = 0
        for match in self.pattern.finditer(text):
            if match.start() > at:
                found.append(text[at : match.start()])
            found.append(self.read(match))
            at = match.end()
        if at < len(text):
            found.append(text[at:])
        return found

    def damaged(self, text: str) -> bool:
        """Whether a marker was changed on the way, by a filter such as upper or replace."""
        return len(re.findall(re.escape(self.prefix), text, re.IGNORECASE)) != len(self.pattern.findall(text))

    def without(self, text: str, *, conditions: bool = False) -> str:
        """`text` for people who read about the message and not the message: literals said, what waits left out.

        `conditions` keeps only the first branch of every condition.
        """
        said: list[str] = []
        hidden: list[bool] = []
        for piece in self.pieces(text):
            match piece:
                case Control():
                    if piece.branch == 0:
                        hidden.append(False)
                    elif hidden:  # else it begins outside this text, which is told where it is cut into parts
                        hidden[-1:] = [] if piece.is_end else [conditions]
                case str():
                    said.append("" if any(hidden) else piece)
                case Literal(literal):
                    said.append("" if any(hidden) else literal)
                case Value() | LinkMark():
                    pass
        return re.sub(r"\s+([,.;:!?])", r"\1", re.sub(r"[ \t]+", " ", "".join(said))).strip()
