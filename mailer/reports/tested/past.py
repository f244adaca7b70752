"""The memory of tests: what was tried, what came out, and what it says together. A group learns from all it ever tried.

Together they say how far versions differ, what choosing brought, and whether traits of subjects help; each with the
range that holds the truth in 95 of 100 cases, since a few tests say little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from mailer.counting import counted, listed
from mailer.delivery.experiments.kept import KeptTest, all_tests
from mailer.delivery.experiments.tried import PREHEADER, SENDER, SUBJECT, WHOLE
from mailer.experiments.deciding import ArmCounts, DecidedBy
from mailer.experiments.learning import PooledEffect, spread_between
from mailer.experiments.traits import SubjectsTried, traits_of
from mailer.experiments.words import chance, named, per_cent
from mailer.store.tables.states import DecisionState

TRIED = {SUBJECT: "subjects", PREHEADER: "lines after the subject", SENDER: "senders", WHOLE: "whole messages"}
SURE = 0.9  # a winner that is told to be better with this probability


@dataclass(frozen=True, slots=True)
class PastTest:
    """One test. `tried` names what differed, `words` what came out."""

    slug: str
    at: datetime  # of its decision, or for which that is stated
    state: DecisionState
    tried: str
    differs: tuple[str, ...]
    says: Mapping[str, Mapping[str, str]]  # by version and part
    counts: tuple[ArmCounts, ...]  # at the decision; none before
    winner: str
    chance: float | None
    gained: float  # signatures more than had everybody got an average version, as far as can be told
    words: str


@dataclass(frozen=True, slots=True)
class PastTests:
    """Every test, the newest first. `spread`: how far versions differ, as a share of their mean; `told`: what they say
    together, in sentences."""

    tests: tuple[PastTest, ...]
    spread: float
    gained: float
    traits: Mapping[str, PooledEffect]
    told: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """As plain data, moments in ISO 8601."""
        data = asdict(self)
        for one in data["tests"]:
            one["at"] = one["at"].isoformat()
        return data


def past_tests(connection: Connection) -> PastTests:
    """The memory of this group's tests."""
    tests = [_past(one) for one in all_tests(connection)]
    return together(tests)


def together(tests: Sequence[PastTest]) -> PastTests:
    """These tests, such as those that somebody may see, and what they say."""
    decided = [one for one in tests if one.counts]
    spread = spread_between([one.counts for one in decided])
    subjects = [
        SubjectsTried({arm: said.get(SUBJECT, "") for arm, said in one.says.items()}, one.counts)
        for one in decided
        if one.differs == (SUBJECT,)
    ]
    traits = traits_of(subjects, spread=spread)
    gained = sum(one.gained for one in decided)
    return PastTests(tuple(tests), spread, gained, traits, tuple(_told(decided, spread, gained, traits)))


def _past(test: KeptTest) -> PastTest:
    kept = test.decision
    tried = listed([TRIED[part] for part in test.plan.differs]) or "versions"
    words, gained = "not decided yet", 0.0
    if kept:
        by_hand = test.winner != kept.decision.winner
        words = f"{named(test.winner)} went to the others"
        if by_hand:
            words += ", chosen by hand"
        elif kept.decision.by is DecidedBy.NOTHING:
            words += ": too few people acted to tell"
        else:
            words += f": better with probability {chance(kept.decision.chance)}"
        rates = kept.decision.rates
        if kept.decision.by is DecidedBy.SIGNATURES and test.winner in rates:
            gained = (test.plan.people - test.plan.tested) * (rates[test.winner] - sum(rates.values()) / len(rates))
    return PastTest(
        test.slug, test.decided_at or test.decide_at, test.state, tried, test.plan.differs, test.plan.says,
        kept.counts if kept else (), test.winner, kept.decision.chance if kept else None, gained, words,
    )  # fmt: skip


def _told(decided: Sequence[PastTest], spread: float, gained: float, traits: Mapping[str, PooledEffect]) -> list[str]:
    if not decided:
        return []
    sure = sum((one.chance or 0) >= SURE for one in decided)
    found = [
        f"{counted(len(decided), 'test')}: in {sure:,} the winner was better with probability {chance(SURE)} or more.",
        f"Versions of one message differ by about {per_cent(spread)} here."
        " The size of the next test is made of that, together with what others have seen.",
    ]
    if round(gained) > 0:
        found.append(f"Choosing brought about {counted(round(gained), 'signature')} more than not testing.")
    for words, effect in traits.items():
        found.append(f"Subjects {words}, in {counted(effect.tests, 'test')}: {_effect(effect)}")
    if len(traits) > 1:
        found.append(f"{counted(len(traits), 'trait')} were looked at: one of twenty looks like something by chance.")
    return found


def _effect(effect: PooledEffect) -> str:
    low, high = (_change(one) for one in (effect.low, effect.high))
    if not effect.is_told:
        return f"from {low} to {high} signatures. That says nothing yet."
    return f"{_change(effect.ratio)} signatures (from {low} to {high})."


def _change(ratio: float) -> str:
    return f"{per_cent(ratio - 1)} more" if ratio >= 1 else f"{per_cent(1 - ratio)} fewer"
