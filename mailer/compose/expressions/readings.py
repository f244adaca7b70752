"""Where an expression must read a person's value as a date or a number, and whether it can.

What can't be read is shown as it is by `date` and `number`, and is neither more nor less than anything in a comparison:
`45325`, `03.02.2026`, `1.234,50`. `mailer check` counts the people whose values are like that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from mailer.compose.expressions.ast import Compare, Const, Constants, Expression, Filter, operands
from mailer.compose.expressions.evaluator import as_number
from mailer.compose.expressions.filters import readable_date, readable_number

ORDERING = ("<", "<=", ">", ">=")
ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ].*)?", re.DOTALL)


class Kind(StrEnum):
    """As what a value is read."""

    SHOWN_DATE = "date"  # by the filter
    SHOWN_NUMBER = "number"
    NUMBER = "a number"  # compared with one
    DATE = "a date"  # ordered against a text such as "2026-02-03"


@dataclass(frozen=True, slots=True)
class Reading:
    """A part of an expression that is read as `kind`."""

    operand: Expression
    kind: Kind

    def can_read(self, text: str) -> bool:
        """Whether the value can be read; an empty one is missing, and nothing to be read."""
        if not text.strip():
            return True
        match self.kind:
            case Kind.SHOWN_DATE:
                return readable_date(text) is not None
            case Kind.SHOWN_NUMBER:
                return readable_number(text) is not None
            case Kind.NUMBER:
                return as_number(text) is not None
            case Kind.DATE:
                return ISO_DATE.fullmatch(text) is not None


def readings(expression: Expression) -> Iterator[Reading]:
    """Every part of the expression that reads a value."""
    if isinstance(expression, Compare):
        yield from _compared(expression)
        return
    if isinstance(expression, Filter) and expression.name in (Kind.SHOWN_DATE, Kind.SHOWN_NUMBER):
        yield Reading(_undefaulted(expression.operand), Kind(expression.name))
    for operand in operands(expression):
        yield from readings(operand)


def _compared(compare: Compare) -> Iterator[Reading]:
    left, right = compare.left, compare.right
    if isinstance(right, Constants):
        if right.items and all(_is_number(item) for item in right.items):
            yield Reading(left, Kind.NUMBER)
        return
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Const):
            continue
        if _is_number(other):
            yield Reading(one, Kind.NUMBER)
        elif compare.operator in ORDERING and isinstance(other, Const) and ISO_DATE.fullmatch(str(other.value)):
            yield Reading(one, Kind.DATE)
        yield from readings(one)


def _undefaulted(expression: Expression) -> Expression:
    """Without `default`, whose fallback is the author's own: {{ x | default("soon") | date }}."""
    while isinstance(expression, Filter) and expression.name == "default":
        expression = expression.operand
    return expression


def _is_number(side: Expression) -> bool:
    return isinstance(side, Const) and not isinstance(side.value, str)
