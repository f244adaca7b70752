"""What a test says: a table of what can come out, and the sentences for it."""

from __future__ import annotations

import pytest

from mailer.experiments.beliefs import Prior
from mailer.experiments.deciding import ArmCounts, decide
from mailer.experiments.words import advice, chance, gains, so_far, told

PRIOR = Prior.fallback()


def sentences(*arms: ArmCounts, vetoed: str = "") -> str:
    return " ".join(told(arms, decide(arms, prior=PRIOR, vetoed=vetoed)))


def test_a_winner_by_signatures() -> None:
    assert sentences(ArmCounts("a", 1000, 15), ArmCounts("b", 1000, 24)) == (
        "B: 24 of 1,000 signed, A: 15 of 1,000. B is better with probability 84 %."
        " If we are wrong, B costs 0.4 signatures per 1,000. Expect about 21 signatures per 1,000 of B from now on:"
        " the winner of a test looks better in it than it is."
    )


def test_a_winner_by_clicks() -> None:
    words = sentences(ArmCounts("a", 900, 3, 80), ArmCounts("b", 900, 9, 40))
    assert words.startswith(
        "Too few people signed to go by signatures, so clicks decide."
        " A: 80 of 900 followed the action link, B: 40 of 900. A is better with probability"
    )
    assert "clicks per 1,000" in words


def test_no_evidence() -> None:
    assert sentences(ArmCounts("a", 100, 1), ArmCounts("b", 100, 3)) == (
        "A: 1 of 100 signed, B: 3 of 100. That is too few to tell them apart, so A goes, the first version."
    )


@pytest.mark.parametrize(
    ("vetoed", "words"),
    [
        ("b", "A: 15 of 1,000 signed, B: 24 of 1,000. B can't win: too many people left or complained."),
        ("ab", "Too many people left or complained after every version, so none goes to everybody else."),
    ],
)
def test_guard_rails(vetoed: str, words: str) -> None:
    assert sentences(ArmCounts("a", 1000, 15), ArmCounts("b", 1000, 24), vetoed=vetoed) == words


def test_three_versions_have_a_best_one() -> None:
    arms = [ArmCounts("a", 1000, 15), ArmCounts("b", 1000, 24), ArmCounts("c", 1000, 20)]
    assert "B is the best with probability" in sentences(*arms)
    assert "B is better with probability" in sentences(*arms, vetoed="c")


def test_before_it_is_decided_nobody_leads() -> None:
    assert (
        so_far([ArmCounts("a", 1000, 15), ArmCounts("b", 1000, 24)]) == "A: 15 of 1,000 signed, B: 24 of 1,000 so far."
    )


def test_numbers_are_rounded_as_one_says_them() -> None:
    assert [chance(of) for of in (0.999, 0.92, 0.001)] == ["over 99 %", "92 %", "under 1 %"]
    assert gains(43.7) == "about 40 more signatures than no test"
    assert gains(1.2) == "about 1 more signature than no test"


def test_many_versions_on_a_small_list_are_advised_against() -> None:
    assert advice(5000, 3) == "5,000 people are too few to tell 3 versions apart: two find more"
    assert advice(5000, 2) == advice(20_000, 4) == ""
