"""Merges a message for many people without making their mails: which branch, which values, how many bytes.

A merge program does that for one mail and escapes every value; here a million people pass by, so a message becomes a
small tree that is walked for each, and only what is unusual is kept. Memory does not grow with the people.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from mailer.audience.names import holds_address
from mailer.checking.evidence.audience_stats import AudienceStats, MessageVariant, Standout, Trouble, Troubled, Which
from mailer.compose.expressions.ast import (
    ANYTHING,
    And,
    Compare,
    Concat,
    Conditional,
    Expression,
    Field,
    Filter,
    Not,
    Or,
    Vocabulary,
)
from mailer.compose.expressions.evaluator import Subject, TextOf, TruthOf, text_of, truth_of
from mailer.compose.expressions.parser import parse_expression
from mailer.compose.expressions.readings import Reading, readings
from mailer.compose.merge import NAMES
from mailer.compose.message import Choice, Message, Parts, Slot

LONG = 60  # characters: longer than all but the rarest names and towns
SHOWN = 60
MOST_VARIANTS = 1_000  # kept apart; beyond that they are only counted
NAMES_OF_PEOPLE = ("first_name", "last_name", "name")
MARKUP = re.compile(r"[<>{}]|&#?\w+;|https?:|\*\||\bwww\.", re.IGNORECASE)
AFTER_HOLE = re.compile(r"\s*[,;:!?.]")
# An address whose scheme and host come before the first slot leads somewhere for everybody.
FIXED_HOST = re.compile(r"https?://[^/?#]+[/?#]", re.IGNORECASE)
WEB = re.compile(r"https?://[^/?#\s]+", re.IGNORECASE)
PERSONAL: dict[str, str] = dict.fromkeys(NAMES, "https://mail.example.org/u/00000000000000000000000000000000")


@dataclass(frozen=True, slots=True)
class Row:
    """People who are alike in all that the message uses: the values of `Walk.fields`, how many, and one of them."""

    values: Sequence[str]
    people: int
    person_id: int


@dataclass(slots=True)
class _Value:
    """A place where an expression is printed."""

    source: str
    text: TextOf
    weight: int  # how often it is there
    is_name: bool
    may_be_empty: bool  # written so: "this" if … else ""
    greets: bool  # punctuation follows


@dataclass(slots=True)
class _Fork:
    """A condition; `nodes` are what each branch prints."""

    condition: int
    nodes: list[list[_Node]]
    constants: list[int]  # bytes of each branch


_Node = _Value | _Fork
_Where = tuple[Trouble, str]


@dataclass(slots=True)
class _Tally:
    """The counts so far."""

    people: int = 0
    rows: int = 0
    variants: dict[tuple[int, ...], list[int]] = field(default_factory=dict[tuple[int, ...], list[int]])
    crowded: set[tuple[int, ...]] = field(default_factory=set[tuple[int, ...]])
    troubled: dict[_Where, list[int | str]] = field(default_factory=dict[tuple[Trouble, str], list[int | str]])
    met: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])
    filled: set[int] = field(default_factory=set[int])
    best: tuple[tuple[int, int], int, int] | None = None  # rank, person, bytes
    worst: tuple[tuple[int, int], int, int] | None = None
    longest: tuple[int, int] | None = None  # bytes, person


class Walk:
    """A message as a tree to be walked for each person. `fields` are those of the supporter that it uses."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self._conditions: list[tuple[tuple[str, ...], list[TruthOf | None]]] = []
        self._numbers: dict[tuple[str, ...], int] = {}
        self._expressions: list[Expression] = []
        self._readings: dict[str, list[tuple[TextOf, Reading]]] = {}  # by the expression's source
        self._constant = sum(len(part.encode()) for part in message.html if isinstance(part, str))
        self._nodes = [*self._tree(message.html), *self._tree(message.subject, weight=0)]
        self._links = list(self._open_links())
        self.fields = tuple(sorted({name for one in self._expressions for name in _fields(one)}))

    def figures(self, rows: Iterable[Row]) -> AudienceStats:
        """The statistics of merging all these people. Each row is read once and forgotten."""
        tally = _Tally()
        for row in rows:
            self._visit(row, tally)
        return self._told(tally)

    # Building

    def _tree(self, parts: Parts, *, weight: int = 1) -> list[_Node]:
        nodes: list[_Node] = []
        for at, part in enumerate(parts):
            if isinstance(part, str):
                continue
            slot = self.message.slots[part]
            if isinstance(slot, Choice):
                nodes.append(self._fork(slot, weight))
            elif slot.source not in NAMES:
                after = parts[at + 1] if at + 1 < len(parts) else ""
                nodes.append(self._value(slot, weight, greets=isinstance(after, str) and bool(AFTER_HOLE.match(after))))
        return nodes

    def _fork(self, choice: Choice, weight: int) -> _Fork:
        tests = tuple(test for test, _ in choice.branches)
        if tests not in self._numbers:  # the same condition in the HTML and in the text is one
            parsed = [self._parsed(test) if test else None for test in tests]
            truths = [truth_of(one, self.message.constants) if one is not None else None for one in parsed]
            self._numbers[tests] = len(self._conditions)
            self._conditions.append((tests, truths))
        nodes = [self._tree(parts, weight=weight) for _, parts in choice.branches]
        constants = [
            weight * sum(len(part.encode()) for part in parts if isinstance(part, str)) for _, parts in choice.branches
        ]
        return _Fork(self._numbers[tests], nodes, constants)

    def _value(self, slot: Slot, weight: int, *, greets: bool) -> _Value:
        expression = self._parsed(slot.source)
        names = set(_fields(expression))
        return _Value(
            slot.source,
            text_of(expression, self.message.constants),
            weight,
            is_name=bool(names) and names <= set(NAMES_OF_PEOPLE),
            may_be_empty=isinstance(expression, Conditional | And),
            greets=greets,
        )

    def _parsed(self, source: str) -> Expression:
        scopes = {"supporter": ANYTHING, **dict.fromkeys(self.message.constants, ANYTHING)}
        vocabulary = Vocabulary(scopes=scopes, names=NAMES, language=self.message.language)
        expression = parse_expression(source, vocabulary=vocabulary)
        self._expressions.append(expression)
        read = [(text_of(one.operand, self.message.constants), one) for one in readings(expression)]
        if read:
            self._readings[source] = read
        return expression

    def _open_links(self) -> Iterator[tuple[str, list[str | TextOf]]]:
        """Links whose site depends on the person: what they are called, and their pieces."""
        for link in self.message.links:
            first = link.destination[0] if link.destination else ""
            if all(isinstance(part, str) for part in link.destination):
                continue
            pieces: list[str | TextOf] = []
            for part in link.destination:
                slot = self.message.slots[part] if isinstance(part, int) else None
                if isinstance(slot, Slot) and slot.source not in NAMES:
                    pieces.append(text_of(self._parsed(slot.source), self.message.constants))
                elif isinstance(part, str):
                    pieces.append(part)
            if not (isinstance(first, str) and FIXED_HOST.match(first)):
                yield link.label or link.url, pieces

    # Walking

    def _visit(self, row: Row, tally: _Tally) -> None:
        person = Subject(dict(zip(self.fields, row.values, strict=True)), PERSONAL)
        tally.people += row.people
        tally.rows += 1
        if len(tally.filled) < len(self.fields):
            tally.filled.update(at for at, value in enumerate(row.values) if value)
        branches = tuple([_branch(truths, person) for _, truths in self._conditions])
        self._count_variant(branches, row, tally)
        found: dict[_Where, str] = {}  # each trouble once for a person, in however many places it is
        size, troubles = self._walk(self._nodes, person, branches, found)
        for label, pieces in self._links:
            url = "".join([piece if isinstance(piece, str) else piece(person) for piece in pieces])
            if not WEB.match(url):
                found.setdefault((Trouble.DESTINATION, label), url)
                troubles += 1
        for source, read in self._readings.items():
            unread = next((text(person) for text, one in read if not one.can_read(text(person))), None)
            if unread is not None:
                found.setdefault((Trouble.UNREADABLE, source), unread)
                troubles += 1
        for (trouble, source), value in found.items():
            _note(tally, trouble, source, value, row)
        empty = sum([not value for value in row.values])
        size += self._constant
        if tally.best is None or (troubles, empty) < tally.best[0]:
            tally.best = ((troubles, empty), row.person_id, size)
        if tally.worst is None or (troubles, empty) > tally.worst[0]:
            tally.worst = ((troubles, empty), row.person_id, size)
        if tally.longest is None or size > tally.longest[0]:
            tally.longest = (size, row.person_id)

    def _walk(
        self, nodes: Sequence[_Node], person: Subject, branches: tuple[int, ...], found: dict[_Where, str]
    ) -> tuple[int, int]:
        """The bytes that these places print for a person beside what is constant, and how many of them are in trouble.

        Which troubles these are goes into `found`, with a value that shows it.
        """
        size = troubles = 0
        for node in nodes:
            if isinstance(node, _Value):
                value = node.text(person)
                size += node.weight * len(value.encode())
                trouble = _trouble(node, value)
                if trouble is not None:
                    troubles += node.weight
                    found.setdefault((trouble, node.source), value)
                continue
            branch = branches[node.condition]
            if branch >= 0:
                more, worse = self._walk(node.nodes[branch], person, branches, found)
                size += more + node.constants[branch]
                troubles += worse
        return size, troubles

    @staticmethod
    def _count_variant(branches: tuple[int, ...], row: Row, tally: _Tally) -> None:
        known = tally.variants.get(branches)
        if known is not None:
            known[0] += row.people
        elif len(tally.variants) < MOST_VARIANTS:
            tally.variants[branches] = [row.people, row.person_id]
            tally.met.update(enumerate(branches))
        elif len(tally.crowded) < MOST_VARIANTS * 100:
            tally.crowded.add(branches)
            tally.met.update(enumerate(branches))

    # Telling

    def _told(self, tally: _Tally) -> AudienceStats:
        if not tally.people:
            return AudienceStats()
        variants = sorted(tally.variants.items(), key=lambda one: (-one[1][0], one[0]))
        standouts: list[Standout] = []
        if tally.best and tally.worst and tally.longest:
            standouts = [
                Standout(Which.BEST, tally.best[1], tally.best[2]),
                Standout(Which.WORST, tally.worst[1], tally.worst[2]),
                Standout(Which.LONGEST, tally.longest[1], tally.longest[0]),
            ]
        return AudienceStats(
            people=tally.people,
            rows=tally.rows,
            variants=tuple(MessageVariant(self._said(taken), people, person) for taken, (people, person) in variants),
            more_variants=len(tally.crowded),
            troubled=tuple(
                Troubled(trouble, source, int(people), str(value), int(person))
                for (trouble, source), (people, value, person) in tally.troubled.items()
            ),
            unmet=tuple(
                test
                for number, (tests, _) in enumerate(self._conditions)
                for branch, test in enumerate(tests)
                if test and (number, branch) not in tally.met
            ),
            never_filled=tuple(name for at, name in enumerate(self.fields) if at not in tally.filled),
            standouts=tuple(standouts),
        )

    def _said(self, taken: tuple[int, ...]) -> tuple[str, ...]:
        return tuple(
            "nothing" if branch < 0 else tests[branch] or "else"
            for (tests, _), branch in zip(self._conditions, taken, strict=True)
        )


