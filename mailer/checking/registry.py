"""The registry of rules: each has an id, a level, a title, a reason why it matters, and a small pure function.

Rule modules register themselves with `@rule` when they are imported (`runner` imports them all). A rule without a
function is checked elsewhere, mostly by the compiler, and listed here for its id, title and reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from mailer.checking.specimen import Specimen
from mailer.diagnostics import Diagnostic, Level, Place

# Where something is when no line of a file says it.
HTML = Place(part="HTML")
TEXT = Place(part="text")
HEADERS = Place(part="headers")

Look = Callable[[Specimen], Iterable[Diagnostic]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing the preflight checks. `id` is group.name, such as links.placeholder."""

    id: str
    level: Level
    title: str  # what it fires on, for docs/checks.md
    why: str  # why that matters to the people who get the mail, or to those who send it
    look: Look | None = None
    waivable: bool = True

    @property
    def group(self) -> str:
        return self.id.partition(".")[0]

    def judges(self, found: Diagnostic) -> Diagnostic:
        """What `look` found, with this rule's name and level."""
        return replace(found, rule=self.id, level=self.level)


_rules: dict[str, Rule] = {}


def rule(name: str, level: Level, title: str, *, why: str) -> Callable[[Look], Look]:
    """Register the decorated function as a rule."""

    def register(look: Look) -> Look:
        _add(Rule(name, level, title, why, look))
        return look

    return register


def looked_at_elsewhere(name: str, level: Level, title: str, *, why: str, waivable: bool = True) -> None:
    """Register a rule of which the compiler tells, or files that are no newsletter."""
    _add(Rule(name, level, title, why, waivable=waivable))


def _add(one: Rule) -> None:
    assert one.id not in _rules, one.id
    _rules[one.id] = one


def registered() -> Mapping[str, Rule]:
    """All rules by id, in the order of their modules. Complete once `runner` is imported."""
    return _rules
