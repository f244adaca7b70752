"""The goal a page shows: its own first, then the next round number, whatever the count does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.audience.petition.goals import goal_of

COUNTS = st.integers(0, 10_000_000)


@pytest.mark.parametrize(
    ("target", "signed", "number", "made"),
    [
        (1000, 0, 1000, None),
        (1000, 999, 1000, None),
        (1000, 1000, 2500, 1000),
        (1000, 2499, 2500, 1000),
        (1000, 2500, 5000, 2500),
        (1000, 5000, 10_000, 5000),
        (10_000, 10_482, 25_000, 10_000),
        (612, 612, 1000, 612),
        (612, 30_000, 50_000, 25_000),
        (1, 1, 5, 1),
        (1, 24, 25, 10),
    ],
)
def test_the_next_goal_is_set_when_one_is_reached(target: int, signed: int, number: int, made: int | None) -> None:
    goal = goal_of(target, signed)
    assert goal is not None
    assert (goal.number, goal.made) == (number, made)


@given(st.integers(1, 1_000_000), COUNTS)
def test_a_goal_is_always_ahead_and_what_was_made_is_behind(target: int, signed: int) -> None:
    goal = goal_of(target, signed)
    assert goal is not None
    assert goal.number > signed
    assert goal.left == goal.number - signed > 0
    assert goal.number >= target
    assert (goal.made is None) == (signed < target)
    assert goal.made is None or target <= goal.made <= signed


@given(st.integers(1, 1_000_000), COUNTS)
def test_a_bar_shows_the_first_name_and_is_never_full(target: int, signed: int) -> None:
    goal = goal_of(target, signed)
    assert goal is not None
    assert goal.percent < 100 or goal.number == 1
    assert (goal.percent == 0) if signed == 0 else goal.percent >= 2


def test_a_page_without_a_target_has_no_goal() -> None:
    assert goal_of(None, 12) is None
