"""How many people a test takes, and what it brings: Test & Roll, and what allows deciding early.

Test & Roll (Feit & Berman, Marketing Science 2019, arXiv 1811.00457) asks which size of a test brings the most
signatures in all, rather than which one proves a difference: a list of 5,000 can never prove any, and still choose
well.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, sqrt

from mailer.experiments.beliefs import Prior
from mailer.experiments.deciding import ArmCounts

LEAST_SHARE, MOST_SHARE = 0.10, 0.50  # of the audience, in all versions of a test together
PEOPLE_FOR_MORE_THAN_TWO = 20_000  # an audience below is too small for three or four versions
MOST_ARMS = 4
# The mean of the largest of so many standard normal variables: how far ahead the best of 2, 3, 4 versions is.
AHEAD = {1: 0.0, 2: 0.5641896, 3: 0.8462844, 4: 1.0293754}
FALSE_ALARMS = 0.05  # tests between equal versions in which deciding early may ever find a winner


def recommended_share(people: int, arms: int, prior: Prior) -> float:
    """The share of an audience of `people` to test `arms` versions on, in whole percents between the bounds."""
    best = arms * people_for_each(people, arms, prior) / people if people else MOST_SHARE
    return min(MOST_SHARE, max(LEAST_SHARE, round(best, 2)))


def people_for_each(people: int, arms: int, prior: Prior) -> float:
    """People to send each of `arms` versions, so that all together brings the most signatures.

    The paper's closed form for two; for more, where `expected_gain` is highest, which for two is the same.
    """
    noise = prior.noise
    return sqrt(people * noise / (2 * arms) + (0.75 * noise) ** 2) - 0.75 * noise


def expected_gain(people: int, arms: int, share: float, prior: Prior) -> float:
    """Signatures that such a test brings on average, over sending everybody the first version."""
    each = people * share / arms
    if not each:
        return 0.0
    return (people - arms * each) * AHEAD[arms] * prior.spread / sqrt(1 + prior.noise / each)


def best_possible_gain(people: int, arms: int, prior: Prior) -> float:
    """What knowing the best version beforehand would bring."""
    return people * AHEAD[arms] * prior.spread


def advised_arms(people: int) -> int:
    """The most versions that an audience of `people` is large enough for."""
    return MOST_ARMS if people >= PEOPLE_FOR_MORE_THAN_TWO else 2


def ahead_early(counts: Sequence[ArmCounts], *, prior: Prior) -> str:
    """The version that is so far ahead by signatures that a test may end now, however often one looks; "" for none.

    By the mixture sequential probability ratio test (Johari and others, "Peeking at A/B Tests", KDD 2017), which has
    to hold against every other version, with the false alarms shared out among the pairs.
    """
    alarms = FALSE_ALARMS / (len(counts) * (len(counts) - 1) / 2) if len(counts) > 1 else 0.0
    for one in counts:
        others = [other for other in counts if other.arm != one.arm]
        if others and all(
            _rate(one) > _rate(other) and likelihood_ratio(one, other, prior=prior) >= 1 / alarms for other in others
        ):
            return one.arm
    return ""


def likelihood_ratio(one: ArmCounts, other: ArmCounts, *, prior: Prior) -> float:
    """How much likelier the signatures of two versions are if they differ than if they don't: the mSPRT's Λ.

    1 while either was sent to nobody or nobody signed.
    """
    sent, signed = one.sent + other.sent, one.signed + other.signed
    if not one.sent or not other.sent or not 0 < signed < sent:
        return 1.0
    rate = signed / sent
    variance = rate * (1 - rate) * (1 / one.sent + 1 / other.sent)
    between = 2 * prior.around(rate).spread ** 2  # of the difference of two versions
    both = variance + between
    gap = _rate(one) - _rate(other)
    return sqrt(variance / both) * exp(min(700.0, between * gap**2 / (2 * variance * both)))


def _rate(one: ArmCounts) -> float:
    return one.signed / one.sent if one.sent else 0.0
