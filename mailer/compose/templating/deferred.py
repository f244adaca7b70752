"""The first of Jinja's two moments: finds the constructs that wait for the person and puts markers in their place.

{{ … }} that names the supporter or one of the person's addresses waits, and so does a whole {% if %} group when one of
its tests does. Everything else is left for `render`. Lines keep their numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mailer.compose.data.tables import LOOKUP
from mailer.compose.expressions.ast import Expression, Field, Filter, Vocabulary, is_text
from mailer.compose.expressions.parser import parse_expression
from mailer.compose.expressions.tagged import TAGGED
from mailer.compose.templating.markers import Control, Markers, Value
from mailer.diagnostics import Diagnostic, Level, Place
from mailer.errors import MailerError

PERSONAL_ADDRESSES = ("unsubscribe_url", "view_url", "preferences_url")
WAITING_NAMES = ("supporter", TAGGED, LOOKUP, *PERSONAL_ADDRESSES)
# Line marks are runs of the four separators U+001C to U+001F: Jinja's {%- and -%} strip them as the blanks they are,
# they can't be in a source (`source` removes control characters), and no filter changes them.
LINE_MARK = re.compile("[\x1c-\x1e]+\x1f")
DIGITS = "\x1c\x1d\x1e"
READABLE = str.maketrans(DIGITS, "012")
FILE_STEP = 1 << 20  # lines a file may have

# Where a missing value leaves a hole that everybody sees: "Dear ,".
OFTEN_MISSING = ("first_name", "last_name", "name")
UNCHANGED_WHEN_EMPTY = ("upper", "lower", "title")

Token = tuple[int, str, str]


class Construct(NamedTuple):
    """A {{ }} or {% %}, or a stretch of anything else (keyword "")."""

    line: int
    raw: str
    keyword: str = ""  # "=" for {{ }}, else the first word: if, elif, for …
    source: str = ""  # between the delimiters, without the keyword
    waits: bool = False  # for the person
    is_data: bool = False


def line_mark(number: int) -> str:
    """A mark that says on which line of the source the text after it is."""
    digits = ""
    while number:
        number, digit = divmod(number, 3)
        digits = DIGITS[digit] + digits
    return digits + "\x1f"


def read_line_mark(mark: str) -> int:
    """The number in a `line_mark`."""
    return int("0" + mark[:-1].translate(READABLE), 3)


@dataclass(frozen=True, slots=True)
class SourceText:
    """A text with Jinja in it: where it is, and which of the file numbers its line marks carry."""

    text: str
    place: Place  # of its first line
    file_number: int = 0
    marked: bool = True  # whether to put in line marks


def put_markers(
    source: SourceText, constructs: Sequence[Construct], *, markers: Markers, vocabulary: Vocabulary
) -> tuple[str, list[Diagnostic]]:
    """`source`'s text with a marker for everything that waits, and the faults of that. `constructs` are the text's own,
    whose Jinja syntax has been found correct."""
    waiting = _Waiting(source, markers=markers, vocabulary=vocabulary)
    out: list[str] = []
    line = 1
    for construct, marker in zip(constructs, waiting.markers_for(constructs), strict=True):
        if construct.line > line:  # {%- took line breaks with it: a comment keeps the count
            out.append("{#" + "\n" * (construct.line - line) + "#}")
        text = construct.raw
        line = construct.line + text.count("\n")
        if marker is not None:
            breaks = text.count("\n")
            text = marker + ("{#" + "\n" * breaks + "#}" if breaks else "")
        elif construct.is_data and source.marked:
            text = _with_line_marks(construct, source)
        out.append(text)
    return "".join(out), waiting.faults


def _with_line_marks(construct: Construct, source: SourceText) -> str:
    base = source.file_number * FILE_STEP + (source.place.line or 1) - 1 + construct.line
    lines = construct.raw.split("\n")
    first = line_mark(base) if construct.line == 1 else ""
    return first + lines[0] + "".join(f"\n{line_mark(base + n)}{text}" for n, text in enumerate(lines[1:], 1))


def constructs_of(tokens: Iterable[Token]) -> Iterator[Construct]:
    """The stretches of a text that Jinja has cut into `tokens`, which together are the whole text."""
    each = iter(tokens)
    for line, kind, value in each:
        if kind in ("variable_begin", "block_begin"):
            inside = list(_until_end(each))
            raw = value + "".join(one for _, _, one in inside)
            keyword, inner = "=", inside[:-1]
            if kind == "block_begin":
                first = next((at for at, (_, kind, _) in enumerate(inner) if kind == "name"), len(inner))
                keyword, inner = "".join(one for _, _, one in inner[first : first + 1]), inner[first + 1 :]
            source = "".join(one for _, _, one in inner).strip()
            yield Construct(line, raw, keyword, source, _waits(inner))
        else:
            yield Construct(line, value, is_data=kind == "data")


def _until_end(tokens: Iterator[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        if token[1] in ("variable_end", "block_end"):
            return


def _waits(tokens: Iterable[Token]) -> bool:
    before = ""
    for _, kind, value in tokens:
        if kind == "name" and value in WAITING_NAMES and before != ".":
            return True
        before = value if kind != "whitespace" else before
    return False


@dataclass(slots=True)
class _Open:
    """An {% if %} or {% for %} that isn't closed yet."""

    members: list[int]
    is_if: bool


