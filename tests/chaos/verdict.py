"""What arrived against what the ledger says, person by person. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

OPEN = ("queued", "sending")
UNMAILED = ("queued", "failed", "skipped", "cancelled", "held")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who got it how often, held against the ledger. All but `states` and `uncertain` must be empty."""

    states: Counter[str]
    uncertain: int
    twice: tuple[str, ...]  # got it more than once
    lost: tuple[str, ...]  # counts as sent and got nothing, or has no end, or no row
    denied: tuple[str, ...]  # got it, though the ledger says that they were not mailed

    @property
    def faults(self) -> list[str]:
        named = (("mailed twice", self.twice), ("lost", self.lost), ("mailed, which is denied", self.denied))
        return [f"{len(who)} {what}: {', '.join(sorted(who)[:5])}" for what, who in named if who]


def compare(arrived: Iterable[str], said: Sequence[tuple[str, str]], *, people: Iterable[str], ended: bool) -> Verdict:
    """The verdict on one campaign. `people` are those it was launched for; `ended`: nobody may be left in the queue.

    People who were forgotten have a row without an address, so theirs are only counted.
    """
    got = Counter(arrived)
    state = {address: one for address, one in said if address}
    forgotten = sum(1 for address, _ in said if not address)
    missing = [address for address in people if address not in state]
    lost = [address for address, one in state.items() if one == "sent" and not got[address]]
    if len(missing) > forgotten:
        lost += missing
    if ended:
        lost += [address or "(forgotten)" for address, one in said if one in OPEN]
    states = Counter(one for _, one in said)
    return Verdict(
        states=states,
        uncertain=states["uncertain"],
        twice=tuple(address for address, times in got.items() if times > 1),
        lost=tuple(lost),
        denied=tuple(address for address, one in state.items() if one in UNMAILED and got[address]),
    )
