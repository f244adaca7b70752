"""The engine's decisions, with a scripted transport: trouble, refusals, pace, odd answers, and its own faults."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from mailer.delivery.campaigns import lifecycle as steps
from mailer.delivery.sending.progress import SendCounts
from mailer.delivery.sending.run_control import Stop
from mailer.settings import Guard, Pace
from mailer.store.engine.database import Database
from mailer.store.tables.core import people
from mailer.transports.base import Envelope, Fate, Outcome, ReplyClass, TransportRefused, TransportUnavailable
from tests.conftest import NOW
from tests.delivery.neighbours import COUNT
from tests.delivery.scripted import Scripted
from tests.delivery.world import ACCEPTED, Clock, states
from tests.patience import HANG_SECONDS


@pytest.mark.parametrize(("batch", "connections"), [(1, 1), (1, 4), (7, 2), (100, 3)])
def test_everybody_is_handed_over_once(
    send: Callable[..., SendCounts], database: Database, batch: int, connections: int
) -> None:
    transport = Scripted(lambda envelope: ACCEPTED, batch=batch, connections=connections)
    tally = send(transport)
    assert (tally.sent, tally.ended) == (COUNT, "")
    assert sorted(e.address for e in transport.given) == sorted(f"person{n}@example.org" for n in range(COUNT))
    assert states(database) == {"sent": COUNT}


def test_an_envelope_holds_one_persons_mail(send: Callable[..., SendCounts]) -> None:
    transport = Scripted(lambda envelope: ACCEPTED)
    send(transport)
    for envelope in transport.given:
        headers = dict(envelope.headers)
        number = envelope.address.removeprefix("person").partition("@")[0]
        assert envelope.name == f"First{number}"
        assert envelope.values[0] == f"First{number}"
        unsubscribe, mailto = headers["List-Unsubscribe"].split(", ")
        assert unsubscribe == f"<{envelope.values[3]}>"
        assert mailto.startswith("<mailto:unsubscribe@example.org?subject=")
    assert len({dict(e.headers)["Message-ID"] for e in transport.given}) == COUNT


def test_the_same_delivery_built_again_has_the_same_id(send: Callable[..., SendCounts], now: datetime) -> None:
    clock = Clock(now)
    first = Scripted(lambda envelope: Outcome(Fate.DEFERRED))
    send(first, clock=clock)
    clock.now = now.replace(hour=12)
    second = Scripted(lambda envelope: ACCEPTED)
    send(second, clock=clock)
    ids = [{e.delivery_id: dict(e.headers)["Message-ID"] for e in one.given} for one in (first, second)]
    assert ids[0] == ids[1]
    assert len(ids[0]) == COUNT


def test_one_bad_address_stops_nobody_else(send: Callable[..., SendCounts], database: Database) -> None:
    bad = Outcome(Fate.REFUSED, "554 5.7.1", "no", reply_class=ReplyClass.POLICY)
    tally = send(Scripted(lambda e: bad if e.address.startswith("person3@") else ACCEPTED))
    assert (tally.sent, tally.failed, tally.ended) == (COUNT - 1, 1, "")
    assert states(database) == {"sent": COUNT - 1, "failed": 1}


def test_one_odd_refusal_of_us_stops_nobody(send: Callable[..., SendCounts], database: Database) -> None:
    ours = Outcome(Fate.REFUSED, "550 5.5.0", "syntax", reply_class=ReplyClass.OURS)
    tally = send(Scripted(lambda e: ours if e.address.startswith("person3@") else ACCEPTED))
    assert not tally.pause
    assert (tally.deferred, tally.failed) == (1, 0), "they keep their place"
    assert states(database) == {"sent": COUNT - 1, "queued": 1}


@pytest.mark.parametrize("batch", [1, 7])
def test_whoever_is_given_up_on_counts_as_failed(
    send: Callable[..., SendCounts], database: Database, batch: int
) -> None:
    later = Outcome(Fate.DEFERRED, "451 4.3.0", "busy", reply_class=ReplyClass.SOFT)
    clock = Clock(NOW)
    first = send(Scripted(lambda e: later if e.delivery_id % 2 else ACCEPTED, batch=batch), clock=clock)
    assert (first.sent, first.deferred, first.failed) == (COUNT // 2, COUNT // 2, 0)
    clock.now += timedelta(hours=49)
    last = send(Scripted(lambda e: later, batch=batch), clock=clock, guard=Guard(refused_share=0.0))
    assert (last.sent, last.deferred, last.failed) == (0, 0, COUNT // 2)
    assert states(database) == {"sent": COUNT // 2, "failed": COUNT // 2}


def test_refusals_of_us_one_after_another_pause_the_campaign(
    send: Callable[..., SendCounts], database: Database
) -> None:
    ours = Outcome(Fate.REFUSED, "530 5.7.0", "log in first", reply_class=ReplyClass.OURS)
    transport = Scripted(lambda e: ours, connections=1)
    tally = send(transport)
    assert "530 5.7.0 log in first" in tally.pause
    assert len(transport.given) == 3
    assert states(database) == {"queued": COUNT}


def test_a_refused_login_pauses_and_hands_nobody_over(send: Callable[..., SendCounts], database: Database) -> None:
    transport = Scripted(lambda e: ACCEPTED)
    transport.connect_errors = [TransportRefused("the relay refuses the login", remedy="Check the password.")] * 2
    tally = send(transport)
    assert tally.pause == (
        "the relay refuses the login; everybody who was not mailed yet stays queued."
        " Check the password; then: mailer resume appeal"
    )
    assert states(database) == {"queued": COUNT}


def test_a_relay_that_is_down_for_a_moment_loses_nobody(send: Callable[..., SendCounts], database: Database) -> None:
    transport = Scripted(lambda e: ACCEPTED, connections=1)
    transport.connect_errors = [TransportUnavailable("connection refused")]
    assert send(transport).sent == COUNT
    assert states(database) == {"sent": COUNT}


def test_a_relay_that_stays_away_leaves_everybody_queued(send: Callable[..., SendCounts], database: Database) -> None:
    transport = Scripted(lambda e: ACCEPTED)
    transport.connect_errors = [TransportUnavailable("connection refused", retry_after_seconds=600)] * 9
    tally = send(transport)
    assert tally.ended == "connection refused; the rest stays queued"
    assert tally.trouble
    assert not tally.pause
    assert states(database) == {"queued": COUNT}


def test_a_fault_of_ours_in_mid_air_is_uncertain(send: Callable[..., SendCounts], database: Database) -> None:
    def explode(envelope: Envelope) -> Outcome:
        raise RuntimeError("a bug")

    tally = send(Scripted(explode, connections=1))
    assert "RuntimeError('a bug')" in tally.pause
    assert states(database) == {"queued": COUNT - 1, "uncertain": 1}


def test_pausing_from_outside_ends_the_run(send: Callable[..., SendCounts], database: Database, campaign: int) -> None:
    transport = Scripted(lambda e: ACCEPTED, connections=1)

    def pause_at_five(envelope: Envelope) -> Outcome:
        if len(transport.given) == 5:
            steps.pause(database, campaign, "a typo", now=NOW)
        return ACCEPTED

    transport.answer = pause_at_five
    tally = send(transport)
    assert tally.ended == "the campaign is paused: a typo"
    assert states(database) == {"queued": COUNT - 5, "sent": 5}


def test_a_stop_drains_what_is_on_the_wire(send: Callable[..., SendCounts], database: Database) -> None:
    stop = Stop()

    def stop_now(envelope: Envelope) -> Outcome:
        stop.now("stopped by a test", drain_seconds=HANG_SECONDS)
        return ACCEPTED

    transport = Scripted(stop_now, connections=1)
    tally = send(transport, stop=stop)
    assert (tally.sent, tally.ended) == (1, "stopped by a test")
    assert states(database) == {"queued": COUNT - 1, "sent": 1}


def test_what_does_not_answer_in_time_is_uncertain(send: Callable[..., SendCounts], database: Database) -> None:
    stop, release = Stop(), threading.Event()

    def hang(envelope: Envelope) -> Outcome:
        stop.now("stopped by a test", drain_seconds=0.1)
        release.wait(HANG_SECONDS)
        return ACCEPTED

    tally = send(Scripted(hang, connections=1), stop=stop)
    release.set()
    assert tally.ended == "stopped by a test"
    assert states(database) == {"queued": COUNT - 1, "uncertain": 1}


def test_a_pace_leaves_nobody_out(send: Callable[..., SendCounts], database: Database) -> None:
    transport = Scripted(lambda e: ACCEPTED, connections=1)
    assert send(transport, pace=Pace(per_second=400, domains={"example.org": 200})).sent == COUNT


def test_a_warm_up_plan_ends_the_run_well_and_goes_on_tomorrow(
    send: Callable[..., SendCounts], database: Database
) -> None:
    pace = Pace(warm_up=(6, 8))
    first = send(Scripted(lambda e: ACCEPTED, connections=3), pace=pace)
    assert (first.sent, first.trouble, first.pause) == (6, False, "")
    assert first.ended.startswith("today's warm-up allowance of 6 is used up; the rest goes on tomorrow")
    assert states(database) == {"queued": COUNT - 6, "sent": 6}
    again = send(Scripted(lambda e: ACCEPTED), pace=pace)
    assert again.sent == 0
    tomorrow = send(Scripted(lambda e: ACCEPTED), pace=pace, clock=Clock(NOW + timedelta(days=1)))
    assert tomorrow.sent == 8


def test_who_was_put_off_does_not_use_the_plan_up(send: Callable[..., SendCounts], database: Database) -> None:
    later = Outcome(Fate.DEFERRED, "450 4.2.1", "busy")
    tally = send(
        Scripted(lambda e: later if e.address.startswith("person1") else ACCEPTED, connections=1),
        pace=Pace(warm_up=(9, 9)),
    )
    assert (tally.sent, tally.deferred) == (9, 1)
    assert states(database) == {"sent": 9, "queued": 11}


def test_too_many_refusals_pause_and_the_rest_stays_queued(send: Callable[..., SendCounts], database: Database) -> None:
    no = Outcome(Fate.REFUSED, "550 5.7.1", "blocked", reply_class=ReplyClass.POLICY)
    tally = send(Scripted(lambda e: no, connections=1), guard=Guard(refused_of=20))
    assert tally.pause.startswith("3 of the last 3 people were refused for good, most recently with 550 5.7.1 blocked")
    assert tally.pause.endswith("then: mailer resume appeal")
    assert states(database) == {"failed": 3, "queued": COUNT - 3}


def test_a_relay_that_puts_everyone_off_for_two_days_does_not_lose_them_all(
    send: Callable[..., SendCounts], database: Database
) -> None:
    later = Outcome(Fate.DEFERRED, "451 4.7.1", "too much mail from you")
    relay, guard = Scripted(lambda e: later, connections=1), Guard(refused_of=20)
    assert send(relay, guard=guard).pause == ""
    assert states(database) == {"queued": COUNT}
    tally = send(relay, guard=guard, clock=Clock(NOW + timedelta(hours=49)))
    assert "given up on, most recently with 451 4.7.1" in tally.pause
    assert states(database) == {"failed": 3, "queued": COUNT - 3}


def test_who_waits_for_a_domain_keeps_nobody_else_waiting(
    send: Callable[..., SendCounts], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.delivery.sending.engine.CLAIMED_AHEAD", 3)
    with database.write() as connection:
        last = select(people.c.id).order_by(people.c.id.desc()).limit(5).scalar_subquery()
        for number in connection.execute(select(people.c.id).where(people.c.id.in_(last))).scalars().all():
            address = f"last{number}@other.example"
            connection.execute(update(people).where(people.c.id == number).values(address=address))
    stop = Stop(time.monotonic() + HANG_SECONDS)  # for an engine that waits for the first limit

    def stop_after_the_others(envelope: Envelope) -> Outcome:
        if sum(one.address.endswith("@other.example") for one in transport.given) == 5:
            stop.now("stopped by a test", drain_seconds=HANG_SECONDS)
        return ACCEPTED

    transport = Scripted(stop_after_the_others, connections=1)
    send(transport, stop=stop, pace=Pace(domains={"example.org": 0.001}))
    assert len(transport.given) == 5 + 1  # and one of the 15 who came first
