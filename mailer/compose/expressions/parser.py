"""Reads the expression language: Jinja's own parser, and a short list of constructs that are let through.

Everything else is turned away with a line and a remedy. What the parts mean is written in `ast`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache

from jinja2 import Environment, TemplateSyntaxError, nodes

from mailer.compose.data.tables import EXAMPLE, LOOKUP, LookupTable
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
    Operator,
    Or,
    Vocabulary,
    is_text,
)
from mailer.compose.expressions.filters import FILTERS, unknown_date_format
from mailer.compose.expressions.foreign_tags import filter_hint, meant, name_here
from mailer.diagnostics import Diagnostic, Fix, Place
from mailer.errors import MailerError, nearest

OPERATORS: Mapping[str, Operator] = {
    "eq": "==", "ne": "!=", "lt": "<", "lteq": "<=", "gt": ">", "gteq": ">=", "in": "in", "notin": "not in",
}  # fmt: skip
DEEPEST = 100  # how far an expression may nest; a chain of n `or` is n deep
LONGEST = 4000  # characters
_PARSER = Environment(autoescape=True)  # nothing is ever rendered with it


def parse_expression(source: str, *, vocabulary: Vocabulary, place: Place | None = None) -> Expression:
    """The expression that `source` writes. Raises `MailerError` with all faults; lines count on from `place`'s."""
    if len(source) > LONGEST:
        raise MailerError(f"it is longer than {LONGEST} characters", place=place)
    try:
        parsed = _body(source)
    except TemplateSyntaxError as error:
        at = _at(place, error.lineno - 1)
        raise MailerError(f"this can't be read: {error.message}", place=at) from None
    except RecursionError:
        raise MailerError("it is nested too deeply", place=place) from None
    output = parsed[0] if len(parsed) == 1 else None
    if not isinstance(output, nodes.Output) or len(output.nodes) != 1:
        remedy = 'Write one expression, such as supporter.country == "GB".'
        raise MailerError("this is not one expression", place=place, remedy=remedy)
    translator = _Translator(vocabulary, place)
    found: Expression | None = None
    with suppress(_Refused):
        found = translator.expression(output.nodes[0], depth=0)
    if found is None or translator.faults:
        raise MailerError("The expression has faults:", diagnostics=translator.faults)
    return found


@lru_cache(maxsize=256)
def _body(source: str) -> list[nodes.Node]:
    """Jinja's reading of an expression, which every language and version of a newsletter asks for."""
    return _PARSER.parse("{{ (" + source + "\n) }}").body


class _Refused(MailerError):
    """A part is outside the language; the fault is recorded already."""


def _at(place: Place | None, line: int) -> Place | None:
    """The place of line `line` (from 0) of a text that begins at `place`."""
    return None if place is None or place.line is None else Place(place.file, place.line + line)


