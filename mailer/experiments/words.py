"""What a test says, in sentences for campaigners: the same in the terminal, the studio and exports."""

from __future__ import annotations

from collections.abc import Sequence

from mailer.counting import counted, listed
from mailer.experiments.deciding import ArmCounts, DecidedBy, Decision, did
from mailer.experiments.sampling import advised_arms

ACTED = {DecidedBy.SIGNATURES: "signed", DecidedBy.CLICKS: "followed the action link", DecidedBy.NOTHING: "signed"}
UNITS = {DecidedBy.SIGNATURES: "signature", DecidedBy.CLICKS: "click", DecidedBy.NOTHING: "signature"}


def named(arm: str) -> str:
    """What a version is called: a, b, c, d are A, B, C, D."""
    return arm.upper()


def so_far(counts: Sequence[ArmCounts]) -> str:
    """The counts before anything is decided. They name no leader: one would be believed before it is true."""
    return f"{', '.join(_of(one, one.signed, one.arm == counts[0].arm) for one in counts)} so far."


def told(counts: Sequence[ArmCounts], decision: Decision) -> list[str]:
    """A decision in sentences: what was counted, how sure it is, what it costs if it is wrong, what to expect."""
    out = [f"{listed([named(arm) for arm in decision.vetoed])} can't win: too many people left or complained."]
    if not decision.winner:
        return ["Too many people left or complained after every version, so none goes to everybody else."]
    sentences = _why(counts, decision) + (out if decision.vetoed else [])
    if decision.by is DecidedBy.NOTHING or len(counts) - len(decision.vetoed) < 2:
        return sentences
    winner, unit = named(decision.winner), UNITS[decision.by]
    better = "better" if len(counts) - len(decision.vetoed) == 2 else "the best"
    rate = 1000 * decision.rates[decision.winner]
    return [
        *sentences,
        f"{winner} is {better} with probability {chance(decision.chance)}.",
        f"If we are wrong, {winner} costs {_amount(decision.cost_per_1000, unit)} per 1,000.",
        f"Expect about {_amount(rate, unit)} per 1,000 of {winner} from now on: the winner of a test looks better in it"
        " than it is.",
    ]


def chance(of: float) -> str:
    """A probability as one says it, never more certain than it is."""
    return "over 99 %" if of > 0.99 else "under 1 %" if of < 0.01 else f"{100 * of:.0f} %"


def per_cent(share: float) -> str:
    """A share as one says it: 12 %."""
    return f"{100 * share:.0f} %"


def gains(signatures: float) -> str:
    """What a test of a certain size buys."""
    rounded = round(signatures) if signatures < 20 else 10 * round(signatures / 10)
    return f"about {rounded:,} more {'signature' if rounded == 1 else 'signatures'} than no test"


def advice(people: int, arms: int) -> str:
    """What is wrong with testing `arms` versions on an audience of `people`; "" if nothing is."""
    if arms <= advised_arms(people):
        return ""
    return f"{counted(people)} are too few to tell {arms} versions apart: two find more"


def _why(counts: Sequence[ArmCounts], decision: Decision) -> list[str]:
    first = next(one for one in counts if one.arm == decision.winner)
    ordered = [first, *(one for one in counts if one is not first)]
    parts = [_of(one, did(one, decision.by), one is first, ACTED[decision.by]) for one in ordered]
    found = [f"{', '.join(parts)}."]
    if decision.by is DecidedBy.CLICKS:
        return ["Too few people signed to go by signatures, so clicks decide.", *found]
    if decision.by is DecidedBy.NOTHING:
        return [*found, f"That is too few to tell them apart, so {named(decision.winner)} goes, the first version."]
    return found


def _of(one: ArmCounts, acted: int, with_words: bool, words: str = "signed") -> str:
    return f"{named(one.arm)}: {acted:,} of {one.sent:,}{f' {words}' if with_words else ''}"


def _amount(number: float, unit: str) -> str:
    digits = 0 if number >= 10 else 1
    return f"{number:,.{digits}f} {unit}{'' if f'{number:.{digits}f}' == '1' else 's'}"
