"""What a group's own past teaches: how well its mails do, how far versions differ, and whether a trait of them helps.

Honest about how little few tests say: the spread starts from what is known of others and moves as tests come, and what
tests say together is a range, which mostly holds "no difference" too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from statistics import median

from mailer.experiments.beliefs import FALLBACK_MEAN, FALLBACK_SPREAD, Prior
from mailer.experiments.deciding import ArmCounts

SPREADS = [0.02 * 1.08**i for i in range(55)]  # from 2 % to 128 % of the mean: what is thought possible
UNSURE_BY = 0.5  # standard deviation of the logarithm of the spread before any test
SURE = 1.96  # standard deviations of a range that holds the truth in 95 of 100 cases
LEAST_MEAN = 0.0005  # below, a group's median says that its mails ask for something else


def learn(rates: Sequence[float], tests: Iterable[Sequence[ArmCounts]]) -> Prior:
    """What is expected of the versions of a group's next message. `rates`: people who signed per mail sent, of its
    last campaigns; `tests`: what the versions of each past test brought."""
    mean = max(LEAST_MEAN, median(rates)) if rates else FALLBACK_MEAN
    return Prior(min(mean, 0.5), min(0.5, mean) * spread_between(tests))


def spread_between(tests: Iterable[Sequence[ArmCounts]]) -> float:
    """The standard deviation between versions of one message, as a share of its mean.

    Each test's rates scatter by chance, and by the spread: the likelihood of what was seen says which spread fits. It
    weighs against what is believed without tests (log-normal around a fifth), so that one lucky test moves it little.
    """
    found = [one for one in map(_scatter, tests) if one is not None]
    logs = [
        -((log(spread / FALLBACK_SPREAD) / UNSURE_BY) ** 2) / 2 + sum(one.likelihood(spread) for one in found)
        for spread in SPREADS
    ]
    weights = [exp(one - max(logs)) for one in logs]
    return exp(sum(w * log(spread) for w, spread in zip(weights, SPREADS, strict=True)) / sum(weights))


@dataclass(frozen=True, slots=True)
class PairedVersions:
    """Two versions of one test: the one that has a trait, such as a shorter subject, and the one that hasn't."""

    having: ArmCounts
    other: ArmCounts


@dataclass(frozen=True, slots=True)
class PooledEffect:
    """What a trait did over several tests: `ratio` of the rates with and without it, and the range that holds the truth
    in 95 of 100 cases."""

    tests: int
    ratio: float
    low: float
    high: float

    @property
    def is_told(self) -> bool:
        """Whether the range leaves "no difference" out."""
        return self.low > 1 or self.high < 1


def pooled(pairs: Sequence[PairedVersions], *, spread: float) -> PooledEffect | None:
    """Tests of one trait together; None for none.

    Versions differ by `spread` in much else than the trait, so each test counts with that much doubt more: a hundred
    thousand people in one test are still one pair of subjects.
    """
    weight = total = 0.0
    for pair in pairs:
        (rate, doubt), (other, more_doubt) = map(_log_rate, (pair.having, pair.other))
        of_it = 1 / (doubt + more_doubt + 2 * spread**2)
        weight += of_it
        total += of_it * (rate - other)
    if not pairs:
        return None
    middle, error = total / weight, SURE / sqrt(weight)
    return PooledEffect(len(pairs), exp(middle), exp(middle - error), exp(middle + error))


def _log_rate(one: ArmCounts) -> tuple[float, float]:
    """The logarithm of a version's rate, and its variance; half a person more, so that none is something, too."""
    rate = min(0.99, (one.signed + 0.5) / (one.sent + 1))
    return log(rate), (1 - rate) / (rate * (one.sent + 1))


@dataclass(frozen=True, slots=True)
class _Scatter:
    squares: float  # of the rates around their mean, each weighed by its people
    free: int
    chance: float  # what they come to by chance alone, for each degree of freedom
    between: float  # what a spread of 1 would add

    def likelihood(self, spread: float) -> float:
        expected = self.chance + spread**2 * self.between
        return -(self.free * log(expected) + self.squares / expected) / 2


def _scatter(arms: Sequence[ArmCounts]) -> _Scatter | None:
    sent, signed = sum(one.sent for one in arms), sum(one.signed for one in arms)
    mailed = [one for one in arms if one.sent]
    if len(mailed) < 2 or not 0 < signed < sent:
        return None
    rate, free = signed / sent, len(mailed) - 1
    squares = sum(one.sent * (one.signed / one.sent - rate) ** 2 for one in mailed)
    people = (sent - sum(one.sent**2 for one in mailed) / sent) / free
    return _Scatter(squares, free, rate * (1 - rate), rate**2 * people)
