"""How large a test is, against facts computed elsewhere and against trying every size."""

from __future__ import annotations

from random import Random

import pytest

from mailer.experiments.beliefs import Prior
from mailer.experiments.deciding import ArmCounts
from mailer.experiments.sampling import (
    advised_arms,
    ahead_early,
    best_possible_gain,
    expected_gain,
    likelihood_ratio,
    people_for_each,
    recommended_share,
)

PRIOR = Prior.fallback()


@pytest.mark.parametrize(
    ("people", "each"), [(5_000, 622), (20_000, 1_721), (50_000, 3_101), (200_000, 6_961), (500_000, 11_490)]
)
def test_the_size_is_that_of_the_paper(people: int, each: int) -> None:
    assert people_for_each(people, 2, Prior(0.02, 0.004)) == pytest.approx(each, abs=1)


@pytest.mark.parametrize("arms", [2, 3, 4])
@pytest.mark.parametrize("people", [2_000, 50_000, 500_000])
def test_no_other_share_brings_more(people: int, arms: int) -> None:
    best = arms * people_for_each(people, arms, PRIOR) / people
    shares = [i / 500 for i in range(1, 501)]
    assert max(shares, key=lambda share: expected_gain(people, arms, share, PRIOR)) == pytest.approx(best, abs=0.004)


@pytest.mark.parametrize(
    ("people", "arms", "share", "percent"),
    [
        (5_000, 2, 0.3, 4.7),
        (5_000, 4, 0.5, 5.7),
        (50_000, 2, 0.2, 8.2),
        (50_000, 4, 0.2, 13.3),
        (500_000, 2, 0.1, 9.8),
        (500_000, 4, 0.1, 17.6),
        (500_000, 2, 1.0, 0),
    ],
)
def test_the_gain_is_what_simulations_found(people: int, arms: int, share: float, percent: float) -> None:
    gain = expected_gain(people, arms, share, PRIOR)
    assert 100 * gain / (people * PRIOR.mean) == pytest.approx(percent, abs=0.35)


def test_the_best_possible_gain_is_that_of_knowing() -> None:
    assert best_possible_gain(1000, 2, PRIOR) / (1000 * PRIOR.mean) == pytest.approx(0.113, abs=0.001)
    assert best_possible_gain(1000, 4, PRIOR) / (1000 * PRIOR.mean) == pytest.approx(0.205, abs=0.002)


@pytest.mark.parametrize("people", [0, 1, 100, 5_000, 10_000, 20_000, 50_000, 100_000, 1_000_000])
def test_the_share_stays_within_its_bounds_and_is_as_good_as_the_rule_of_thumb(people: int) -> None:
    share = recommended_share(people, 2, PRIOR)
    assert 0.10 <= share <= 0.50
    usual = 0.30 if people <= 10_000 else 0.15 if people <= 100_000 else 0.10
    assert expected_gain(people, 2, share, PRIOR) >= 0.999 * expected_gain(people, 2, usual, PRIOR)


def test_small_lists_are_advised_two_versions() -> None:
    assert [advised_arms(people) for people in (19_999, 20_000)] == [2, 4]


def test_the_likelihood_ratio_is_that_of_averaging_over_differences() -> None:
    """Λ is the likelihood of the gap averaged over normal differences, beside that of no difference: drawn here."""
    one, other = ArmCounts("a", 5000, 130), ArmCounts("b", 5000, 90)
    rate = 220 / 10_000
    variance, spread = 2 * rate * (1 - rate) / 5000, 2**0.5 * 0.2 * rate
    gap, random, draws = 40 / 5000, Random(3), 200_000
    total = 0.0
    for _ in range(draws):
        difference = random.gauss(0, spread)
        total += 2.718281828459045 ** ((gap**2 - (gap - difference) ** 2) / (2 * variance))
    assert likelihood_ratio(one, other, prior=PRIOR) == pytest.approx(total / draws, rel=0.05)


@pytest.mark.parametrize(
    ("arms", "winner"),
    [
        ([("a", 5000, 90), ("b", 5000, 170)], "b"),
        ([("a", 5000, 90), ("b", 5000, 100)], ""),
        ([("a", 5000, 90), ("b", 5000, 170), ("c", 5000, 168)], ""),
        ([("a", 0, 0), ("b", 0, 0)], ""),
        ([("a", 50, 50), ("b", 50, 50)], ""),
    ],
)
def test_only_a_clear_lead_ends_a_test_early(arms: list[tuple[str, int, int]], winner: str) -> None:
    assert ahead_early([ArmCounts(*one) for one in arms], prior=PRIOR) == winner