class _Translator:
    """Walks Jinja's tree, keeping what the language has and noting a fault for what it hasn't."""

    def __init__(self, vocabulary: Vocabulary, place: Place | None) -> None:
        self.vocabulary = vocabulary
        self.place = place
        self.faults: list[Diagnostic] = []

    def refuse(self, node: nodes.Node, message: str, remedy: str = "", fix: Fix | None = None) -> _Refused:
        at = _at(self.place, node.lineno - 1) or self.place
        self.faults.append(Diagnostic(message, at, remedy, fix=fix))
        return _Refused(message)

    def expression(self, node: nodes.Node, *, depth: int) -> Expression:
        if depth > DEEPEST:
            raise self.refuse(node, f"the expression is nested more than {DEEPEST} deep")
        deeper = depth + 1
        match node:
            case nodes.Const() | nodes.TemplateData() | nodes.Neg():
                return self.constant(node)
            case nodes.Getattr() | nodes.Getitem() | nodes.Name():
                return self.field(node, depth=deeper)
            case nodes.Compare():
                return self.comparison(node, depth=deeper)
            case nodes.And() | nodes.Or() | nodes.Not() | nodes.CondExpr():
                return self.logic(node, depth=deeper)
            case nodes.Filter():
                return self.filter(node, depth=deeper)
            case nodes.Call():
                return self.call(node)
            case nodes.Concat():
                return Concat(tuple(self.text(part, depth=deeper) for part in node.nodes))
            case _:
                raise self.refuse(node, *_REMEDIES.get(type(node), ("this is not part of the language", _LANGUAGE)))

    def logic(self, node: nodes.And | nodes.Or | nodes.Not | nodes.CondExpr, *, depth: int) -> Expression:
        if isinstance(node, nodes.Not):
            return Not(self.expression(node.node, depth=depth))
        if isinstance(node, nodes.CondExpr):
            test, then = self.both(node.test, node.expr1, depth=depth)
            other = Const("") if node.expr2 is None else self.expression(node.expr2, depth=depth)
            return Conditional(test, then, other)
        left, right = self.both(node.left, node.right, depth=depth)
        return And(left, right) if isinstance(node, nodes.And) else Or(left, right)

    def both(self, first: nodes.Node, second: nodes.Node, *, depth: int) -> tuple[Expression, Expression]:
        """Two parts; the faults of both are found before the first is raised."""
        found: list[Expression] = []
        refused: _Refused | None = None
        for node in (first, second):
            try:
                found.append(self.expression(node, depth=depth))
            except _Refused as error:
                refused = error
        if refused:
            raise refused
        return found[0], found[1]

    def text(self, node: nodes.Node, *, depth: int) -> Expression:
        found = self.expression(node, depth=depth)
        if isinstance(found, Const) and not isinstance(found.value, str):
            return Const(str(found.value))
        if not is_text(found):
            raise self.refuse(node, "a comparison is true or false and can't be used where a text is needed")
        return found

    def constant(self, node: nodes.Const | nodes.TemplateData | nodes.Neg) -> Const:
        if isinstance(node, nodes.Neg):
            positive = self.constant(node.node) if isinstance(node.node, nodes.Const) else Const("")
            if isinstance(positive.value, str):
                raise self.refuse(node, "a minus is allowed only before a number")
            return Const(-positive.value)
        value: object = node.data if isinstance(node, nodes.TemplateData) else node.value
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise self.refuse(
                node, "true, false and none are not values here", 'Every value is text: compare with "" or "yes".'
            )
        if not isinstance(value, str) and (abs(value) >= 10**15 or math.isnan(value)):
            raise self.refuse(node, "this number is too large", "Put it in quotes to compare it as text.")
        return Const(value)

    def field(self, node: nodes.Getattr | nodes.Getitem | nodes.Name, *, depth: int) -> Field | Lookup:
        if isinstance(node, nodes.Name):
            return self.bare(node)
        key = node.attr if isinstance(node, nodes.Getattr) else node.arg
        name = key.value if isinstance(key, nodes.Const) else key
        if isinstance(node.node, nodes.Call) and _called(node.node) == LOOKUP and isinstance(name, str):
            return self.lookup(node.node, name, depth=depth)
        if not isinstance(node.node, nodes.Name) or not isinstance(name, str):
            raise self.refuse(node, "only one step of names is possible", "For example supporter.first_name.")
        scope = node.node.name
        if scope not in self.vocabulary.scopes:
            near = meant(scope, self.vocabulary.scopes)
            remedy = (None if near else self.here(f"{scope}.{name}")) or nearest(scope, self.vocabulary.scopes)
            raise self.refuse(node, f"unknown name {scope!r}", remedy, Fix(scope, near) if near else None)
        known = self.vocabulary.scopes[scope]
        if name not in known:
            here, near = self.here(name) if scope == "supporter" else "", meant(name, known)
            fix = Fix(f"{scope}.{name}", f"{scope}.{near}") if near else None
            raise self.refuse(node, f"unknown field {scope}.{name}", here or nearest(name, known), fix)
        return Field(scope, name)

    def here(self, name: str) -> str:
        """The remedy for a name that is called otherwise here; "" when it isn't known."""
        ours = name_here(name, fields=self.vocabulary.scopes.get("supporter", ()))
        scope, _, field = (ours or "").rpartition(".")
        known = field in self.vocabulary.scopes.get(scope, self.vocabulary.names)
        return f"Did you mean {ours}?" if ours and known else ""

    def bare(self, node: nodes.Name) -> Field:
        if node.name in self.vocabulary.names:
            return Field("", node.name)
        if node.name in self.vocabulary.scopes:
            known = sorted(self.vocabulary.scopes[node.name])
            example = f"For example {node.name}.{known[0]}." if known else ""
            raise self.refuse(node, f"{node.name} is a group of fields and has no text of its own", example)
        for scope, fields in self.vocabulary.scopes.items():
            if node.name in fields:
                fix = Fix(node.name, f"{scope}.{node.name}")
                raise self.refuse(node, f"unknown name {node.name!r}", f"Did you mean {fix.put}?", fix)
        near = self.here(node.name) or nearest(node.name, [*self.vocabulary.names, *self.vocabulary.scopes])
        raise self.refuse(node, f"unknown name {node.name!r}", f"{near} Put a text in quotes.")

    def comparison(self, node: nodes.Compare, *, depth: int) -> Expression:
        result: Expression | None = None
        left = node.expr
        for operand in node.ops:  # a < b < c has two: it means a < b and b < c
            one = self.one_comparison(left, operand, depth=depth)
            result = one if result is None else And(result, one)
            left = operand.expr
        assert result is not None
        return result

    def one_comparison(self, left_node: nodes.Node, operand: nodes.Operand, *, depth: int) -> Compare:
        operator = OPERATORS[operand.op]
        if operator in ("in", "not in"):
            left = self.expression(left_node, depth=depth)
            return Compare(left, operator, self.container(left, operand.expr, depth=depth))
        left, right = self.both(left_node, operand.expr, depth=depth)
        for side, side_node in ((left, left_node), (right, operand.expr)):
            if not isinstance(side, Const) and not is_text(side):
                raise self.refuse(side_node, "a comparison can't be compared again", "Join conditions with and / or.")
        return Compare(left, operator, right)

    def container(self, left: Expression, node: nodes.Node, *, depth: int) -> Expression | Constants:
        """What is allowed on the right of `in`."""
        if isinstance(node, nodes.List | nodes.Tuple):
            items = [self.expression(item, depth=depth) for item in node.items]
            if not all(isinstance(item, Const) for item in items):
                raise self.refuse(node, "a list holds constants only", 'For example ["GB", "IE"].')
            if isinstance(left, Const) or not is_text(left):
                raise self.refuse(node, "the left side of `in` must be a field", 'supporter.country in ["GB", "IE"]')
            return Constants(tuple(item for item in items if isinstance(item, Const)))
        right = self.text(node, depth=depth)
        if isinstance(left, Const) and isinstance(left.value, str) and not isinstance(right, Const):
            return right
        raise self.refuse(
            node,
            "`in` needs a list of constants on its right, or a text in quotes on its left",
            'supporter.country in ["GB", "IE"], or "@example.org" in supporter.email',
        )

    def filter(self, node: nodes.Filter, *, depth: int) -> Filter:
        assert node.node is not None  # only a {% filter %} block has none
        if node.name not in self.vocabulary.filters or node.name not in FILTERS:
            raise self.refuse(node, f"unknown filter {node.name!r}", filter_hint(node.name, self.vocabulary.filters))
        if node.kwargs or node.dyn_args or node.dyn_kwargs:
            raise self.refuse(node, f"the filter {node.name} takes plain arguments only", 'Such as default("friend").')
        rule = FILTERS[node.name]
        if not rule.least <= len(node.args) <= rule.most:
            wanted = f"{rule.least}" if rule.least == rule.most else f"{rule.least} to {rule.most}"
            raise self.refuse(node, f"the filter {node.name} takes {wanted} arguments, not {len(node.args)}")
        operand = self.text(node.node, depth=depth)
        if node.name == "default":  # Jinja's own takes a second argument, true: it says what ours does anyway
            return Filter(node.name, operand, (self.text(node.args[0], depth=depth),))
        args = tuple(self.text(arg, depth=depth) for arg in node.args)
        if node.name == "date" and args and (not isinstance(args[0], Const) or unknown_date_format(str(args[0].value))):
            raise self.refuse(
                node, "unknown date format", 'Use "long", "short", "month", "iso", or one like "%d %B %Y".'
            )
        return Filter(node.name, operand, args, self.vocabulary.language)

    def lookup(self, node: nodes.Call, column: str, *, depth: int) -> Lookup:
        plain = len(node.args) == 2 and not (node.kwargs or node.dyn_args or node.dyn_kwargs)
        name = node.args[0].value if plain and isinstance(node.args[0], nodes.Const) else None
        if not isinstance(name, str):
            raise self.refuse(node, "lookup takes a table in quotes, and what its row is found by", EXAMPLE)
        table, at = self.table(node, name), None
        if table is not None and (at := table.at(column)) is None:
            raise self.refuse(node, f"{name} has no column {column!r}", nearest(column, table.tags))
        key = self.text(node.args[1], depth=depth)
        if table is None or at is None:
            raise _Refused(name)
        return Lookup(table, key, at)

    def table(self, node: nodes.Call, name: str) -> LookupTable | None:
        """The table; None with its faults noted where its file can't be used."""
        if name not in self.vocabulary.tables:
            known = list(self.vocabulary.tables)
            remedy = nearest(name, known) if known else f"Put {name}.csv into the workspace’s data/ folder."
            raise self.refuse(node, f"there is no table {name!r}", remedy)
        try:
            return self.vocabulary.tables[name]
        except MailerError as error:
            self.faults += error.diagnostics
            return None

    def call(self, node: nodes.Call) -> Call:
        name = _called(node)
        if name == LOOKUP:
            raise self.refuse(node, "a lookup needs the column that is wanted", f"For example {EXAMPLE}.")
        if name not in self.vocabulary.calls:
            known = nearest(name, self.vocabulary.calls) if self.vocabulary.calls else ""
            raise self.refuse(node, f"{name or 'this'} can't be called here", known)
        plain = not (node.kwargs or node.dyn_args or node.dyn_kwargs)
        args = [arg.value for arg in node.args if isinstance(arg, nodes.Const) and isinstance(arg.value, str)]
        if not plain or len(args) != 1 or len(node.args) != 1:
            raise self.refuse(node, f"{name} takes one text in quotes", f'For example {name}("a-name").')
        return Call(name, tuple(args))


def _called(node: nodes.Call) -> str:
    return node.node.name if isinstance(node.node, nodes.Name) else ""


_LANGUAGE = "Use fields, texts in quotes, == != < > in, and / or / not, ~ and the filters."
_REMEDIES: Mapping[type[nodes.Node], tuple[str, str]] = {
    nodes.Add: ("+ is not part of the language", "Join texts with ~."),
    nodes.Test: ("`is` tests are not part of the language", "A field alone is true when it is not empty."),
    nodes.List: ("a list is allowed only on the right of `in`", 'supporter.country in ["GB", "IE"]'),
    nodes.Tuple: ("a list is allowed only on the right of `in`", 'supporter.country in ["GB", "IE"]'),
}
