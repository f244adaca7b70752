"""Many workers, killed and frozen at random: nobody is mailed twice, nobody is lost. See `benchmarks.claiming`."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.claiming import Costs, Rules, Simulation, Verdict, a_second


def ended(seed: int, rules: Rules | None = None) -> Verdict:
    return Simulation(seed, people=300, workers=16, rules=rules or Rules()).run()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_nobody_is_mailed_twice_or_lost(seed: int) -> None:
    verdict = ended(seed)
    assert (verdict.twice, verdict.lost) == (0, 0)
    assert set(verdict.states) <= {"sent", "uncertain"}


@pytest.mark.parametrize("rule", ["intent_if_held", "begun_is_uncertain"])
def test_without_a_rule_somebody_is_mailed_twice(rule: str) -> None:
    """Else the simulation would prove nothing."""
    assert any(ended(seed, replace(Rules(), **{rule: False})).twice for seed in range(30))


def test_more_workers_are_quicker_until_the_database_is_the_limit() -> None:
    costs = Costs(server=1e-3, worker=4e-3, disk=0.0, batch=10)
    rates = [a_second(workers, 2, costs, exchanges=2_000) for workers in (1, 2, 4, 16, 64)]
    assert rates[0] == pytest.approx(200, rel=0.02)
    assert rates[1] == pytest.approx(400, rel=0.05)
    assert rates[-1] == pytest.approx(2_000, rel=0.05), "two cores of a thousand people a second each"