class _Waiting:
    def __init__(self, source: SourceText, *, markers: Markers, vocabulary: Vocabulary) -> None:
        self.place = source.place
        self.markers = markers
        self.vocabulary = vocabulary
        self.faults: list[Diagnostic] = []

    def markers_for(self, constructs: Sequence[Construct]) -> list[str | None]:
        """A marker for each construct that waits, None for the others."""
        result: list[str | None] = [None] * len(constructs)
        grouped: set[int] = set()
        tests: dict[range, str] = {}  # from a condition's beginning to its end: what it tests
        for group in _if_groups(constructs):
            grouped.update(group)
            if any(constructs[i].waits for i in group):
                self.group([constructs[i] for i in group], group, result)
                tests[range(group[0], group[-1])] = " ".join(constructs[i].source for i in group)
        for index, construct in enumerate(constructs):
            if index in grouped or not construct.waits:
                continue
            if construct.keyword == "=":
                around = " ".join(test for span, test in tests.items() if index in span)
                result[index] = self.value(construct, around=around)
            else:
                self.faults.append(
                    Diagnostic(
                        f"{{% {construct.keyword} %}} can't wait for the person",
                        self.at(construct),
                        "Only {{ … }} and {% if %} … {% elif %} … {% else %} … {% endif %} can name the supporter.",
                    )
                )
                result[index] = None
        return result

    def at(self, construct: Construct) -> Place:
        return Place(self.place.file, (self.place.line or 1) + construct.line - 1)

    def checked(self, construct: Construct) -> Expression | None:
        """The expression, or None when it isn't in the language."""
        try:
            return parse_expression(construct.source, vocabulary=self.vocabulary, place=self.at(construct))
        except MailerError as found:
            self.faults += found.diagnostics
            return None

    def value(self, construct: Construct, *, around: str) -> str:
        """A marker for {{ … }}. `around`: what the conditions around it test."""
        expression, place = self.checked(construct), self.at(construct)
        if expression is not None and not is_text(expression):
            remedy = 'Write {{ "this" if … else "that" }}, or use {% if %}.'
            self.faults.append(Diagnostic("a comparison is true or false and can't be printed", place, remedy))
        missing = _may_be_missing(expression)
        if missing and missing not in around:
            remedy = f'Say what to write instead: {{{{ supporter.{missing} | default("friend") }}}}'
            self.faults.append(
                Diagnostic(
                    f"people without {missing} get a hole here", place, remedy, Level.WARNING, "writing.no-stand-in"
                )
            )
        return self.markers.add(Value(construct.source, place))

    def group(self, constructs: Sequence[Construct], indices: list[int], result: list[str | None]) -> None:
        number = self.markers.new_group()
        for branch, (construct, index) in enumerate(zip(constructs, indices, strict=True)):
            tested = construct.keyword in ("if", "elif")
            if tested:
                self.checked(construct)
            test = construct.source if tested else ""
            ends = construct.keyword == "endif"
            result[index] = self.markers.add(Control(number, -1 if ends else branch, test, self.at(construct)))


def _may_be_missing(expression: Expression | None) -> str | None:
    """The field that many people lack, when it has no fallback."""
    while isinstance(expression, Filter) and expression.name in UNCHANGED_WHEN_EMPTY:
        expression = expression.operand
    if isinstance(expression, Field) and expression.scope == "supporter" and expression.name in OFTEN_MISSING:
        return expression.name
    return None


def _if_groups(constructs: Sequence[Construct]) -> list[list[int]]:
    """The indices of each {% if %}, its {% elif %}, {% else %} and {% endif %}, in the order of their beginnings."""
    groups: list[list[int]] = []
    stack: list[_Open] = []
    for index, construct in enumerate(constructs):
        if construct.keyword in ("if", "for"):
            stack.append(_Open([index], construct.keyword == "if"))
            if stack[-1].is_if:
                groups.append(stack[-1].members)
        elif construct.keyword in ("elif", "else"):
            stack[-1].members.append(index)
        elif construct.keyword in ("endif", "endfor"):
            stack.pop().members.append(index)
    return groups
