"""Decides a test: which version goes to everybody else, how sure that is, and what it costs if it is wrong.

A decision is a function of what is in it, so that it can be computed again. Looking only once, at the time that was
stated, is for `delivery.experiments`: someone who looks two dozen times and stops at the first "95 %" declares a winner
between equal versions in 41 of 100 tests. `sampling.ahead_early` is for groups that won't wait.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mailer.experiments.beliefs import Belief, Prior, compare

FORMULA = 1  # its version, kept with every decision; a change of what a decision comes to makes another
ENOUGH = 20  # people in all versions together, below which their number says nothing


@dataclass(frozen=True, slots=True)
class ArmCounts:
    """What one version (`arm`: a, b, c, d) did so far, in people; `clicked`: followed the action link."""

    arm: str
    sent: int
    signed: int = 0
    clicked: int = 0
    unsubscribed: int = 0
    complained: int = 0


class DecidedBy(StrEnum):
    """What a decision went by."""

    SIGNATURES = "signatures"
    CLICKS = "clicks"
    NOTHING = "nothing"  # too few acted, so the first version goes


@dataclass(frozen=True, slots=True)
class Decision:
    """What a test came to.

    `winner` is "" when every version tripped a guard rail. `chance`: that the winner is the best of those that could
    win. `cost_per_1000`: signatures (or people who follow the link) that 1,000 mails lose if it isn't, on average.
    `rates`: each version's rate per mail sent, shrunk towards what is known: what to expect of it from now on.
    """

    winner: str
    by: DecidedBy
    chance: float
    cost_per_1000: float
    rates: Mapping[str, float]
    vetoed: tuple[str, ...] = ()
    formula: int = FORMULA


def decide(counts: Sequence[ArmCounts], *, prior: Prior, vetoed: Collection[str] = ()) -> Decision:
    """Decide between the versions in `counts`, the first of them first. `vetoed`: those that tripped a guard rail."""
    by = _evidence(counts)
    beliefs = _beliefs(counts, by=by, prior=prior)
    rates = {arm: belief.mean for arm, belief in beliefs.items()}
    out = tuple(arm for arm in beliefs if arm in vetoed)
    left = [arm for arm in beliefs if arm not in vetoed]
    if not left:
        return Decision("", by, 0.0, 0.0, rates, out)
    odds = dict(zip(left, compare([beliefs[arm] for arm in left]), strict=True))
    winner = left[0] if by is DecidedBy.NOTHING else max(left, key=lambda arm: rates[arm])
    return Decision(winner, by, odds[winner].best, 1000 * odds[winner].cost, rates, out)


def did(one: ArmCounts, by: DecidedBy) -> int:
    """The people of a version that a decision counts."""
    return one.clicked if by is DecidedBy.CLICKS else one.signed


def _evidence(counts: Sequence[ArmCounts]) -> DecidedBy:
    if sum(one.signed for one in counts) >= ENOUGH:
        return DecidedBy.SIGNATURES
    return DecidedBy.CLICKS if sum(one.clicked for one in counts) >= ENOUGH else DecidedBy.NOTHING


def _beliefs(counts: Sequence[ArmCounts], *, by: DecidedBy, prior: Prior) -> dict[str, Belief]:
    around = prior.around(_together(counts, by=by, prior=prior))
    return {one.arm: Belief.after(did(one, by), one.sent, around) for one in counts}


def _together(counts: Sequence[ArmCounts], *, by: DecidedBy, prior: Prior) -> float:
    """The rate of all versions together, which their own are shrunk towards.

    Campaigns differ far more than versions of one. So the group's past counts like one more signature among theirs,
    and for clicks, of which it says nothing, not at all.
    """
    acted, sent = sum(did(one, by) for one in counts), sum(one.sent for one in counts)
    return acted / (sent + 1) if by is DecidedBy.CLICKS else (acted + 1) / (sent + 1 / prior.mean)
