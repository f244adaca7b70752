"""The one small expression language of merge tags, conditions and audience segments.

Here are its parts as frozen values and what they mean. `parser` reads text into them, `evaluator` computes them for a
person, and `audience.segments` turns them into SQL.

The meaning, kept so plain that SQL can reproduce it exactly:

- Every value is text; what is missing is "". Nothing is null.
- A value alone as a condition means: it is not "". A blank is not empty.
- `==` and `!=` between texts compare code points: no folding of case, accents or spaces. `!=` is always `not ==`.
- `<  <=  >  >=` between texts order by code point (SQL: COLLATE "C" or BINARY).
- When one side is a number constant, the other is read as a number: an optional minus, ASCII digits, optionally a point
  and digits, at most 15 digits in all, nothing else around it. Then both are compared as double-precision numbers.
  What isn't such a number is unequal to every number and neither less nor greater (all of < <= > >= are false).
- `x in [constants]` means `x == a or x == b …`, by the rules above for each. `not in` is its `not`.
- `"text" in x`: x contains the text, by code points; "" is in everything.
- `lookup("table", x).column`: a cell of the row whose first cell is x, by the table's rule; "" without such a row.
- `tagged("x")`: x is one of the person's tags, in any case.
- `and`, `or`, `not` work on these truths. Printed, `a or b` is a unless a is empty, as in Jinja.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from mailer.compose.data.tables import LookupTable
from mailer.compose.expressions.filters import FILTERS
from mailer.compose.expressions.tagged import TAGGED, TAGS

Operator = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in"]


@dataclass(frozen=True, slots=True)
class Field:
    """A named value: Field("supporter", "country"). The scope of a bare name such as view_url is ""."""

    scope: str
    name: str


@dataclass(frozen=True, slots=True)
class Const:
    """A constant. Only texts can be printed; numbers are for comparing."""

    value: str | int | float


@dataclass(frozen=True, slots=True)
class Constants:
    """["GB", "IE"]: allowed only on the right of `in` and `not in`."""

    items: tuple[Const, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """`left operator right`. On the right of `in` are Constants, or a text when the left is a text constant."""

    left: Expression
    operator: Operator
    right: Expression | Constants


@dataclass(frozen=True, slots=True)
class And:
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Or:
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Not:
    operand: Expression


@dataclass(frozen=True, slots=True)
class Filter:
    """operand | name(args), set out in a language where the filter speaks one."""

    name: str
    operand: Expression
    args: tuple[Expression, ...]
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Call:
    """A question about a person, with constant arguments: mailed("slug"). Only names the vocabulary allows."""

    name: str
    args: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lookup:
    """lookup("table", key).column: the cell at `column` (from 0) of the key's row; "" when there is none."""

    table: LookupTable
    key: Expression
    column: int


@dataclass(frozen=True, slots=True)
class Conditional:
    """then if test else otherwise"""

    test: Expression
    then: Expression
    otherwise: Expression


@dataclass(frozen=True, slots=True)
class Concat:
    """a ~ b ~ c"""

    parts: tuple[Expression, ...]


Expression = Field | Const | Compare | And | Or | Not | Filter | Call | Lookup | Conditional | Concat


class _Anything(frozenset[str]):
    """A collection that has every name."""

    def __contains__(self, name: object) -> bool:
        return True


ANYTHING: Collection[str] = _Anything()  # for expressions that were checked when they were frozen


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What an expression may name."""

    scopes: Mapping[str, Collection[str]]  # {"supporter": {"email", "country"}, "list": {"title"}}
    names: Collection[str] = ()  # bare names, such as view_url
    calls: Collection[str] = ()  # each takes one constant text
    filters: Collection[str] = field(default_factory=lambda: tuple(FILTERS))
    language: str = "en"  # of the message: what `date` and `number` speak
    tables: Mapping[str, LookupTable] = field(default_factory=dict[str, LookupTable])  # that `lookup` may name


def is_text(expression: Expression) -> bool:
    """Whether the expression gives a text, which can be printed, and not a truth."""
    match expression:
        case Field() | Filter() | Concat() | Lookup():
            return True
        case Const(value):
            return isinstance(value, str)
        case And(left, right) | Or(left, right):
            return is_text(left) and is_text(right)
        case Conditional(_, then, otherwise):
            return is_text(then) and is_text(otherwise)
        case Compare() | Not() | Call():
            return False


def operands(expression: Expression) -> tuple[Expression, ...]:
    """The expressions that an expression is made of."""
    match expression:
        case Filter(_, operand, args):
            return (operand, *args)
        case Compare(left, _, right):
            return (left,) if isinstance(right, Constants) else (left, right)
        case And(left, right) | Or(left, right):
            return (left, right)
        case Not(operand) | Lookup(_, operand, _):
            return (operand,)
        case Conditional(test, then, otherwise):
            return (test, then, otherwise)
        case Concat(parts):
            return parts
        case Field() | Const() | Call():
            return ()


def lookups_of(expression: Expression) -> Iterator[Lookup]:
    """The cells that an expression asks for."""
    if isinstance(expression, Lookup):
        yield expression
    for operand in operands(expression):
        yield from lookups_of(operand)


def fields_of(expression: Expression) -> Iterator[str]:
    """The supporter's fields that an expression names, each as often as it does."""
    if isinstance(expression, Field) and expression.scope == "supporter":
        yield expression.name
    elif isinstance(expression, Call) and expression.name == TAGGED:
        yield TAGS
    for operand in operands(expression):
        yield from fields_of(operand)
