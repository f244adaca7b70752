"""What subjects have in common that tests can say something about together: shorter, a question, a number, a name.

A version of one test is compared with another of the same test alone, so that what a campaign was about, and when it
left, is the same on both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mailer.experiments.deciding import ArmCounts
from mailer.experiments.learning import PairedVersions, PooledEffect, pooled

MUCH_SHORTER = 0.8  # of the other's length: less of a difference is none that a reader sees

# Each with the words that follow "Subjects": whether a subject, as its author wrote it, has it.
HAVING: Mapping[str, Callable[[str], bool]] = {
    "that ask a question": lambda subject: "?" in subject,
    "with a number": lambda subject: any(letter.isdigit() for letter in subject),
    "with the reader’s name": lambda subject: "supporter.first_name" in subject,
}
SHORTER = "that are shorter"


@dataclass(frozen=True, slots=True)
class SubjectsTried:
    """One test of subjects: what each version said, and what it brought."""

    subjects: Mapping[str, str]
    counts: Sequence[ArmCounts]


def traits_of(tests: Sequence[SubjectsTried], *, spread: float) -> dict[str, PooledEffect]:
    """What each trait did in all tests in which some versions had it and others hadn't."""
    found = {words: [pair for one in tests if (pair := _having(one, has))] for words, has in HAVING.items()}
    found[SHORTER] = [pair for one in tests if (pair := _shorter(one))]
    return {words: effect for words, pairs in found.items() if (effect := pooled(pairs, spread=spread))}


def _having(test: SubjectsTried, has: Callable[[str], bool]) -> PairedVersions | None:
    sides = [[one for one in test.counts if has(test.subjects.get(one.arm, "")) is side] for side in (True, False)]
    return PairedVersions(_together(sides[0]), _together(sides[1])) if all(sides) else None


def _shorter(test: SubjectsTried) -> PairedVersions | None:
    ordered = sorted(test.counts, key=lambda one: len(test.subjects.get(one.arm, "")))
    if len(ordered) < 2:
        return None
    short, long = (len(test.subjects.get(one.arm, "")) for one in (ordered[0], ordered[-1]))
    return PairedVersions(ordered[0], ordered[-1]) if short <= MUCH_SHORTER * long else None


def _together(arms: Sequence[ArmCounts]) -> ArmCounts:
    return ArmCounts(arms[0].arm, sum(one.sent for one in arms), sum(one.signed for one in arms))
