"""Whether a text with slots shows something to everybody, whatever is known of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mailer.compose.expressions.ast import And, Concat, Conditional, Const, Expression, Field, Filter, Or, Vocabulary
from mailer.compose.expressions.parser import parse_expression
from mailer.compose.message import Choice, Parts, Slot
from mailer.compose.visible import is_visible
from mailer.diagnostics import Diagnostic, Place


def shows_to_all(
    parts: Parts,
    slots: Sequence[Slot | Choice],
    *,
    vocabulary: Vocabulary,
    constants: Mapping[str, Mapping[str, str]],
) -> bool:
    """Whether everybody sees something of `parts`, even people we know nothing about."""

    def shown(part: str | int) -> bool:
        if isinstance(part, str):
            return is_visible(part)
        slot = slots[part]
        if isinstance(slot, Choice):
            has_else = slot.branches[-1][0] == ""
            return has_else and all(any(map(shown, branch)) for _, branch in slot.branches)
        return _prints(parse_expression(slot.source, vocabulary=vocabulary), constants)

    return any(map(shown, parts))


def no_subject(subject: Parts, place: Place) -> Diagnostic:
    """That a mail may come without a subject, which looks like a fault, or like spam."""
    waits = any(isinstance(part, int) for part in subject)
    what = "some people would get no subject" if waits else "the subject is empty"
    remedy = 'Write words that everybody gets, an {% else %}, or a stand-in such as | default("…").'
    return Diagnostic(what, place, remedy, rule="subject.missing")


def _prints(expression: Expression, constants: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether the expression prints something for everybody."""
    match expression:
        case Const(value):
            return is_visible(str(value))
        case Field("", _):
            return True  # one of the person's own addresses
        case Field(scope, name):
            return is_visible(constants.get(scope, {}).get(name, ""))
        case Filter(name, operand, args):
            either = (operand, *args) if name == "default" else (operand,)
            return any(_prints(one, constants) for one in either)
        case Concat(parts):
            return any(_prints(part, constants) for part in parts)
        case Or(left, right):
            return _prints(left, constants) or _prints(right, constants)
        case And(left, right) | Conditional(_, left, right):
            return _prints(left, constants) and _prints(right, constants)
        case _:
            return False
