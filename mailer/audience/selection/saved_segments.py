"""Saved segments: expressions with a name, each a file lists/segments/<name>.toml, that newsletters ask for by name.

A newsletter's audience has them written out (`written_out`), so what is counted, approved and kept with a campaign says
who is meant, and is another as soon as the segment is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, select

from mailer.audience.petition.signatures import signed_pages
from mailer.audience.selection.questions import QUESTIONS, REMEDIES, SEGMENT, QuestionTopic, is_sound
from mailer.audience.selection.segment_sql import SEGMENT_NAME, parse_segment
from mailer.audience.selection.segment_text import segment_text
from mailer.compose.expressions.ast import (
    And,
    Call,
    Compare,
    Concat,
    Conditional,
    Constants,
    Expression,
    Not,
    Or,
    operands,
)
from mailer.compose.expressions.parser import LONGEST
from mailer.diagnostics import Diagnostic, Place
from mailer.errors import MailerError, nearest, raise_errors
from mailer.store.tables.core import campaigns
from mailer.toml_file import TomlFile, read_toml
from mailer.workspace import Workspace

FOLDER = "segments"  # below lists/
KEYS = ("title", "about", "expression")


@dataclass(frozen=True, slots=True)
class SavedSegment:
    """One saved segment, as its file says it."""

    name: str
    title: str  # what colleagues call it: "Active in the UK"
    expression: str
    about: str = ""  # what it is for, in a sentence


@dataclass(frozen=True, slots=True)
class KnownNames:
    """What an expression may ask about. `fields` are those of supporters (`fields.known_fields`)."""

    workspace: Workspace
    fields: Collection[str]
    lists: Collection[str]
    newsletters: Collection[str]
    pages: Collection[str]


def known_names(connection: Connection, workspace: Workspace, *, fields: Collection[str], but: str = "") -> KnownNames:
    """What there is to ask about; the newsletter `but` is not among them, which nobody was mailed by yet."""
    sent = connection.execute(select(campaigns.c.slug)).scalars()
    return KnownNames(
        workspace, fields,
        lists=workspace.list_names(),
        newsletters=sorted({*sent, *workspace.slugs()} - {but}),
        pages=sorted({*signed_pages(connection), *workspace.action_pages()}),
    )  # fmt: skip


def segment_path(workspace: Workspace, name: str) -> Path:
    """Where a saved segment is kept, whether it is there or not."""
    return workspace.lists / FOLDER / f"{name}.toml"


def segment_file(name: str) -> str:
    """A saved segment's file as faults name it."""
    return f"lists/{FOLDER}/{name}.toml"


def segment_names(workspace: Workspace) -> list[str]:
    """The names of all saved segments, sorted."""
    found = (workspace.lists / FOLDER).glob("*.toml")
    return sorted(path.stem for path in found if SEGMENT_NAME.fullmatch(path.stem))


def segment_titles(workspace: Workspace) -> dict[str, str]:
    """What colleagues call the saved segments, by name: the name itself where its file can't be read."""
    found: dict[str, str] = {}
    for name in segment_names(workspace):
        try:
            found[name] = read_segment(workspace, name).title
        except MailerError:
            found[name] = name
    return found


def read_segment(workspace: Workspace, name: str) -> SavedSegment:
    """The saved segment `name`, its expression unread. Raises `MailerError` where there is none, or with all faults of
    its file."""
    path = segment_path(workspace, name)
    if not SEGMENT_NAME.fullmatch(name) or not path.is_file():
        remedy = nearest(name, segment_names(workspace))
        raise MailerError(f"there is no saved segment {name!r}", place=Place(f"lists/{FOLDER}/"), remedy=remedy)
    return segment_of(read_toml(path, segment_file(name)), name)


def segment_of(found: TomlFile, name: str) -> SavedSegment:
    """The segment that a file says. Raises `MailerError` with all its faults."""
    faults: list[Diagnostic] = []
    for key, value in found.data.items():
        if key not in KEYS:
            faults.append(Diagnostic(f"unknown key {key!r}", found.key(key), nearest(key, KEYS)))
        elif not isinstance(value, str):
            faults.append(Diagnostic(f"{key} must be text", found.key(key), f'Put it in quotes: {key} = "…"'))
    for key, example in (("title", "Active in the UK"), ("expression", "signed_within('30 days')")):
        if not found.data.get(key) or not str(found.data[key]).strip():
            faults.append(Diagnostic(f"{key} is missing", found.key(key), f'For example: {key} = "{example}"'))
    raise_errors(f"The saved segment {name} has faults:", faults)
    return SavedSegment(name, **found.data)


