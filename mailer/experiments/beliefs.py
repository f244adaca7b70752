"""What is believed of a version's rate, before a test and after: the rates themselves, and which is the highest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, log, sqrt

FALLBACK_MEAN = 0.018  # people who sign per mail sent: M+R Benchmarks 2025, advocacy response rate 1.82 %
FALLBACK_SPREAD = 0.2  # between versions of one message, as a share of the mean
GRID = 1000  # points at which rates are compared: chances are exact to four digits
REACH = 9  # standard deviations either side that the grid covers


@dataclass(frozen=True, slots=True)
class Prior:
    """What past campaigns say of a message that nobody got yet.

    `mean`: people who sign per mail sent. `spread`: the standard deviation between versions of one message, in the
    same unit.
    """

    mean: float
    spread: float

    @classmethod
    def fallback(cls) -> Prior:
        """For a group that has no campaigns of its own yet."""
        return cls(FALLBACK_MEAN, FALLBACK_SPREAD * FALLBACK_MEAN)

    def around(self, mean: float) -> Prior:
        """The same for a message whose versions do about so well together: versions differ in proportion."""
        return Prior(mean, self.spread * mean / self.mean)

    @property
    def weight(self) -> float:
        """So many people's worth of evidence it has: the κ of a Beta distribution with this mean and spread."""
        return max(1.0, self.mean * (1 - self.mean) / self.spread**2 - 1)

    @property
    def noise(self) -> float:
        """The variance of one person's answer as a multiple of the variance between versions: Test & Roll's r."""
        return self.mean * (1 - self.mean) / self.spread**2


@dataclass(frozen=True, slots=True)
class Belief:
    """A version's rate after a test, as a Beta distribution."""

    a: float
    b: float

    @classmethod
    def after(cls, did: int, of: int, prior: Prior) -> Belief:
        """What is believed once `did` of `of` people acted."""
        weight = prior.weight
        return cls(prior.mean * weight + did, (1 - prior.mean) * weight + max(0, of - did))

    @property
    def mean(self) -> float:
        return self.a / (self.a + self.b)

    @property
    def variance(self) -> float:
        return self.mean * (1 - self.mean) / (self.a + self.b + 1)


@dataclass(frozen=True, slots=True)
class Odds:
    """How one version compares. `best`: the chance that its rate is the highest. `cost`: how far its rate is below the
    highest, on average over all that is possible: the expected loss of choosing it."""

    best: float
    cost: float


def compare(beliefs: Sequence[Belief]) -> list[Odds]:
    """Each version beside all others, in the order given; the chances add up to 1.

    By numeric integration rather than by drawing: the same numbers on every machine and in every version of Python.
    """
    reach = [REACH * sqrt(one.variance) for one in beliefs]
    low = max(0.0, min(one.mean - far for one, far in zip(beliefs, reach, strict=True)))
    high = min(1.0, max(one.mean + far for one, far in zip(beliefs, reach, strict=True)))
    rates = [low + (high - low) * (i + 0.5) / GRID for i in range(GRID)]
    densities = [_density(one, rates) for one in beliefs]
    below = [_running(density) for density in densities]  # the chance that a version's rate is below each of `rates`
    chances, best = [0.0] * len(beliefs), 0.0
    for i, rate in enumerate(rates):
        for version, density in enumerate(densities):
            highest = density[i]
            for other, lower in enumerate(below):
                if other != version:
                    highest *= lower[i]
            chances[version] += highest
            best += rate * highest
    total = sum(chances)
    return [
        Odds(chance / total, max(0.0, best / total - one.mean)) for chance, one in zip(chances, beliefs, strict=True)
    ]


def _density(belief: Belief, rates: Sequence[float]) -> list[float]:
    logs = [(belief.a - 1) * log(rate) + (belief.b - 1) * log(1 - rate) for rate in rates]
    highest = max(logs, default=-inf)
    heights = [exp(one - highest) for one in logs]
    total = sum(heights)
    return [height / total for height in heights]


def _running(density: Sequence[float]) -> list[float]:
    total, found = 0.0, list[float]()
    for part in density:
        found.append(total + part / 2)
        total += part
    return found
