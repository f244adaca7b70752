"""Who made the hits of one delivery, as far as all of them together can tell. Pure; the rules' version is in
`bot_rules`.

Each hit gets one verdict with its reasons. A sign is strong, a doubt, or weak; one strong sign or doubt leaves a hit
unsure, any two signs make it a machine's, and a weak one by itself changes nothing. All links within seconds are a
scanner's beyond doubt. Nothing depends on the order in which hits were stored, and no further hit ever makes an
earlier one human; it is the reader's own, later hit from elsewhere that counts them as a person.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from mailer.store.tables.states import Verdict
from mailer.tracking.bot_rules import OPENING, PROXY, judge, says_it_is_a_program

SECOND = 1_000_000  # microseconds, as the tables count time

# Scanners look at links while the mail is being delivered or just after. Published thresholds: 1 s (suped.com), 1.5 s
# (Collie), 5 s (audits of gateways), 7 s (one open-source suite); people need longer to open a mail they just got.
SOON_SECONDS = 5
# Three links or more within ten seconds (support.customerminds.com: all of three or more links; others count more).
BURST_SECONDS = 10
BURST_LINKS = 3
# A link checked by one program and again by another from the same network, which a reader does not do: seen from
# Microsoft's networks (warmbly#412).
AGENTS_SECONDS = 10
# One network for many people. Offices, mobile networks and VPNs share one too, so this is never enough by itself.
CROWD_SECONDS = 300
CROWD_DELIVERIES = 5
# Hits that are kept of one mail. A link that was posted in public, or is asked for by a loop, must not fill the disk.
MOST_KEPT = 2_000

STRONG, WEAK = 2, 1
UNSURE_FROM, MACHINE_FROM = 2, 3


@dataclass(frozen=True, slots=True)
class SeenHit:
    """A stored hit as these rules see it. `at` is in microseconds since 1970."""

    n: int
    at: int
    method: str
    headers: Mapping[str, str]
    network: bytes  # b"": not known


Crowd = tuple[bytes, int]  # a network, and which stretch of `CROWD_SECONDS` since 1970
Judged = tuple[Verdict, tuple[str, ...]]


def crowd_of(hit: SeenHit) -> Crowd:
    """The group a hit would belong to if it is one of many."""
    return hit.network, hit.at // (CROWD_SECONDS * SECOND)


def judge_together(hits: Sequence[SeenHit], *, handed_over_at: int | None, crowds: Set[Crowd]) -> list[Judged]:
    """A verdict for each hit of one delivery, in their order.

    `handed_over_at`: when the mail was taken, in microseconds, where that is known to the second. `crowds`: the
    networks that asked for links of many deliveries, and when.
    """
    burst = _burst(hits)
    scanners = {hit.network for hit, caught in zip(hits, burst, strict=True) if caught and hit.network}
    doubled = _two_agents(hits)
    found: list[Judged] = []
    for place, hit in enumerate(hits):
        verdict, reasons = judge(hit.method, hit.headers, opening=hit.n == OPENING)
        more: list[str] = []
        points = STRONG if verdict is Verdict.UNSURE else 0
        if burst[place]:
            more.append("burst:links")
            points = MACHINE_FROM
        elif hit.network in scanners:
            more.append("network:of-burst")
            points += STRONG
        if handed_over_at is not None and abs(hit.at - handed_over_at) <= SOON_SECONDS * SECOND:
            more.append("time:soon")
            points += STRONG
        if place in doubled:
            more.append("network:two-agents")
            points += STRONG
        if hit.network and crowd_of(hit) in crowds:
            more.append("network:crowd")
            points += WEAK
        if verdict is not Verdict.MACHINE:
            verdict = _verdict(points)
        found.append((verdict, (*reasons, *more)))
    return found


def _verdict(points: int) -> Verdict:
    if points >= MACHINE_FROM:
        return Verdict.MACHINE
    return Verdict.UNSURE if points >= UNSURE_FROM else Verdict.HUMAN


def _burst(hits: Sequence[SeenHit]) -> list[bool]:
    """Which hits of links are in a stretch of seconds in which many links were asked for."""
    order = sorted((place for place, hit in enumerate(hits) if hit.n != OPENING), key=lambda place: hits[place].at)
    caught = [False] * len(hits)
    links: Counter[int] = Counter()
    first = marked = 0
    for last, place in enumerate(order):
        links[hits[place].n] += 1
        while hits[place].at - hits[order[first]].at > BURST_SECONDS * SECOND:
            links[hits[order[first]].n] -= 1
            first += 1
        if sum(1 for count in links.values() if count) >= BURST_LINKS:
            for earlier in range(max(first, marked), last + 1):
                caught[order[earlier]] = True
            marked = last + 1
        links += Counter()  # forget links that are at 0
    return caught


def _two_agents(hits: Sequence[SeenHit]) -> set[int]:
    """Places of hits beside which another browser asked from the same network, seconds away.

    Who says that it is a program is no second browser: a mail program that looks at the link before it opens the
    reader's browser must not make the reader doubtful.
    """
    by_network: defaultdict[bytes, list[tuple[int, str, int]]] = defaultdict(list)
    for place, hit in enumerate(hits):
        agent = hit.headers.get("user-agent", "").strip()
        if hit.n != OPENING and hit.network and agent and not says_it_is_a_program(agent) and not PROXY.search(agent):
            by_network[hit.network].append((hit.at, agent, place))
    found: set[int] = set()
    for same in by_network.values():
        same.sort()
        for ordered in (same, same[::-1]):
            found |= _after_another(ordered)
    return found


def _after_another(ordered: Sequence[tuple[int, str, int]]) -> set[int]:
    """Places whose nearest other agent, in this order, is seconds away."""
    found: set[int] = set()
    other: int | None = None  # when an agent other than the present one was seen last
    before: tuple[int, str] | None = None
    for at, agent, place in ordered:
        if before is not None and before[1] != agent:
            other = before[0]
        if other is not None and abs(at - other) <= AGENTS_SECONDS * SECOND:
            found.add(place)
        before = at, agent
    return found
