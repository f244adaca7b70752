"""Finds every unknown name, field and filter of a template before it is rendered, and not only the first.

Only what is resolved when a message is compiled is looked at; what waits for the person is checked by `deferred`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from jinja2 import Environment, nodes

from mailer.compose.expressions.foreign_tags import filter_hint, meant, name_here, tag_for
from mailer.compose.templating.deferred import WAITING_NAMES
from mailer.diagnostics import Diagnostic, Fix, Place
from mailer.errors import nearest

LOCAL_NAMES = ("loop", "caller", "varargs", "kwargs", "super", "self", "range")


@dataclass(frozen=True, slots=True)
class Named:
    """What a template names: its filters, names and fields in the order of the text, each name with the field behind
    it, and what it declares itself."""

    nodes: tuple[tuple[nodes.Filter | nodes.Getattr | nodes.Name, str], ...]
    declared: frozenset[str]


def names_in(tree: nodes.Template) -> Named:
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
    found = tuple(
        (node, whole.get(id(node), node.name) if isinstance(node, nodes.Name) else "")
        for node in every
        if isinstance(node, (nodes.Name, nodes.Getattr, nodes.Filter)) and id(node) not in excused
    )
    return Named(found, frozenset(declared))


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

    def faults_in(self, named: Named) -> list[Diagnostic]:
        for node, whole in named.nodes:
            if isinstance(node, nodes.Filter):
                self._filter(node)
            elif isinstance(node, nodes.Getattr):
                self._attribute(node, named.declared)
            elif node.ctx == "load":
                self._name(node, named.declared, whole)
        return self.faults

    def _at(self, node: nodes.Node) -> Place:
        return Place(self.file, self.first_line + node.lineno - 1)

    def _filter(self, node: nodes.Filter) -> None:
        if node.name not in self.environment.filters:
            known = [name for name in self.environment.filters if " " not in name]  # others are the sandbox's own
            remedy = filter_hint(node.name, known)
            self.faults.append(Diagnostic(f"unknown filter {node.name!r}", self._at(node), remedy))

    def _name(self, node: nodes.Name, declared: Collection[str], whole: str) -> None:
        """`whole` is the name with the field behind it, as in contact.FIRSTNAME."""
        if self.known is not None and node.name not in (*declared, *self.known, *LOCAL_NAMES):
            names = ["supporter", *self.known]
            near = meant(node.name, names)
            theirs = None if near else name_here(whole, fields=self.fields)
            remedy = tag_for(whole, fields=self.fields) if theirs else nearest(node.name, names)
            fix = Fix(whole, theirs) if theirs else Fix(node.name, near) if near else None
            self.faults.append(Diagnostic(f"unknown name {node.name!r}", self._at(node), remedy, fix=fix))

    def _attribute(self, node: nodes.Getattr, declared: Collection[str]) -> None:
        scope = node.node.name if isinstance(node.node, nodes.Name) else ""
        group = None if scope in declared or self.known is None else self.known.get(scope)
        if isinstance(group, SimpleNamespace) and node.attr not in vars(group) and not node.attr.startswith("_"):
            known = list(vars(group))
            near = meant(node.attr, known)
            fix = Fix(f"{scope}.{node.attr}", f"{scope}.{near}") if near else None
            message = f"unknown field {scope}.{node.attr}"
            self.faults.append(Diagnostic(message, self._at(node), nearest(node.attr, known), fix=fix))


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
