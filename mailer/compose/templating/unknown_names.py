"""Finds every unknown name, field and filter of a template before it is rendered, and not only the first.

Only what is resolved when a message is compiled is looked at; what waits for the person is checked by `deferred`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from jinja2 import Environment, nodes

from mailer.compose.expressions.foreign_tags import filter_hint, meant, name_here, tag_for
from mailer.compose.templating.deferred import WAITING_NAMES
from mailer.diagnostics import Diagnostic, Fix, Place
from mailer.errors import nearest

LOCAL_NAMES = ("loop", "caller", "varargs", "kwargs", "super", "self", "range")


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

    def faults_in(self, tree: nodes.Template) -> list[Diagnostic]:
        declared = {name.name for name in tree.find_all(nodes.Name) if name.ctx in ("store", "param")}
        declared.update(macro.name for macro in tree.find_all(nodes.Macro))
        for imported in tree.find_all(nodes.FromImport):
            declared.update(name if isinstance(name, str) else name[1] for name in imported.names)
        declared.update(imported.target for imported in tree.find_all(nodes.Import))
        excused = self._excused(tree)
        whole = {id(node.node): f"{node.node.name}.{node.attr}" for node in tree.find_all(nodes.Getattr)
                 if isinstance(node.node, nodes.Name)}  # fmt: skip
        for node in tree.find_all((nodes.Name, nodes.Getattr, nodes.Filter)):
            if id(node) in excused:
                continue
            if isinstance(node, nodes.Filter):
                self._filter(node)
            elif isinstance(node, nodes.Getattr):
                self._attribute(node, declared)
            elif node.ctx == "load":
                self._name(node, declared, whole.get(id(node), node.name))
        return self.faults

    def _excused(self, tree: nodes.Template) -> set[int]:
        """A name before `default` or `is defined` may be missing; what waits is checked by `deferred`."""
        excused: set[int] = set()
        for node in tree.find_all((nodes.Filter, nodes.Test)):
            if node.name in ("default", "defined", "undefined") and node.node is not None:
                excused.add(id(node.node))
        for expression in _waiting_expressions(tree):
            excused.add(id(expression))
            excused.update(id(node) for node in expression.find_all(nodes.Node))
        return excused

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


def _waiting_expressions(tree: nodes.Template) -> Iterator[nodes.Node]:
    """What is printed and waits, and all tests of each condition one of whose tests waits."""
    for output in tree.find_all(nodes.Output):
        yield from (node for node in output.nodes if _waits(node))
    for condition in tree.find_all(nodes.If):
        tests = [condition.test, *(other.test for other in condition.elif_)]
        if any(map(_waits, tests)):
            yield from tests


def _waits(node: nodes.Node) -> bool:
    named = isinstance(node, nodes.Name) and node.name in WAITING_NAMES
    return named or any(name.name in WAITING_NAMES for name in node.find_all(nodes.Name))
