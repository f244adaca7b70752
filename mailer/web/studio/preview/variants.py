"""Who sees which version of a mail with conditions: the branches taken, counted over the first people of its audience.

Counting everyone is for the preflight; this is to look at one person of each kind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mailer.audience.people.people import supporters
from mailer.audience.selection.select import chosen
from mailer.compose.expressions.evaluator import Subject, truth_of
from mailer.compose.merge import parsed
from mailer.compose.message import Choice, Message
from mailer.delivery.campaigns.freeze import Plan

LOOKED_AT = 1_000  # people
MOST = 8  # variants shown: the commonest
OTHERWISE = "none of these"


@dataclass(frozen=True, slots=True)
class ShownVariant:
    """One combination of branches: in words, how many see it, and the first of them."""

    words: tuple[str, ...]  # one for each condition: the test that holds, or `OTHERWISE`
    people: int
    person_id: int


@dataclass(frozen=True, slots=True)
class Variants:
    """The commonest variants among `looked_at` people, of `kinds` in all."""

    looked_at: int
    kinds: int
    commonest: tuple[ShownVariant, ...]


def variants_of(connection: Connection, plan: Plan, *, now: datetime) -> Variants | None:
    """The variants of a plan's message, or None when it has no conditions."""
    takers = _takers(plan.message)
    if not takers:
        return None
    most = min(LOOKED_AT, plan.audience.limit or LOOKED_AT)
    numbers = [int(number) for number in connection.execute(chosen(plan.audience, now=now).limit(most)).scalars()]
    people = supporters(connection, numbers)
    first: dict[tuple[str, ...], int] = {}
    counts: dict[tuple[str, ...], int] = {}
    for number in numbers:
        if number not in people:
            continue
        person = Subject(people[number], cells=plan.cells)
        words = tuple(taken(person) for taken in takers)
        first.setdefault(words, number)
        counts[words] = counts.get(words, 0) + 1
    common = sorted(counts, key=lambda words: -counts[words])
    shown = tuple(ShownVariant(words, counts[words], first[words]) for words in common[:MOST])
    return Variants(sum(counts.values()), len(counts), shown)


def _takers(message: Message) -> list[Callable[[Subject], str]]:
    """For each different condition, what says which of its branches a person gets.

    A condition in the body is in the HTML and in the text, so it is there twice with the same tests.
    """
    tests = dict.fromkeys(
        tuple(test for test, _ in slot.branches) for slot in message.slots if isinstance(slot, Choice)
    )
    return [_taker(tested, message) for tested in tests]


def _taker(tests: tuple[str, ...], message: Message) -> Callable[[Subject], str]:
    rules = [(test, truth_of(parsed(test, message), message.constants)) for test in tests if test]

    def taken(person: Subject) -> str:
        return next((test for test, holds in rules if holds(person)), OTHERWISE)

    return taken
