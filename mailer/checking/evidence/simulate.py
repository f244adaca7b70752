"""Merges a message for many people without keeping their mails: which branch, which values, how many bytes.

The merge program that makes the mails runs for everyone who differs in what the message uses, and is watched: of a
million people only what is unusual is kept. Memory does not grow with the people.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, pairwise

from mailer.audience.names import holds_address
from mailer.checking.evidence.audience_stats import AudienceStats, MessageVariant, Standout, Trouble, Troubled, Which
from mailer.compose.data.tables import LOOKUP, Cells, LookupOf, no_cells
from mailer.compose.expressions.ast import And, Conditional, fields_of, lookups_of
from mailer.compose.expressions.evaluator import Subject, text_of
from mailer.compose.expressions.readings import readings
from mailer.compose.merge import NAMES, NO_BRANCH, BadDestination, MergeProgram, parsed
from mailer.compose.message import Choice, Link, Message, Parts, Slot
from mailer.delivery.data.rows import TableCells

LONG = 60  # characters: longer than all but the rarest names and towns
SHOWN = 60
AT_ONCE = 1_000  # people whose rows of tables are asked for together
MOST_VARIANTS = 1_000  # kept apart; beyond that they are only counted
MOST_JUDGED = 2_000  # values of a slot that are remembered
NAMES_OF_PEOPLE = ("first_name", "last_name", "name")
MARKUP = re.compile(r"[<>{}]|&#?\w+;|https?:|\*\||\bwww\.", re.IGNORECASE)
AFTER_HOLE = re.compile(r"\s*[,;:!?.]")
# An address whose scheme and host come before the first slot leads somewhere for everybody.
FIXED_HOST = re.compile(r"https?://[^/?#]+[/?#]", re.IGNORECASE)
PERSONAL_ADDRESS = "https://mail.example.org/u/00000000000000000000000000000000"
PERSONAL: dict[str, str] = dict.fromkeys(NAMES, PERSONAL_ADDRESS)


@dataclass(frozen=True, slots=True)
class Row:
    """People who are alike in all that the message uses: the values of `Simulation.fields`, how many, one of them."""

    values: Sequence[str]
    people: int
    person_id: int


@dataclass(frozen=True, slots=True)
class _Place:
    """A slot where an expression is printed."""

    source: str
    is_name: bool
    may_be_empty: bool  # written so: "this" if … else ""
    greets: bool  # punctuation follows

    def trouble(self, value: str) -> Trouble | None:
        """What is wrong with a value that is printed here."""
        if not value.strip():
            return None if self.may_be_empty else Trouble.GREETING if self.greets and self.is_name else Trouble.EMPTY
        if len(value) > LONG:
            return Trouble.LONG
        if self.is_name and len(value) > 2 and value.isupper():
            return Trouble.CAPITALS
        if not value.isalpha() and (MARKUP.search(value) or (self.is_name and holds_address(value))):
            return Trouble.MARKUP
        return None


_Where = tuple[Trouble, str]
_Rank = tuple[int, int]  # troubles, fields that are empty


@dataclass(slots=True)
class _Tally:
    """The counts so far."""

    people: int = 0
    rows: int = 0
    variants: dict[tuple[int, ...], list[int]] = field(default_factory=dict[tuple[int, ...], list[int]])
    crowded: set[tuple[int, ...]] = field(default_factory=set[tuple[int, ...]])
    troubled: dict[_Where, Troubled] = field(default_factory=dict[_Where, Troubled])
    met: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])
    filled: set[int] = field(default_factory=set[int])
    best: tuple[_Rank, Standout] | None = None
    worst: tuple[_Rank, Standout] | None = None
    longest: Standout | None = None


class Simulation:
    """A message that is merged for everyone. `fields` are those of the supporter that it uses."""

    def __init__(self, message: Message, cells: Cells = no_cells) -> None:
        self._cells = cells
        self._program = MergeProgram(replace(message, preheader=(), text=()), self._see)
        self._links_program = MergeProgram(message, cells=self._cell)
        self._constant = sum(len(part.encode()) for part in message.html if isinstance(part, str))
        in_html = [part for part in message.html if isinstance(part, int)]
        self._in_html = [n for n in in_html if not _is_own(message.slots[n])]
        self._constant += len(PERSONAL_ADDRESS) * (len(in_html) - len(self._in_html))
        self._places = _places(message)
        self._judged = {n: dict[str, Trouble | None]() for n in self._places}  # people share names
        # The same condition in the HTML and in the text is one.
        tests = {n: tuple(test for test, _ in slot.branches)
                 for n, slot in enumerate(message.slots) if isinstance(slot, Choice)}  # fmt: skip
        self._tests = list(dict.fromkeys(tests[n] for n in tests if n in _shown(message)))
        self._conditions = {n: self._tests.index(one) for n, one in tests.items() if one in self._tests}
        self._links = [link for link in message.links if _may_lead_astray(link, message)]
        sources = {slot.source for slot in message.slots if isinstance(slot, Slot) and slot.source not in NAMES}
        expressions = {
            source: parsed(source, message)
            for source in sorted(sources | {test for one in tests.values() for test in one if test})
        }
        self._readings = [
            (source, text_of(one.operand, message.constants), one)
            for source, expression in expressions.items()
            for one in readings(expression)
        ]
        self.fields = tuple(sorted({name for one in expressions.values() for name in fields_of(one)}))
        lookups = dict.fromkeys(one for each in expressions.values() for one in lookups_of(each))
        self._keys = [(one.table, text_of(one.key, message.constants)) for one in lookups]
        self._taken = [NO_BRANCH] * len(self._tests)  # of the person who is merged
        self._found: dict[_Where, str] = {}  # each trouble once for a person, in however many places it is
        self._troubles = 0

    def figures(self, rows: Iterable[Row]) -> AudienceStats:
        """The statistics of merging all these people. Each row is read once and forgotten."""
        tally = _Tally()
        each = iter(rows)
        while batch := list(islice(each, AT_ONCE)):
            self._look_up(batch)
            for row in batch:
                self._merge(row, tally)
        return self._told(tally)

    # Merging

    def _see(self, n: int, seen: str | int) -> None:
        """What the program prints in slot `n`, or the branch that it takes there."""
        if isinstance(seen, int):
            self._taken[self._conditions[n]] = seen
            return
        place, judged = self._places[n], self._judged[n]
        if seen not in judged:
            if len(judged) >= MOST_JUDGED:
                judged.clear()
            judged[seen] = place.trouble(seen)
        trouble = judged[seen]
        if trouble is not None:
            self._find(trouble, place.source, seen)

    def _look_up(self, batch: Sequence[Row]) -> None:
        """Ask for the rows of tables that these people need together: one by one takes a hundred times as long."""
        if not isinstance(self._cells, TableCells):
            return
        people = [Subject(dict(zip(self.fields, row.values, strict=True))) for row in batch]
        for table, key in self._keys:
            self._cells.fetch(table, {key(person) for person in people})

    def _cell(self, lookup: LookupOf, key: str) -> str | None:
        """The cell that a mail prints or tests, and a trouble where there is none."""
        found = self._cells(lookup, key)
        if not found:
            self._find(Trouble.NO_ROW if found is None else Trouble.NO_CELL, _told(lookup), "")
        return found

    def _find(self, trouble: Trouble, source: str, value: str) -> None:
        self._troubles += 1
        self._found.setdefault((trouble, source), value)

    def _merge(self, row: Row, tally: _Tally) -> None:
        supporter = dict(zip(self.fields, row.values, strict=True))
        person = Subject(supporter, PERSONAL, names_in_html=PERSONAL, cells=self._cell)
        self._taken = [NO_BRANCH] * len(self._tests)
        self._found, self._troubles = {}, 0
        values = self._program.values_of(person)
        for link in self._links:
            try:
                self._links_program.destination(link, supporter)
            except BadDestination:
                url = self._links_program.written_destination(link, supporter)
                self._find(Trouble.DESTINATION, link.label or link.url, url)
        for source, text, reading in self._readings:
            if not reading.can_read(value := text(person)):
                self._find(Trouble.UNREADABLE, source, value)
        tally.people += row.people
        tally.rows += 1
        if len(tally.filled) < len(self.fields):
            tally.filled.update(at for at, value in enumerate(row.values) if value)
        _count_variant(tuple(self._taken), row, tally)
        for (trouble, source), value in self._found.items():
            known = tally.troubled.get((trouble, source))
            tally.troubled[trouble, source] = (
                replace(known, people=known.people + row.people)
                if known
                else Troubled(trouble, source, row.people, value[:SHOWN], row.person_id)
            )
        texts = [values[n] for n in self._in_html]
        size = self._constant + sum([len(text) if text.isascii() else len(text.encode()) for text in texts])
        _rank(self._troubles, size, row, tally)

    # Telling

    def _told(self, tally: _Tally) -> AudienceStats:
        if not (tally.best and tally.worst and tally.longest):  # nobody
            return AudienceStats()
        variants = sorted(tally.variants.items(), key=lambda one: (-one[1][0], one[0]))
        return AudienceStats(
            people=tally.people,
            rows=tally.rows,
            variants=tuple(MessageVariant(self._said(taken), people, person) for taken, (people, person) in variants),
            more_variants=len(tally.crowded),
            troubled=tuple(tally.troubled.values()),
            unmet=tuple(
                test
                for number, tests in enumerate(self._tests)
                for branch, test in enumerate(tests)
                if test and (number, branch) not in tally.met
            ),
            never_filled=tuple(name for at, name in enumerate(self.fields) if at not in tally.filled),
            standouts=(tally.best[1], tally.worst[1], tally.longest),
        )

    def _said(self, taken: tuple[int, ...]) -> tuple[str, ...]:
        return tuple(
            "nothing" if branch == NO_BRANCH else tests[branch] or "else"
            for tests, branch in zip(self._tests, taken, strict=True)
        )


def _told(lookup: LookupOf) -> str:
    table = lookup.table
    return f"{table.name}.{table.tags[lookup.column - 1] if lookup.column else table.columns[0]}"


def _shown(message: Message) -> set[int]:
    """The slots that the subject and the HTML have, in whichever branch."""
    found: set[int] = set()
    for parts in (message.subject, message.html):
        found |= set(_slots_in(parts, message))
    return found


def _slots_in(parts: Parts, message: Message) -> Iterator[int]:
    for part in parts:
        if isinstance(part, int):
            yield part
            slot = message.slots[part]
            if isinstance(slot, Choice):
                for _, branch in slot.branches:
                    yield from _slots_in(branch, message)


def _is_own(slot: Slot | Choice) -> bool:
    """Whether it prints one of the person's own addresses, which here are all the same."""
    return isinstance(slot, Slot) and slot.source in NAMES