def _branch(truths: Sequence[TruthOf | None], person: Subject) -> int:
    """The branch a person gets, or -1 for nothing."""
    for number, truth in enumerate(truths):
        if truth is None or truth(person):
            return number
    return -1


def _trouble(node: _Value, value: str) -> Trouble | None:
    if not value.strip():
        return None if node.may_be_empty else Trouble.GREETING if node.greets and node.is_name else Trouble.EMPTY
    if len(value) > LONG:
        return Trouble.LONG
    if node.is_name and len(value) > 2 and value.isupper():
        return Trouble.CAPITALS
    if not value.isalpha() and (MARKUP.search(value) or (node.is_name and holds_address(value))):
        return Trouble.MARKUP
    return None


def _note(tally: _Tally, trouble: Trouble, source: str, value: str, row: Row) -> None:
    known = tally.troubled.get((trouble, source))
    if known is None:
        tally.troubled[trouble, source] = [row.people, value[:SHOWN], row.person_id]
    else:
        known[0] = int(known[0]) + row.people


def _fields(expression: Expression) -> Iterator[str]:
    """The supporter's fields that an expression names."""
    match expression:
        case Field(scope, name):
            if scope == "supporter":
                yield name
        case Filter(_, operand, args):
            yield from _of_all((operand, *args))
        case Compare(left, _, right):
            yield from _fields(left)
            if isinstance(right, _EXPRESSIONS):
                yield from _fields(right)
        case And(left, right) | Or(left, right):
            yield from _of_all((left, right))
        case Not(operand):
            yield from _fields(operand)
        case Conditional(test, then, otherwise):
            yield from _of_all((test, then, otherwise))
        case Concat(parts):
            yield from _of_all(parts)
        case _:
            return


_EXPRESSIONS = Field | Filter | Compare | And | Or | Not | Conditional | Concat


def _of_all(expressions: Iterable[Expression]) -> Iterator[str]:
    for expression in expressions:
        yield from _fields(expression)
