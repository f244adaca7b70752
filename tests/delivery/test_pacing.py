"""The pace: how many mails a simulated clock lets through."""

from __future__ import annotations

import pytest

from mailer.delivery.pacing import Pacer
from mailer.settings import Pace


def sent_within(pacer: Pacer, domain: str, seconds: float) -> int:
    now, sent = 1000.0, 0
    until = now + seconds
    while now < until:
        wait = pacer.wait(domain, now)
        if wait:
            now += wait
        else:
            pacer.take(domain, now)
            sent += 1
    return sent


def test_no_pace_is_as_fast_as_it_goes() -> None:
    assert Pacer(Pace()).wait("example.org", 0.0) == 0.0


@pytest.mark.parametrize("rate", [1, 20, 200])
def test_the_total_is_kept_within_five_percent(rate: int) -> None:
    sent = sent_within(Pacer(Pace(per_second=rate)), "example.org", 60)
    assert sent == pytest.approx(60 * rate, rel=0.05, abs=2)


def test_a_domain_has_a_pace_of_its_own() -> None:
    pace = Pace(per_second=200, domains={"gmail.com": 20})
    assert sent_within(Pacer(pace), "gmail.com", 30) == pytest.approx(600, rel=0.05)
    assert sent_within(Pacer(pace), "example.org", 30) == pytest.approx(6000, rel=0.05)
