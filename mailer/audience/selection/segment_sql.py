"""A segment, the expression that says which people are meant, as a condition in SQL.

What an expression means is written in `compose.expressions`; this gives the same people as evaluating it for each of
them would, by property test. No text of the expression ever becomes SQL text: constants are bound.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Double,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from mailer.audience.selection.groups import subscribed_to
from mailer.audience.selection.questions import QUESTIONS, SEGMENT
from mailer.audience.tags import tag_list
from mailer.compose.expressions.ast import (
    ANYTHING,
    And,
    Call,
    Compare,
    Concat,
    Conditional,
    Const,
    Constants,
    Expression,
    Field,
    Not,
    Operator,
    Or,
    Vocabulary,
)
from mailer.compose.expressions.evaluator import MOST_DIGITS, ORDER
from mailer.compose.expressions.parser import parse_expression
from mailer.compose.expressions.readings import Kind, readings
from mailer.compose.expressions.tagged import TAGS
from mailer.diagnostics import Place
from mailer.errors import MailerError
from mailer.store.tables.core import people

Text_ = ColumnElement[str]
Truth = ColumnElement[bool]

SEGMENT_NAME = re.compile(r"[a-z][a-z0-9-]{0,79}", re.ASCII)
COLUMNS: Mapping[str, ColumnElement[str]] = {
    "email": people.c.address,
    "first_name": people.c.first_name,
    "last_name": people.c.last_name,
    "country": people.c.country,
    "language": people.c.language,
    "timezone": people.c.timezone,
}


def vocabulary(fields: Collection[str]) -> Vocabulary:
    """What a segment may name. Filters are left out: engines differ in what `lower` does beyond ASCII."""
    return Vocabulary(scopes={"supporter": fields}, calls=tuple(QUESTIONS), filters=())


def parse_segment(source: str, *, fields: Collection[str], place: Place | None = None) -> Expression:
    """The segment that `source` writes, over people with these fields. Raises `MailerError` with all its faults.

    A name alone is that of a saved segment: one word is nothing else in the language.
    """
    if SEGMENT_NAME.fullmatch(source.strip()):
        return Call(SEGMENT, (source.strip(),))
    return parse_expression(source, vocabulary=vocabulary(fields), place=place)


def condition(source: str, *, now: datetime) -> Truth:
    """The segment as a condition over `people`, at a moment. It was checked against the known fields when it was
    defined. An attribute that nobody has is "" for everyone."""
    return truth(parse_segment(source, fields=ANYTHING), now=now)


def truth(expression: Expression, *, now: datetime) -> Truth:
    """The condition that holds for the people who match the expression at a moment."""
    return _Translation(now).truth(expression)


def field_text(name: str) -> Text_:
    """What a person has in a field; never null."""
    if name == "name":
        first, last = people.c.first_name, people.c.last_name
        both = and_(first != "", last != "")
        return case((both, first.concat(" ").concat(last)), else_=first.concat(last))
    if name == TAGS:
        return tag_list(people.c.id)
    if name in COLUMNS:
        return COLUMNS[name]
    return func.coalesce(people.c.attributes[name].as_string(), "")


@dataclass(frozen=True, slots=True)
class _Translation:
    """From the parts of an expression to SQL; questions about time are answered as of `now`."""

    now: datetime

    def truth(self, expression: Expression) -> Truth:
        match expression:
            case And(left, right):
                return and_(self.truth(left), self.truth(right))
            case Or(left, right):
                return or_(self.truth(left), self.truth(right))
            case Not(operand):
                return not_(self.truth(operand))
            case Compare():
                return self.compare(expression)
            case Call(name, (argument,)):
                return QUESTIONS[name].holds(argument, self.now)
            case Const(value):
                return true() if value else false()
            case _:
                return self.text(expression) != literal("", Text)

    def text(self, expression: Expression) -> Text_:
        """The expression's text for a person; never null."""
        match expression:
            case Const(value):
                return literal(str(value), Text)
            case Field(_, name):
                return field_text(name)
            case Concat(parts):
                joined = self.text(parts[0])
                for part in parts[1:]:
                    joined = joined.concat(self.text(part))
                return joined
            case Conditional(test, then, otherwise):
                return case((self.truth(test), self.text(then)), else_=self.text(otherwise))
            case Or(left, right):
                return case((self.text(left) != "", self.text(left)), else_=self.text(right))
            case And(left, right):
                return case((self.text(left) != "", self.text(right)), else_=literal("", Text))
            case _:
                raise MailerError(
                    "this part of the language can't be used in a segment", remedy="Leave out the filter."
                )

    def compare(self, compare: Compare) -> Truth:
        left, operator, right = compare.left, compare.operator, compare.right
        if isinstance(right, Constants):
            among = or_(false(), *(self.ordered(left, "==", item) for item in right.items))
            return among if operator == "in" else not_(among)
        if operator in ("in", "not in"):
            found = position(self.text(right), self.text(left)) > 0
            return found if operator == "in" else not_(found)
        return self.ordered(left, operator, right)

    def ordered(self, left: Expression, operator: Operator, right: Expression) -> Truth:
        test: Callable[[Any, Any], Any] = ORDER[operator]  # on columns the operators give conditions
        if not (_is_number(left) or _is_number(right)):
            return test(code_points(self.text(left)), code_points(self.text(right)))
        sides = (left, right)
        checks = [is_number(self.text(side)) for side in sides if not _is_number(side)]
        first, second = (self.number(side) for side in sides)
        # CASE, since nothing else promises that a text is looked at before it is read as a number.
        return case((and_(true(), *checks), test(first, second)), else_=literal(operator == "!=", Boolean))

    def number(self, side: Expression) -> ColumnElement[float]:
        if isinstance(side, Const) and not isinstance(side.value, str):
            return literal(float(side.value), Double)
        return cast(self.text(side), Double)


