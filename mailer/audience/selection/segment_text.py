"""An expression as the text that says it, whatever it is made of: reading that text gives the same expression again.

`rows` writes what can be clicked together the way a person would; this writes the rest of the language as well.
"""

from __future__ import annotations

from mailer.audience.selection.rows import field_name, quoted
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


def segment_text(expression: Expression) -> str:
    """What `parse_segment` reads as this expression. Filters are no part of a segment."""
    match expression:
        case And(left, right):
            written = f"{_inner(left)} and {_inner(right)}"
        case Or(left, right):
            written = f"{_inner(left)} or {_inner(right)}"
        case Not(operand):
            written = f"not {_inner(operand)}"
        case Compare(left, operator, right):
            many = f"[{', '.join(map(segment_text, right.items))}]" if isinstance(right, Constants) else ""
            written = f"{_inner(left)} {operator} {many if isinstance(right, Constants) else _inner(right)}"
        case Conditional(test, then, otherwise):
            written = f"{_inner(then)} if {_inner(test)} else {_inner(otherwise)}"
        case Concat(parts):
            written = " ~ ".join(map(_inner, parts))
        case Call(name, args):
            written = f"{name}({', '.join(map(quoted, args))})"
        case Field(_, name):
            written = field_name(name)
        case Const(value):
            written = quoted(value) if isinstance(value, str) else repr(value)
        case Filter() | Lookup():
            raise ValueError("a segment has no filters, and looks nothing up")
    return written


def _inner(expression: Expression) -> str:
    """The same as a part of another."""
    written = segment_text(expression)
    return written if isinstance(expression, (Field, Call, Const)) else f"({written})"
