"""A segment as rows that can be clicked together, and as the text that says the same, both ways.

Rows are a view of the one expression language: `to_text` writes them, `to_rows` reads what they can show. What they
can't show is None and stays the text it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from mailer.compose.expressions.ast import And, Call, Compare, Const, Constants, Expression, Field, Not, Operator, Or

Mode = Literal["all", "any", "none", "not_all"]  # none: not one of them; not_all: at least one fails

TEXT_COMPARISONS: dict[str, Operator] = {"is": "==", "is_not": "!=", "since": ">=", "until": "<="}
NUMBER_COMPARISONS: dict[str, Operator] = {"at_least": ">=", "at_most": "<=", "above": ">", "below": "<"}
SET_COMPARISONS: dict[str, Operator] = {"one_of": "in", "none_of": "not in"}
PART_COMPARISONS: dict[str, Operator] = {"contains": "in", "lacks": "not in"}
BARE_COMPARISONS = ("known", "unknown")  # ask for no value
FIELD_COMPARISONS = (
    *TEXT_COMPARISONS, *SET_COMPARISONS, *PART_COMPARISONS, *NUMBER_COMPARISONS, *BARE_COMPARISONS,
)  # fmt: skip
QUESTION_COMPARISONS = ("yes", "no")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)
_BARE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
MOST_DIGITS = 15  # as the language reads numbers


@dataclass(frozen=True, slots=True)
class ConditionRow:
    """One condition. `subject` is a field, or a question such as mailed when `is_question`; then the value is what it
    asks about. Only `one_of` and `none_of` take several values."""

    subject: str
    comparison: str
    values: tuple[str, ...] = ()
    is_question: bool = False


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Rows and groups joined by their mode. The outermost is one too; an empty one means everybody."""

    mode: Mode
    items: tuple[ConditionRow | RowGroup, ...]


def is_number(value: str) -> bool:
    """Whether the text is a number that the language compares as one."""
    return bool(_NUMBER.fullmatch(value)) and sum(letter.isdigit() for letter in value) <= MOST_DIGITS


def to_text(group: RowGroup) -> str:
    """The segment that the rows write; "" for none. Groups without rows are left out.

    Raises ValueError where a row compares with a number and its value isn't one.
    """
    return _group_text(group, outermost=True)


def to_rows(expression: Expression) -> RowGroup | None:
    """The expression as rows, one level of groups in the outermost; None when rows can't show it."""
    group = _outermost(expression)
    if group is None or any(isinstance(deeper, RowGroup) for inner in group.items for deeper in _items(inner)):
        return None
    return group


def rows_of(group: RowGroup) -> Iterator[ConditionRow]:
    """Every row, those of inner groups too."""
    for item in group.items:
        if isinstance(item, RowGroup):
            yield from rows_of(item)
        else:
            yield item


def _items(item: ConditionRow | RowGroup) -> tuple[ConditionRow | RowGroup, ...]:
    return item.items if isinstance(item, RowGroup) else ()


def _outermost(expression: Expression) -> RowGroup | None:
    row = _row(expression)
    if row is not None:
        return RowGroup("all", (row,))
    return _group(expression)


def _group(expression: Expression) -> RowGroup | None:
    """A joined expression as a group; what is joined the same way beside one another belongs to one group."""
    match expression:
        case And():
            return _joined("all", list(_flat(expression, And)))
        case Or():
            return _joined("any", list(_flat(expression, Or)))
        case Not(operand):
            row = _row(operand)
            inner = RowGroup("any", (row,)) if row is not None else _group(operand)
            if inner is not None and inner.mode in ("any", "all"):
                return RowGroup("none" if inner.mode == "any" else "not_all", inner.items)
        case _:
            pass
    return None


def _joined(mode: Mode, parts: list[Expression]) -> RowGroup | None:
    items: list[ConditionRow | RowGroup] = []
    for part in parts:
        item = _row(part) or _group(part)
        if item is None:
            return None
        items.append(item)
    return RowGroup(mode, tuple(items))


def _flat(expression: Expression, kind: type[And] | type[Or]) -> Iterator[Expression]:
    if isinstance(expression, kind):
        yield from _flat(expression.left, kind)
        yield from _flat(expression.right, kind)
    else:
        yield expression


def _row(expression: Expression) -> ConditionRow | None:
    match expression:
        case Field("supporter", name):
            return ConditionRow(name, "known")
        case Call(name, (about,)):
            return ConditionRow(name, "yes", (about,), is_question=True)
        case Not(Field() | Call() as asked):
            row = _row(asked)
            return row and replace(row, comparison="unknown" if row.comparison == "known" else "no")
        case Compare(Field("supporter", name), operator, Const(str() as value)):
            return _named(TEXT_COMPARISONS, operator, name, (value,))
        case Compare(Field("supporter", name), operator, Const(value)) if is_number(str(value)):
            return _named(NUMBER_COMPARISONS, operator, name, (str(value),))
        case Compare(Field("supporter", name), operator, Constants(items)):
            values = tuple(item.value for item in items if isinstance(item.value, str))
            return _named(SET_COMPARISONS, operator, name, values) if len(values) == len(items) else None
        case Compare(Const(str() as value), operator, Field("supporter", name)):
            return _named(PART_COMPARISONS, operator, name, (value,))
        case _:
            return None


def _named(known: dict[str, Operator], operator: Operator, name: str, values: tuple[str, ...]) -> ConditionRow | None:
    for comparison, written in known.items():
        if written == operator:
            return ConditionRow(name, comparison, values)
    return None


def _group_text(group: RowGroup, *, outermost: bool = False) -> str:
    texts: list[str] = []
    for item in group.items:
        written = _group_text(item) if isinstance(item, RowGroup) else _row_text(item)
        if written:
            texts.append(written)
    joined = (" and " if group.mode in ("all", "not_all") else " or ").join(texts)
    if not texts:
        return ""
    if group.mode in ("none", "not_all"):
        return f"not ({joined})"
    return joined if outermost or len(texts) == 1 else f"({joined})"


def _row_text(row: ConditionRow) -> str:
    if row.is_question:
        asked = f"{row.subject}({quoted(row.values[0])})"
        return asked if row.comparison == "yes" else f"not {asked}"
    field = field_name(row.subject)
    if row.comparison in BARE_COMPARISONS:
        return field if row.comparison == "known" else f"not {field}"
    if row.comparison in SET_COMPARISONS:
        return f"{field} {SET_COMPARISONS[row.comparison]} [{', '.join(map(quoted, row.values))}]"
    (value,) = row.values
    if row.comparison in PART_COMPARISONS:
        return f"{quoted(value)} {PART_COMPARISONS[row.comparison]} {field}"
    if row.comparison in NUMBER_COMPARISONS:
        if not is_number(value):
            raise ValueError(f"{value!r} is not a number")
        return f"{field} {NUMBER_COMPARISONS[row.comparison]} {value}"
    return f"{field} {TEXT_COMPARISONS[row.comparison]} {quoted(value)}"


def field_name(name: str) -> str:
    """A field of supporters as the language names it."""
    return f"supporter.{name}" if _BARE_NAME.fullmatch(name) else f"supporter[{quoted(name)}]"


def quoted(value: str) -> str:
    """A text as the language writes it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'
