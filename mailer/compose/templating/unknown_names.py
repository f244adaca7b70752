"""Finds every unknown name, field and filter of a template before it is rendered, and not only the first.

Only what is resolved when a message is compiled is looked at; what waits for the person is checked by `deferred`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any, Literal, NamedTuple

from jinja2 import Environment, nodes

from mailer.compose.expressions.foreign_tags import filter_hint, meant, name_here, tag_for
from mailer.compose.templating.deferred import WAITING_NAMES
from mailer.diagnostics import Diagnostic, Fix, Place
from mailer.errors import nearest

LOCAL_NAMES = ("loop", "caller", "varargs", "kwargs", "super", "self", "range")


class Mention(NamedTuple):
    """A filter, a field or a name that a template has. Of a field `of` is what it is a field of, "" where that is no
    name; of a name it is the name with the field behind it, as in contact.FIRSTNAME."""

    kind: Literal["filter", "field", "name"]
    name: str
    line: int
    of: str = ""


class NamesUsed(NamedTuple):
    """What a template names, in the order of the text, and what it declares itself."""

    mentions: tuple[Mention, ...]
    declared: frozenset[str]


def names_in(tree: nodes.Template) -> NamesUsed:
    """What is named in a template that has to be known when it is rendered."""
    every = tuple(_within(tree))
    declared = {node.name for node in every if isinstance(node, nodes.Name) and node.ctx in ("store", "param")}
    declared.update(node.name for node in every if isinstance(node, nodes.Macro))
    for node in every:
        if isinstance(node, nodes.FromImport):
            declared.update(name if isinstance(name, str) else name[1] for name in node.names)
    declared.update(node.target for node in every if isinstance(node, nodes.Import))
    excused = _excused(every)
    whole = {id(node.node): f"{node.node.name}.{node.attr}" for node in every
             if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name)}  # fmt: skip
    return NamesUsed(tuple(_mentions(every, excused, whole)), frozenset(declared))


def _mentions(every: Iterable[nodes.Node], excused: set[int], whole: Mapping[int, str]) -> Iterator[Mention]:
    for node in every:
        if id(node) in excused:
            continue
        if isinstance(node, nodes.Filter):
            yield Mention("filter", node.name, node.lineno)
        elif isinstance(node, nodes.Getattr):
            yield Mention("field", node.attr, node.lineno, node.node.name if isinstance(node.node, nodes.Name) else "")
        elif isinstance(node, nodes.Name) and node.ctx == "load":
            yield Mention("name", node.name, node.lineno, whole.get(id(node), node.name))


class Names:
    """Finds every unknown name, field and filter of a template before it is rendered, and not only the first."""

    def __init__(
        self,
        environment: Environment,
        *,
        file: str,
        first_line: int,
        known: Mapping[str, Any] | None,
        fields: Collection[str],
    ) -> None:
        self.environment = environment
        self.file = file
        self.first_line = first_line
        self.known = known
        self.fields = fields  # of the supporter
        self.faults: list[Diagnostic] = []

    def faults_in(self, named: NamesUsed) -> list[Diagnostic]:
        for one in named.mentions:
            if one.kind == "filter":
                self._filter(one)
            elif one.kind == "field":
                self._attribute(one, named.declared)
            else:
                self._name(one, named.declared)
        return self.faults

    def _at(self, mention: Mention) -> Place:
        return Place(self.file, self.first_line + mention.line - 1)

    def _filter(self, one: Mention) -> None:
        if one.name not in self.environment.filters:
            known = [name for name in self.environment.filters if " " not in name]  # others are the sandbox's own
            remedy = filter_hint(one.name, known)
            self.faults.append(Diagnostic(f"unknown filter {one.name!r}", self._at(one), remedy))

    def _name(self, one: Mention, declared: Collection[str]) -> None:
        if self.known is not None and one.name not in (*declared, *self.known, *LOCAL_NAMES):
            names = ["supporter", *self.known]
            near = meant(one.name, names)
            theirs = None if near else name_here(one.of, fields=self.fields)
            remedy = tag_for(one.of, fields=self.fields) if theirs else nearest(one.name, names)
            fix = Fix(one.of, theirs) if theirs else Fix(one.name, near) if near else None
            self.faults.append(Diagnostic(f"unknown name {one.name!r}", self._at(one), remedy, fix=fix))

    def _attribute(self, one: Mention, declared: Collection[str]) -> None:
        group = None if one.of in declared or self.known is None else self.known.get(one.of)
        if isinstance(group, SimpleNamespace) and one.name not in vars(group) and not one.name.startswith("_"):
            known = list(vars(group))
            near = meant(one.name, known)
            fix = Fix(f"{one.of}.{one.name}", f"{one.of}.{near}") if near else None
            message = f"unknown field {one.of}.{one.name}"
            self.faults.append(Diagnostic(message, self._at(one), nearest(one.name, known), fix=fix))


def _within(node: nodes.Node) -> Iterator[nodes.Node]:
    """All nodes inside of one, in the order of the text."""
    waiting = [node.iter_child_nodes()]
    while waiting:
        for child in waiting[-1]:
            yield child
            waiting.append(child.iter_child_nodes())
            break
        else:
            waiting.pop()


def _excused(every: Iterable[nodes.Node]) -> set[int]:
    """A name before `default` or `is defined` may be missing; what waits is checked by `deferred`."""
    excused: set[int] = set()
    for node in every:
        if isinstance(node, (nodes.Filter, nodes.Test)):
            if node.name in ("default", "defined", "undefined") and node.node is not None:
                excused.add(id(node.node))
            continue
        for expression in _waiting_expressions(node):
            excused.add(id(expression))
            excused.update(map(id, _within(expression)))
    return excused


def _waiting_expressions(node: nodes.Node) -> Iterable[nodes.Node]:
    """What is printed and waits, and all tests of a condition one of whose tests waits."""
    if isinstance(node, nodes.Output):
        return filter(_waits, node.nodes)
    tests = [node.test, *(other.test for other in node.elif_)] if isinstance(node, nodes.If) else []
    return tests if any(map(_waits, tests)) else ()


def _waits(node: nodes.Node) -> bool:
    return any(isinstance(one, nodes.Name) and one.name in WAITING_NAMES for one in (node, *_within(node)))