def _places(message: Message) -> dict[int, _Place]:
    """Every slot that prints a value, by its number."""
    greeting = set(_before_punctuation(message))
    places: dict[int, _Place] = {}
    for n, slot in enumerate(message.slots):
        if isinstance(slot, Slot) and slot.source not in NAMES:
            expression = parsed(slot.source, message)
            names = set(fields_of(expression))
            places[n] = _Place(
                slot.source,
                is_name=bool(names) and names <= set(NAMES_OF_PEOPLE),
                may_be_empty=isinstance(expression, Conditional | And),
                greets=n in greeting,
            )
    return places


def _before_punctuation(message: Message) -> Iterator[int]:
    branches = [parts for slot in message.slots if isinstance(slot, Choice) for _, parts in slot.branches]
    for parts in (message.subject, message.html, *branches):
        for part, after in pairwise(parts):
            if isinstance(part, int) and isinstance(after, str) and AFTER_HOLE.match(after):
                yield part


def _may_lead_astray(link: Link, message: Message) -> bool:
    """Whether the link's site depends on the person, or its address on their row of a table."""
    first = link.destination[0] if link.destination else ""
    personal = [part for part in link.destination if isinstance(part, int)]
    own = [slot for slot in map(message.slots.__getitem__, personal) if isinstance(slot, Slot) and slot.source in NAMES]
    looks_up = any(LOOKUP in slot.source for slot in map(message.slots.__getitem__, personal) if isinstance(slot, Slot))
    return looks_up or (len(personal) > len(own) and not (isinstance(first, str) and FIXED_HOST.match(first)))


def _count_variant(taken: tuple[int, ...], row: Row, tally: _Tally) -> None:
    known = tally.variants.get(taken)
    if known is not None:
        known[0] += row.people
    elif len(tally.variants) < MOST_VARIANTS:
        tally.variants[taken] = [row.people, row.person_id]
        tally.met.update(enumerate(taken))
    elif len(tally.crowded) < MOST_VARIANTS * 100:
        tally.crowded.add(taken)
        tally.met.update(enumerate(taken))


def _rank(troubles: int, size: int, row: Row, tally: _Tally) -> None:
    """Keep the mail when it is the best, the worst or the longest so far."""
    rank = (troubles, sum([not value for value in row.values]))
    if tally.best is None or rank < tally.best[0]:
        tally.best = (rank, Standout(Which.BEST, row.person_id, size))
    if tally.worst is None or rank > tally.worst[0]:
        tally.worst = (rank, Standout(Which.WORST, row.person_id, size))
    if tally.longest is None or size > tally.longest.html_bytes:
        tally.longest = Standout(Which.LONGEST, row.person_id, size)
