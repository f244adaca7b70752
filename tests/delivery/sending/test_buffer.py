"""People put aside: who waits for a domain stands in nobody's way."""

from __future__ import annotations

from collections.abc import Sequence

from mailer.delivery.ledger.outcomes import Claim
from mailer.delivery.ledger.pacer import Pacer
from mailer.delivery.ledger.permits import Permits, RateLimit
from mailer.delivery.ledger.recipients import Recipient
from mailer.delivery.sending.buffer import Ahead
from mailer.delivery.sending.connections.hand_over import Addressed
from mailer.settings import Pace


class Giver:
    """Gives permits for everybody, and none for one domain."""

    def __init__(self, never: str) -> None:
        self.never = never
        self.asked = 0

    def take(self, limits: Sequence[RateLimit], wanted: int) -> Permits:
        self.asked += 1
        if any(limit.domain == self.never for limit in limits):
            return Permits((), ask_again_at=7.0)
        return Permits((0.0,) * wanted)


def person(number: int, domain: str) -> Addressed:
    return Claim(number, number, 1), Recipient(f"p{number}@{domain}", domain, {})


def numbers(people: Sequence[Addressed]) -> list[int]:
    return [claim.id for claim, _ in people]


def test_without_a_pace_it_is_a_plain_queue() -> None:
    ahead = Ahead(Pacer(Pace(), Giver("")))
    ahead.extend([person(n, "example.org") for n in range(5)])
    people, wait = ahead.take(3, now=0.0, longest=9.0)
    assert (numbers(people), wait, len(ahead)) == ([0, 1, 2], 9.0, 2)


def test_people_whose_mails_say_the_same_are_taken_together() -> None:
    """The many first; what is left of few kinds shares a hand-over."""
    kinds = {0: "GB", 5: "US", 6: "US"}
    ahead = Ahead(Pacer(Pace(), Giver("")), lambda one: kinds.get(one[0].id % 10, "others"))
    ahead.extend([person(n, "example.org") for n in range(40)])
    taken = [numbers(ahead.take(most, now=0.0, longest=9.0)[0]) for most in (20, 20, 40, 40)]
    others = [n for n in range(40) if n % 10 not in kinds]
    assert taken[:2] == [others[:20], others[20:]], "eight fill a quarter, and more"
    assert taken[2] == [5, 6, 15, 16, 25, 26, 35, 36, 0, 10, 20, 30], "of forty they don't"
    assert (taken[3], len(ahead)) == ([], 0)


def test_who_waits_for_a_domain_holds_nobody_up() -> None:
    giver = Giver("gmail.com")
    ahead = Ahead(Pacer(Pace(per_second=1000, domains={"gmail.com": 1}), giver))
    ahead.extend([person(n, "gmail.com" if n < 500 else "example.org") for n in range(503)])
    people, wait = ahead.take(10, now=0.0, longest=9.0)
    assert (numbers(people), wait) == ([500, 501, 502], 7.0)
    assert ahead.all_wait_for_domains
    asked = giver.asked
    assert ahead.take(10, now=1.0, longest=9.0) == ([], 6.0)
    assert giver.asked == asked  # not once for each of the 500
    assert len(ahead) == 500


def test_a_free_domain_comes_first() -> None:
    ahead = Ahead(Pacer(Pace(per_second=1000, domains={"gmail.com": 1}), Giver("nowhere")))
    ahead.extend([person(1, "example.org"), person(2, "gmail.com")])
    assert numbers(ahead.take(1, now=0.0, longest=9.0)[0]) == [2]


def test_somebody_forgotten_needs_no_permit() -> None:
    ahead = Ahead(Pacer(Pace(per_second=0.001), Giver("")))
    ahead.extend([(Claim(1, 1, 1), None)])
    assert numbers(ahead.take(1, now=0.0, longest=9.0)[0]) == [1]
