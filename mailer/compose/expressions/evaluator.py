"""Computes an expression for one person: closures built once, then called for each. The rules are in `ast`.

What an expression means as SQL is for `audience.segments`; escaping the result is for `merge`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mailer.compose.data.tables import Cells, no_cells
from mailer.compose.expressions.ast import (
    And,
    Call,
    Compare,
    Concat,
    Conditional,
    Const,
    Constants,
    Expression,
    Field,
    Filter,
    Lookup,
    Not,
    Or,
)
from mailer.compose.expressions.filters import NUMBER, applied
from mailer.compose.expressions.tagged import TAGGED, TAGS, is_tagged
from mailer.errors import MailerError

MOST_DIGITS = 15  # within these every engine reads the same double
LONGEST_VALUE = 1_000_000  # characters that one merge tag may put into somebody's mail

ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
NO_CONSTANTS: Mapping[str, Mapping[str, str]] = {}
NO_NAMES: Mapping[str, str] = {}
NO_CALLS: Mapping[str, Callable[[str], bool]] = {}


@dataclass(slots=True)
class Subject:
    """The person an expression is computed for. `calls` answers questions such as mailed("slug")."""

    supporter: Mapping[str, object]
    names: Mapping[str, str] = field(default_factory=lambda: NO_NAMES)
    calls: Mapping[str, Callable[[str], bool]] = field(default_factory=lambda: NO_CALLS)
    names_in_html: Mapping[str, str] = field(default_factory=lambda: NO_NAMES)  # escaped already; for `merge`
    cells: Cells = no_cells  # of tables with a row for each person or postcode


TextOf = Callable[[Subject], str]
TruthOf = Callable[[Subject], bool]


def text_of(expression: Expression, constants: Mapping[str, Mapping[str, str]] = NO_CONSTANTS) -> TextOf:
    """A function that gives the expression's text for a person. `constants` answers list.*, campaign.* and the like."""
    match expression:
        case Const(value):
            return _always(str(value))
        case Field():
            return _field(expression, constants)
        case Filter(_, operand, args):
            return _filter(expression, text_of(operand, constants), [text_of(arg, constants) for arg in args])
        case Lookup(_, key, _):
            return _lookup(expression, text_of(key, constants))
        case Concat(parts):
            return _joined([text_of(part, constants) for part in parts])
        case Conditional(test, then, otherwise):
            when, yes, no = truth_of(test, constants), text_of(then, constants), text_of(otherwise, constants)
            return lambda person: yes(person) if when(person) else no(person)
        case Or(left, right):
            first, second = text_of(left, constants), text_of(right, constants)
            return lambda person: first(person) or second(person)
        case And(left, right):
            first, second = text_of(left, constants), text_of(right, constants)
            return lambda person: second(person) if first(person) else ""
        case Compare() | Not() | Call():
            raise AssertionError("a truth has no text; is_text() tells beforehand")


def truth_of(expression: Expression, constants: Mapping[str, Mapping[str, str]] = NO_CONSTANTS) -> TruthOf:
    """A function that tells whether the expression holds for a person."""
    match expression:
        case And(left, right):
            first, second = truth_of(left, constants), truth_of(right, constants)
            return lambda person: first(person) and second(person)
        case Or(left, right):
            first, second = truth_of(left, constants), truth_of(right, constants)
            return lambda person: first(person) or second(person)
        case Not(operand):
            inner = truth_of(operand, constants)
            return lambda person: not inner(person)
        case Compare():
            return _compare(expression, constants)
        case Call(name, (tag,)) if name == TAGGED:
            holds, tags = is_tagged(tag), _field(Field("supporter", TAGS), constants)
            return lambda person: holds(tags(person))
        case Call(name, args):
            (argument,) = args
            return lambda person: person.calls[name](argument)
        case Const(value) if not isinstance(value, str):
            always = bool(value)
            return lambda person: always
        case _:
            text = text_of(expression, constants)
            return lambda person: text(person) != ""


def as_number(text: str) -> float | None:
    """The number a text is, or None: an optional minus, ASCII digits and decimals, at most 15 digits, nothing else."""
    digits = len(text) - text.count("-") - text.count(".")
    return float(text) if 0 < digits <= MOST_DIGITS and NUMBER.fullmatch(text) else None


def _joined(parts: list[TextOf]) -> TextOf:
    def joined(person: Subject) -> str:
        texts = [part(person) for part in parts]
        if sum(map(len, texts)) > LONGEST_VALUE:
            raise MailerError(
                f"a merge tag makes more than {LONGEST_VALUE:,} characters", remedy="Shorten what it joins."
            )
        return "".join(texts)

    return joined


def _always(text: str) -> TextOf:
    return lambda person: text


def _field(named: Field, constants: Mapping[str, Mapping[str, str]]) -> TextOf:
    name = named.name
    if named.scope in constants:
        return _always(constants[named.scope].get(name, ""))
    if named.scope == "":
        return lambda person: person.names[name]

    def supporter(person: Subject) -> str:
        value = person.supporter.get(name)
        return value if isinstance(value, str) else "" if value is None else str(value)

    return supporter


def _filter(named: Filter, operand: TextOf, args: list[TextOf]) -> TextOf:
    apply = applied(named.name, named.language)
    if not args:
        return lambda person: apply(operand(person))
    (only,) = args  # no filter takes two
    return lambda person: apply(operand(person), only(person))


def _lookup(lookup: Lookup, key: TextOf) -> TextOf:
    return lambda person: person.cells(lookup, key(person)) or ""


def _compare(compare: Compare, constants: Mapping[str, Mapping[str, str]]) -> TruthOf:
    name, right = compare.operator, compare.right
    if isinstance(right, Constants):
        texts = frozenset(item.value for item in right.items if isinstance(item.value, str))
        numbers = frozenset(float(item.value) for item in right.items if not isinstance(item.value, str))
        left = text_of(compare.left, constants)
        return _among(left, texts, numbers, wanted=name == "in")
    if name in ("in", "not in"):
        part, whole = text_of(compare.left, constants), text_of(right, constants)
        wanted = name == "in"
        return lambda person: (part(person) in whole(person)) is wanted
    if _is_number(compare.left) or _is_number(right):
        return _compare_numbers(compare.left, name, right, constants)
    test, first, second = ORDER[name], text_of(compare.left, constants), text_of(right, constants)
    if name == "==" and isinstance(right, Const):  # what most conditions are
        wanted_text = right.value
        return lambda person: first(person) == wanted_text
    return lambda person: test(first(person), second(person))


def _compare_numbers(
    left: Expression, name: str, right: Expression, constants: Mapping[str, Mapping[str, str]]
) -> TruthOf:
    test, first, second = ORDER[name], _number_of(left, constants), _number_of(right, constants)

    def truth(person: Subject) -> bool:
        a, b = first(person), second(person)
        return test(a, b) if a is not None and b is not None else name == "!="

    return truth


def _number_of(side: Expression, constants: Mapping[str, Mapping[str, str]]) -> Callable[[Subject], float | None]:
    if isinstance(side, Const) and not isinstance(side.value, str):
        value = float(side.value)
        return lambda person: value
    text = text_of(side, constants)
    return lambda person: as_number(text(person))


def _among(left: TextOf, texts: frozenset[str], numbers: frozenset[float], *, wanted: bool) -> TruthOf:
    if not numbers:
        return lambda person: (left(person) in texts) is wanted

    def truth(person: Subject) -> bool:
        text = left(person)
        return (text in texts or as_number(text) in numbers) is wanted

    return truth


def _is_number(side: Expression) -> bool:
    return isinstance(side, Const) and not isinstance(side.value, str)
