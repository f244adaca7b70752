"""Who made the hits of one delivery, judged together: the rules by example, and the laws that hold for all hits."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.store.tables.states import Verdict
from mailer.tracking.bot_patterns import SECOND, Crowd, SeenHit, crowd_of, judge_together

HUMAN, MACHINE, UNSURE = Verdict.HUMAN, Verdict.MACHINE, Verdict.UNSURE
CHROME, SAFARI = "Mozilla/5.0 (Windows NT 10.0) Chrome/142.0", "Mozilla/5.0 (iPhone) Version/19.0 Safari/605.1"
TAKEN = 1_800_000_000 * SECOND
NOON = TAKEN + 3600 * SECOND
OFFICE, CLOUD = b"office__", b"cloud___"
RANK = {HUMAN: 0, UNSURE: 1, MACHINE: 2}


def a_hit(
    seconds: float = 0, n: int = 1, *, network: bytes = OFFICE, agent: str = CHROME, method: str = "GET"
) -> SeenHit:
    return SeenHit(n, NOON + int(seconds * SECOND), method, {"user-agent": agent} if agent else {}, network)


def verdicts(*hits: SeenHit, taken: int | None = TAKEN, crowds: frozenset[Crowd] = frozenset()) -> list[Verdict]:
    return [verdict for verdict, _ in judge_together(hits, handed_over_at=taken, crowds=crowds)]


def test_a_reader_who_follows_one_link_is_a_person() -> None:
    assert judge_together([a_hit()], handed_over_at=TAKEN, crowds=frozenset()) == [(HUMAN, ())]


def test_all_links_within_seconds_are_a_machines_the_earlier_ones_too() -> None:
    assert verdicts(a_hit(0, 1), a_hit(4, 2)) == [HUMAN, HUMAN]
    assert verdicts(a_hit(0, 1), a_hit(4, 2), a_hit(9, 3)) == [MACHINE] * 3
    assert verdicts(a_hit(0, 1), a_hit(4, 2), a_hit(11, 3)) == [HUMAN] * 3


def test_a_later_click_from_elsewhere_counts_the_reader_as_a_person() -> None:
    scan = [a_hit(n, n, network=CLOUD) for n in (1, 2, 3)]
    assert verdicts(*scan, a_hit(600, 2)) == [MACHINE] * 3 + [HUMAN]


def test_a_later_click_from_the_scanners_network_is_in_doubt() -> None:
    scan = [a_hit(n, n, network=CLOUD) for n in (1, 2, 3)]
    assert verdicts(*scan, a_hit(600, 2, network=CLOUD)) == [MACHINE] * 3 + [UNSURE]


def test_the_same_link_again_and_again_is_an_impatient_person() -> None:
    assert verdicts(*[a_hit(second) for second in range(8)]) == [HUMAN] * 8


def test_seconds_after_the_hand_over_is_a_strong_sign_and_no_proof() -> None:
    soon = a_hit(2)
    assert verdicts(soon, taken=NOON) == [UNSURE]
    assert verdicts(a_hit(6), taken=NOON) == [HUMAN]
    assert verdicts(soon, taken=None) == [HUMAN]
    assert verdicts(soon, taken=NOON, crowds=frozenset([crowd_of(soon)])) == [MACHINE]
    assert verdicts(a_hit(2, agent=""), taken=NOON) == [MACHINE]


def test_a_network_of_many_readers_is_no_sign_by_itself() -> None:
    hit = a_hit()
    judged = judge_together([hit], handed_over_at=TAKEN, crowds=frozenset([crowd_of(hit)]))
    assert judged == [(HUMAN, ("network:crowd",))]
    assert verdicts(a_hit(agent=""), crowds=frozenset([crowd_of(hit)])) == [MACHINE]


def test_two_browsers_from_one_network_within_seconds_are_in_doubt() -> None:
    assert verdicts(a_hit(0), a_hit(3, agent=SAFARI)) == [UNSURE, UNSURE]
    assert verdicts(a_hit(0), a_hit(3, agent=SAFARI, network=CLOUD)) == [HUMAN, HUMAN]
    assert verdicts(a_hit(0), a_hit(30, agent=SAFARI)) == [HUMAN, HUMAN]
    assert verdicts(a_hit(0), a_hit(3), a_hit(4, agent=SAFARI), a_hit(40)) == [UNSURE, UNSURE, UNSURE, HUMAN]


def test_a_mail_program_that_looks_first_does_not_make_its_reader_doubtful() -> None:
    assert verdicts(a_hit(0, agent="Microsoft Office/16.0"), a_hit(2)) == [MACHINE, HUMAN]
    assert verdicts(a_hit(0, agent="WhatsApp/2.23"), a_hit(2)) == [MACHINE, HUMAN]


@pytest.mark.parametrize(
    ("agent", "verdict", "reason"),
    [
        ("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", UNSURE,
         "agent:image-proxy"),
        ("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", UNSURE, "agent:image-proxy"),
        ("Mozilla/5.0", UNSURE, "agent:perhaps-apple"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)", UNSURE,
         "agent:perhaps-apple"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
         UNSURE, "agent:perhaps-apple"),
        ("", UNSURE, "agent:none"),
        ("curl/8.0", MACHINE, "agent:library"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Thunderbird/145.0", HUMAN, ""),
    ],
)  # fmt: skip
def test_openings_by_proxies_are_never_surely_a_persons(agent: str, verdict: Verdict, reason: str) -> None:
    ((found, reasons),) = judge_together([a_hit(n=0, agent=agent)], handed_over_at=TAKEN, crowds=frozenset())
    assert (found, " ".join(reasons)) == (verdict, reason)


def test_the_picture_is_no_link() -> None:
    assert verdicts(a_hit(0, 0), a_hit(1, 1), a_hit(2, 2)) == [HUMAN] * 3


AGENTS = st.sampled_from([CHROME, SAFARI, "", "curl/8.0", "Microsoft Office/16.0", "Mozilla/5.0"])
SEEN = st.builds(
    a_hit,
    st.integers(0, 40),
    st.integers(0, 4),
    network=st.sampled_from([OFFICE, CLOUD, b""]),
    agent=AGENTS,
    method=st.sampled_from(["GET", "GET", "HEAD"]),
)
HITS = st.lists(SEEN, max_size=12)
TAKEN_AT = st.sampled_from([None, TAKEN, NOON, NOON + 10 * SECOND])
CROWDS = st.frozensets(st.sampled_from([crowd_of(a_hit(network=network)) for network in (OFFICE, CLOUD)]))


@given(HITS, TAKEN_AT, CROWDS, st.randoms())
def test_the_order_of_arrival_does_not_matter(
    hits: list[SeenHit], taken: int | None, crowds: frozenset[Crowd], random: Random
) -> None:
    shuffled = list(enumerate(hits))
    random.shuffle(shuffled)
    before = judge_together(hits, handed_over_at=taken, crowds=crowds)
    after = judge_together([hit for _, hit in shuffled], handed_over_at=taken, crowds=crowds)
    assert [before[place] for place, _ in shuffled] == after


@given(HITS, TAKEN_AT, CROWDS)
def test_each_hit_gets_one_verdict_and_the_same_again(
    hits: list[SeenHit], taken: int | None, crowds: frozenset[Crowd]
) -> None:
    found = judge_together(hits, handed_over_at=taken, crowds=crowds)
    assert len(found) == len(hits)
    assert found == judge_together(hits, handed_over_at=taken, crowds=crowds)
    assert all(reasons for verdict, reasons in found if verdict is not HUMAN), "a verdict against a person says why"


@given(HITS, SEEN, TAKEN_AT, CROWDS)
def test_late_evidence_never_makes_an_earlier_hit_human(
    hits: list[SeenHit], late: SeenHit, taken: int | None, crowds: frozenset[Crowd]
) -> None:
    before = judge_together(hits, handed_over_at=taken, crowds=crowds)
    after = judge_together([*hits, late], handed_over_at=taken, crowds=crowds)
    assert all(RANK[new] >= RANK[old] for (old, _), (new, _) in zip(before, after, strict=False))


@given(st.lists(SEEN, min_size=1, max_size=12), st.data(), TAKEN_AT, CROWDS)
def test_a_machine_sign_never_makes_anything_human(
    hits: list[SeenHit], data: st.DataObject, taken: int | None, crowds: frozenset[Crowd]
) -> None:
    place = data.draw(st.integers(0, len(hits) - 1))
    signed = replace(hits[place], headers={**hits[place].headers, "sec-purpose": "prefetch"})
    before = judge_together(hits, handed_over_at=taken, crowds=crowds)
    after = judge_together([*hits[:place], signed, *hits[place + 1 :]], handed_over_at=taken, crowds=crowds)
    assert after[place][0] is MACHINE
    assert all(RANK[new] >= RANK[old] for (old, _), (new, _) in zip(before, after, strict=True))
    more = judge_together(hits, handed_over_at=taken, crowds=crowds | {crowd_of(hit) for hit in hits})
    assert all(RANK[new] >= RANK[old] for (old, _), (new, _) in zip(before, more, strict=True))