def written_out(source: str, known: KnownNames, *, place: Place | None = None) -> str:
    """The expression `source`, checked, as one that needs no saved segment: as it is written where it names none.

    Raises `MailerError` with every fault: those of saved segments have their file as place.
    """
    return _Reader(known).text(source, place)


def check_segment(segment: SavedSegment, known: KnownNames, *, place: Place | None = None) -> Expression:
    """What a saved segment says that isn't in its file yet, written out. Raises `MailerError` with every fault, circles
    that it would close among them."""
    return _Reader(known).expression(segment.expression, place, trail=(segment.name,))


@dataclass(slots=True)
class _Reader:
    """Reads an expression with the saved segments that it names; each is read once."""

    known: KnownNames
    done: dict[str, Expression] = field(default_factory=dict[str, Expression])

    def text(self, source: str, place: Place | None) -> str:
        found = self.expression(source, place, trail=())
        if not self.done:
            return source.strip()
        written = segment_text(found)
        if len(written) > LONGEST:
            message = f"with its saved segments written out it is longer than {LONGEST} characters"
            raise MailerError(message, place=place, remedy="Ask for less in one segment.")
        return written

    def expression(self, source: str, place: Place | None, *, trail: tuple[str, ...]) -> Expression:
        """The expression without saved segments. `trail`: those that it was come to through."""
        found = parse_segment(source, fields=self.known.fields, place=place)
        faults = [fault for call in calls(found) for fault in self.faults(call, place, trail)]
        raise_errors("The expression has faults:", faults)
        return _replaced(found, self.done.__getitem__)

    def faults(self, call: Call, place: Place | None, trail: tuple[str, ...]) -> Iterator[Diagnostic]:
        (name,) = call.args
        question = QUESTIONS[call.name]
        if question.topic is QuestionTopic.SEGMENT:
            yield from self.faults_of_segment(name, place, trail)
            return
        known = {
            QuestionTopic.LIST: self.known.lists, QuestionTopic.PAGE: self.known.pages,
            QuestionTopic.NEWSLETTER: self.known.newsletters,
        }.get(question.topic)  # fmt: skip
        if known is None:
            if not is_sound(question, name):
                yield Diagnostic(f"{call.name} can't ask about {name!r}", place, REMEDIES[question.topic])
        elif name not in known:
            yield Diagnostic(f"there is no {question.topic} {name!r}", place, nearest(name, known))

    def faults_of_segment(self, name: str, place: Place | None, trail: tuple[str, ...]) -> Iterator[Diagnostic]:
        if name in self.done:
            return
        if name in trail:
            circle = " → ".join((*trail[trail.index(name) :], name))
            yield Diagnostic(
                f"saved segments ask for one another in a circle: {circle}", place, "Take one of them out."
            )
            return
        if name not in segment_names(self.known.workspace):
            remedy = nearest(name, segment_names(self.known.workspace))
            if name in self.known.fields:
                remedy = f"Did you mean supporter.{name}?"
            yield Diagnostic(f"there is no saved segment {name!r}", place, remedy)
            return
        try:
            file = read_toml(segment_path(self.known.workspace, name), segment_file(name))
            segment = segment_of(file, name)
            found = self.expression(segment.expression, file.key("expression"), trail=(*trail, name))
            if len(segment_text(found)) > LONGEST:  # else segments of segments could grow without end
                raise MailerError("it is too long", place=file.key("expression"))
            self.done[name] = found
        except MailerError as error:
            for fault in error.diagnostics:
                yield Diagnostic(f"in the saved segment {name}: {fault.message}", fault.place, fault.remedy)


def calls(expression: Expression) -> Iterator[Call]:
    """The questions an expression asks."""
    if isinstance(expression, Call):
        yield expression
    for operand in operands(expression):
        yield from calls(operand)


def _replaced(expression: Expression, segment: Callable[[str], Expression]) -> Expression:
    """The expression with that of `segment` in the place of each saved one."""

    def inner(part: Expression) -> Expression:
        return _replaced(part, segment)

    match expression:
        case Call(name, (about,)) if name == SEGMENT:
            return segment(about)
        case And(left, right):
            return And(inner(left), inner(right))
        case Or(left, right):
            return Or(inner(left), inner(right))
        case Not(operand):
            return Not(inner(operand))
        case Conditional(test, then, otherwise):
            return Conditional(inner(test), inner(then), inner(otherwise))
        case Compare(left, operator, right):
            return Compare(inner(left), operator, right if isinstance(right, Constants) else inner(right))
        case Concat(parts):
            return Concat(tuple(map(inner, parts)))
        case _:
            return expression
