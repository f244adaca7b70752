"""What a decision comes to, against other ways to compute the same: Evan Miller's sum, drawing, the normal curve."""

from __future__ import annotations

from math import erf, exp, lgamma, log, pi, sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.experiments.beliefs import Belief, Prior, compare
from mailer.experiments.deciding import ArmCounts, DecidedBy, decide

PRIOR = Prior.fallback()
counts = st.integers(0, 400).flatmap(lambda did: st.tuples(st.just(did), st.integers(max(did, 1), did + 20_000)))


def better_by_the_sum(a: Belief, b: Belief) -> float:
    """P(B > A) in closed form, for whole numbers (Evan Miller, "Formulas for Bayesian A/B Testing")."""

    def beta(x: float, y: float) -> float:
        return lgamma(x) + lgamma(y) - lgamma(x + y)

    return sum(
        exp(beta(a.a + i, a.b + b.b) - log(b.b + i) - beta(1 + i, b.b) - beta(a.a, a.b)) for i in range(round(b.a))
    )


def cost_by_the_normal_curve(chosen: Belief, other: Belief) -> float:
    """E[max(other − chosen, 0)], with both rates taken for normal."""
    gap, spread = other.mean - chosen.mean, sqrt(chosen.variance + other.variance)
    z = gap / spread
    return gap * (1 + erf(z / sqrt(2))) / 2 + spread * exp(-z * z / 2) / sqrt(2 * pi)


@given(a=counts, b=counts)
def test_the_chance_is_that_of_the_closed_form(a: tuple[int, int], b: tuple[int, int]) -> None:
    first, second = (Belief(1 + did, 1 + of - did) for did, of in (a, b))
    assert compare([first, second])[1].best == pytest.approx(better_by_the_sum(first, second), abs=2e-3)


@given(a=counts, b=counts)
def test_the_cost_is_that_of_the_normal_curve(a: tuple[int, int], b: tuple[int, int]) -> None:
    beliefs = [Belief.after(did, of, PRIOR) for did, of in (a, b)]
    odds = compare(beliefs)
    scale = sqrt(sum(one.variance for one in beliefs))
    assert odds[0].cost == pytest.approx(cost_by_the_normal_curve(*beliefs), abs=0.02 * scale)
    assert odds[0].cost - odds[1].cost == pytest.approx(beliefs[1].mean - beliefs[0].mean, abs=1e-6)


def test_three_versions_are_what_drawing_finds() -> None:
    beliefs = [Belief.after(did, 1000, PRIOR) for did in (15, 24, 21)]
    random, draws = Random(7), 40_000
    firsts, lost = [0, 0, 0], 0.0
    for _ in range(draws):
        drawn = [random.betavariate(one.a, one.b) for one in beliefs]
        firsts[drawn.index(max(drawn))] += 1
        lost += max(drawn) - drawn[1]
    odds = compare(beliefs)
    assert [one.best for one in odds] == [pytest.approx(first / draws, abs=0.01) for first in firsts]
    assert odds[1].cost == pytest.approx(lost / draws, rel=0.03)
    assert sum(one.best for one in odds) == pytest.approx(1)


@given(a=counts, b=counts, c=counts)
def test_a_decision_is_sound_whatever_the_counts(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> None:
    arms = [ArmCounts(arm, of, did, did) for arm, (did, of) in zip("abc", (a, b, c), strict=True)]
    decision = decide(arms, prior=PRIOR)
    assert decision == decide(arms, prior=PRIOR)
    assert 0 <= decision.chance <= 1
    assert decision.cost_per_1000 >= 0
    together = sum(one.signed for one in arms) / sum(one.sent for one in arms)
    for one in arms:  # shrunk: from its own rate towards that of all, and that of the past
        known = (one.signed / one.sent, together, PRIOR.mean)
        assert min(known) - 1e-9 <= decision.rates[one.arm] <= max(known) + 1e-9
    if decision.by is not DecidedBy.NOTHING:
        assert decision.rates[decision.winner] == max(decision.rates.values())


@pytest.mark.parametrize(
    ("arms", "vetoed", "winner", "by"),
    [
        ([ArmCounts("a", 1000, 15), ArmCounts("b", 1000, 24)], "", "b", DecidedBy.SIGNATURES),
        ([ArmCounts("a", 1000, 15), ArmCounts("b", 1000, 24)], "b", "a", DecidedBy.SIGNATURES),
        ([ArmCounts("a", 1000, 15), ArmCounts("b", 1000, 24)], "ab", "", DecidedBy.SIGNATURES),
        ([ArmCounts("a", 1000, 9, 30), ArmCounts("b", 1000, 10, 20)], "", "a", DecidedBy.CLICKS),
        ([ArmCounts("a", 1000, 0, 4), ArmCounts("b", 1000, 5, 15)], "", "a", DecidedBy.NOTHING),
        ([ArmCounts("a", 1000, 0, 4), ArmCounts("b", 1000, 5, 15)], "a", "b", DecidedBy.NOTHING),
        ([ArmCounts("a", 0), ArmCounts("b", 0)], "", "a", DecidedBy.NOTHING),
        ([ArmCounts("a", 20, 0, 20), ArmCounts("b", 20, 0, 20)], "", "a", DecidedBy.CLICKS),
    ],
)
def test_what_decides(arms: list[ArmCounts], vetoed: str, winner: str, by: DecidedBy) -> None:
    decision = decide(arms, prior=PRIOR, vetoed=vetoed)
    assert (decision.winner, decision.by, decision.vetoed) == (winner, by, tuple(vetoed))


def test_a_version_that_cannot_win_is_no_rival() -> None:
    arms = [ArmCounts("a", 1000, 15), ArmCounts("b", 1000, 24)]
    alone = decide(arms, prior=PRIOR, vetoed="b")
    assert (alone.chance, alone.cost_per_1000) == (pytest.approx(1), pytest.approx(0, abs=1e-6))
