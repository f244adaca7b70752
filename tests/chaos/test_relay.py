"""A relay in trouble: it closes mid-DATA or after the final dot, puts off, refuses, is slow, is down for a while."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest

from tests.chaos.combinations import on
from tests.chaos.receivers import BySmtp
from tests.chaos.site import ENDED_WELL, Site
from tests.servers.relay import Act, Delay, HangUp, Relay, Say, Step

PEOPLE = 200
DOWN_SECONDS = 3.0


@dataclass(frozen=True)
class Trouble:
    """What the relay does, and in which share of the times. `told`: what staff read of it."""

    acts: tuple[tuple[Step, Act], ...]
    told: str
    share: float = 0.1


MID_DATA = (Step.MIDDLE, HangUp())
AFTER_THE_DOT = (Step.END, HangUp())
AFTER_THE_DOT_KEPT = (Step.END, HangUp(recorded=True))
PUT_OFF = (Step.RCPT, Say("450 4.2.1 mailbox busy"))
CLOSING = tuple((step, Say("421 4.3.2 closing down")) for step in (Step.CONNECT, Step.MAIL, Step.RCPT, Step.END))
SLOW = ((Step.END, Delay(0.2)), (Step.RCPT, Delay(0.1)))

TROUBLES = {
    "closes in mid-DATA": Trouble((MID_DATA,), "uncertain"),
    "closes after the dot, not kept": Trouble((AFTER_THE_DOT,), "uncertain"),
    "closes after the dot, kept": Trouble((AFTER_THE_DOT_KEPT,), "uncertain"),
    "450 to a tenth": Trouble((PUT_OFF,), "put off"),
    "421 at random": Trouble(CLOSING, "put off|stays queued", share=0.04),
    "slow": Trouble(SLOW, "200 sent; finished"),
    "all of it": Trouble(
        (MID_DATA, AFTER_THE_DOT, AFTER_THE_DOT_KEPT, PUT_OFF, *CLOSING, *SLOW), "put off.* uncertain", share=0.03
    ),
}
CASES = [
    pytest.param(trouble, id=name, marks=() if name == "all of it" else pytest.mark.long)
    for name, trouble in TROUBLES.items()
]


def relay_of(site: Site) -> Relay:
    assert isinstance(site.receiver, BySmtp)
    return site.receiver.relay


@pytest.mark.parametrize("trouble", CASES)
@on("sqlite-smtp", transports=["smtp"])
def test_a_relay_in_trouble(site: Site, trouble: Trouble) -> None:
    site.launch(PEOPLE)
    site.pace_per_second = 0
    relay = relay_of(site)
    rules = [relay.on(step, act, share=trouble.share) for step, act in trouble.acts]
    site.mailer("run", codes=ENDED_WELL)
    assert all(rule.taken for rule in rules if len(rules) < 3), "nothing happened"
    relay.behave()
    # Only a connection that breaks when the whole message may have left makes anybody uncertain.
    site.bound = sum(rule.taken for rule in rules if isinstance(rule.act, HangUp))
    assert set(site.finish(later=True)) <= {"sent", "uncertain"}
    assert site.told(trouble.told)


@on("postgresql-smtp", transports=["smtp"])
def test_554_for_one_stops_and_repeats_nobody(site: Site) -> None:
    site.launch(PEOPLE)
    site.pace_per_second = 0
    relay_of(site).on(Step.RCPT, Say("554 5.7.1 not this one"), recipient="person77@example.org")
    words = site.mailer("run")
    assert "199 sent, 1 failed" in words
    assert site.finish() == {"sent": PEOPLE - 1, "failed": 1}


@on("sqlite-smtp", transports=["smtp"])
def test_a_relay_that_is_down_for_a_while(site: Site) -> None:
    site.launch(PEOPLE)
    relay = relay_of(site)
    run = site.start("run")
    site.wait_for_arrivals(40, run)
    relay.go_down()
    time.sleep(DOWN_SECONDS)
    relay.come_back()
    run.end(*ENDED_WELL)
    site.bound = site.receiver.on_the_wire
    assert set(site.finish(later=True)) <= {"sent", "uncertain"}
