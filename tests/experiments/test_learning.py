"""What a group's past teaches: nothing from nothing, and the truth from enough of it."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.experiments.beliefs import Prior
from mailer.experiments.deciding import ArmCounts
from mailer.experiments.learning import PairedVersions, learn, pooled, spread_between
from tests.experiments.test_simulations import draw


def past_tests(random: Random, *, spread: float, number: int, sent: int = 5_000) -> list[list[ArmCounts]]:
    found: list[list[ArmCounts]] = []
    for _ in range(number):
        rates = [max(1e-4, random.gauss(0.02, spread * 0.02)) for _ in range(2)]
        found.append([ArmCounts(arm, sent, draw(random, sent, rate)) for arm, rate in zip("ab", rates, strict=True)])
    return found


def test_no_past_teaches_nothing() -> None:
    assert spread_between([]) == pytest.approx(0.2, rel=0.02)
    fallback, learned = Prior.fallback(), learn([], [])
    assert (learned.mean, learned.spread) == (fallback.mean, pytest.approx(fallback.spread, rel=0.02))


def test_the_mean_is_the_median_of_campaigns() -> None:
    assert learn([0.01, 0.03, 0.5], []).mean == 0.03


@pytest.mark.parametrize("spread", [0.08, 0.2, 0.4])
def test_many_tests_teach_how_far_versions_differ(spread: float) -> None:
    assert spread_between(past_tests(Random(1), spread=spread, number=60)) == pytest.approx(spread, rel=0.25)


def test_one_test_moves_it_little() -> None:
    equal = [[ArmCounts("a", 20_000, 400), ArmCounts("b", 20_000, 400)]]
    apart = [[ArmCounts("a", 20_000, 300), ArmCounts("b", 20_000, 600)]]
    assert 0.08 < spread_between(equal) < 0.2 < spread_between(apart) < 0.5


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=6), st.lists(st.floats(0, 1)))
def test_a_prior_can_be_computed_with_whatever_the_past_was(counts: list[tuple[int, int]], rates: list[float]) -> None:
    arms = [ArmCounts(str(n), max(pair), min(pair)) for n, pair in enumerate(counts)]
    prior = learn(rates, [arms])
    assert 0 < prior.spread < prior.mean * 1.3
    assert prior.weight >= 1


def test_a_trait_that_helps_is_found_and_one_that_does_not_is_not() -> None:
    random = Random(9)

    def pairs(effect: float, number: int) -> list[PairedVersions]:
        rates = [(random.gauss(0.02, 0.003) * effect, random.gauss(0.02, 0.003)) for _ in range(number)]
        return [
            PairedVersions(*(ArmCounts("a", 4_000, draw(random, 4_000, max(0.001, rate))) for rate in both))
            for both in rates
        ]

    helps = pooled(pairs(1.35, 30), spread=0.15)
    assert helps
    assert helps.is_told
    assert helps.low < 1.35 < helps.high
    told = sum(found.is_told for _ in range(200) if (found := pooled(pairs(1.0, 6), spread=0.15)))
    assert told / 200 < 0.09  # 5 of 100 by construction
    assert pooled([], spread=0.2) is None