def _is_number(side: Expression) -> bool:
    return isinstance(side, Const) and not isinstance(side.value, str)


@dataclass(frozen=True, slots=True)
class Unread:
    """How many people have a value that the segment compares and can't read."""

    value_of: str  # the field
    kind: str  # a number, a date
    people: int
    example: str


def unread(connection: Connection, source: str, *, lists: Collection[str], now: datetime) -> tuple[Unread, ...]:
    """What a segment can't read of the people subscribed to these lists. It was checked when it was defined."""
    found: list[Unread] = []
    on_lists = people.c.id.in_(subscribed_to(lists))
    for reading in dict.fromkeys(readings(parse_segment(source, fields=ANYTHING))):
        value = _Translation(now).text(reading.operand)
        can_read = is_number(value) if reading.kind is Kind.NUMBER else is_iso_date(value)
        query = select(func.count(), func.min(value)).where(on_lists, func.trim(value) != "", not_(can_read))
        number, example = connection.execute(query).one()
        if number:
            name = reading.operand.name if isinstance(reading.operand, Field) else "the value"
            found.append(Unread(name, reading.kind.value, int(number), str(example)[:60]))
    return tuple(found)


class position(FunctionElement[int]):  # noqa: N801 - SQL functions are written in small letters
    """position(whole, part): where the part begins, from 1; 0 when it is not there; 1 for the empty part."""

    inherit_cache = True


class code_points(FunctionElement[str]):  # noqa: N801
    """A text that compares by code point, whatever order the database has by default."""

    type = Text()
    inherit_cache = True


class is_number(FunctionElement[bool]):  # noqa: N801
    """Whether a text is a number by the rule of `compose.expressions`."""

    type = Boolean()
    inherit_cache = True


class is_iso_date(FunctionElement[bool]):  # noqa: N801
    """Whether a text begins as 2026-02-03 does, so that its order is that of time."""

    type = Boolean()
    inherit_cache = True


@compiles(is_iso_date, "sqlite")
def _is_iso_date_sqlite(element: is_iso_date, compiler: SQLCompiler, **kw: Any) -> str:
    (operand,) = element.clauses
    day = "-".join("[0-9]" * digits for digits in (4, 2, 2))
    rule = or_(operand.op("GLOB")(day), operand.op("GLOB")(f"{day}[T ]*"))
    return f"({compiler.process(rule, **kw)})"


@compiles(is_iso_date, "postgresql")
def _is_iso_date_postgresql(element: is_iso_date, compiler: SQLCompiler, **kw: Any) -> str:
    (operand,) = element.clauses
    return f"({compiler.process(operand.op('~')('^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]|$)'), **kw)})"


@compiles(position, "sqlite")
def _position_sqlite(element: position, compiler: SQLCompiler, **kw: Any) -> str:
    return f"instr({compiler.process(element.clauses, **kw)})"


@compiles(position, "postgresql")
def _position_postgresql(element: position, compiler: SQLCompiler, **kw: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **kw)})"


@compiles(code_points, "sqlite")
def _code_points_sqlite(element: code_points, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)  # BINARY, SQLite's own, compares UTF-8 bytes: the same order


@compiles(code_points, "postgresql")
def _code_points_postgresql(element: code_points, compiler: SQLCompiler, **kw: Any) -> str:
    return f'({compiler.process(element.clauses, **kw)}) COLLATE "C"'


@compiles(is_number, "sqlite")
def _is_number_sqlite(element: is_number, compiler: SQLCompiler, **kw: Any) -> str:
    (operand,) = element.clauses
    bare = func.substr(operand, case((func.substr(operand, 1, 1) == "-", 2), else_=1))
    rule = and_(
        bare.op("GLOB")("[0-9]*"),
        bare.op("GLOB")("*[0-9]"),
        not_(bare.op("GLOB")("*[^0-9.]*")),
        not_(bare.op("GLOB")("*.*.*")),
        func.length(func.replace(bare, ".", "")) <= MOST_DIGITS,
    )
    return f"({compiler.process(rule, **kw)})"


@compiles(is_number, "postgresql")
def _is_number_postgresql(element: is_number, compiler: SQLCompiler, **kw: Any) -> str:
    (operand,) = element.clauses
    rule = and_(
        operand.op("~")(r"^-?[0-9]+(\.[0-9]+)?$"),
        func.length(func.replace(func.replace(operand, ".", ""), "-", "")) <= MOST_DIGITS,
    )
    return f"({compiler.process(rule, **kw)})"
