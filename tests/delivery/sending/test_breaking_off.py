"""A run that breaks off, or that waits for longer than its lease lasts: no answer in hand is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import select

from mailer.delivery.campaigns import lifecycle as steps
from mailer.delivery.ledger.guard import Halt
from mailer.delivery.ledger.ledger import LEASE
from mailer.delivery.ledger.reopen import settle_expired
from mailer.delivery.sending.connections.hand_over import ConnectionReport
from mailer.delivery.sending.engine import Engine
from mailer.delivery.sending.progress import Observer, SendCounts
from mailer.delivery.sending.run_control import Stop
from mailer.store.engine.database import Database, DatabaseTrouble
from mailer.store.tables.core import workers
from mailer.transports.base import Fate, Outcome, TransportRefused, TransportUnavailable
from tests.conftest import NOW
from tests.delivery.neighbours import COUNT
from tests.delivery.scripted import Desk, Scripted
from tests.delivery.world import ACCEPTED, Clock, states

DAMAGED = DatabaseTrouble("the database is damaged", passing=False)
STOPPED = KeyboardInterrupt()
Begin = Callable[..., Engine]


@pytest.fixture
def begin(make_engine: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch) -> Begin:
    """An engine with two connections that are the test's; it never waits."""
    monkeypatch.setattr("mailer.delivery.sending.engine.LONGEST_WAIT_SECONDS", 0.0)
    monkeypatch.setattr("mailer.delivery.sending.engine.LINGER_SECONDS", 0.0)

    def make(desk: Desk, **options: object) -> Engine:
        engine = make_engine(Scripted(lambda envelope: ACCEPTED, connections=2), **options)
        monkeypatch.setattr(engine, "_connections", lambda count: desk)
        return engine

    return make


def ready(desk: Desk) -> list[ConnectionReport]:
    return [ConnectionReport(0), ConnectionReport(1)]


def nothing(desk: Desk) -> list[ConnectionReport]:
    return []


def taken(number: int) -> Callable[[Desk], list[ConnectionReport]]:
    return lambda desk: [ConnectionReport(number, desk.done(number, ACCEPTED))]


def nobody_works_at(database: Database, campaign: int) -> bool:
    with database.read() as connection:
        return not connection.execute(select(workers.c.id).where(workers.c.campaign_id == campaign)).all()


def test_a_database_that_fails_while_trouble_is_counted_loses_no_answer(
    begin: Begin, database: Database, campaign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_taken_and_one_cut_off(desk: Desk) -> list[ConnectionReport]:
        cut_off = TransportUnavailable("the connection was lost")
        return [ConnectionReport(0, desk.done(0, ACCEPTED)), ConnectionReport(1, desk.done(1, None), cut_off)]

    desk = Desk(ready, one_taken_and_one_cut_off)
    engine = begin(desk)
    monkeypatch.setattr(engine.rails, "trouble", _raise(DAMAGED))
    with pytest.raises(DatabaseTrouble, match="damaged"):
        engine.run()
    assert states(database) == {"sent": 1, "queued": COUNT - 1}
    assert desk.closed
    assert nobody_works_at(database, campaign)


def test_what_is_said_while_a_database_is_waited_for_is_written_down(
    begin: Begin, database: Database, campaign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(ready, taken(0), taken(1))
    engine = begin(desk)
    exchange = engine.worker.exchange

    def fail_at_the_second(done: object, wanted: object) -> object:
        if desk.given:
            raise DAMAGED
        return exchange(done, wanted)  # pyright: ignore[reportArgumentType] - passed on as given

    monkeypatch.setattr(engine.worker, "exchange", fail_at_the_second)
    with pytest.raises(DatabaseTrouble, match="damaged"):
        engine.run()
    assert states(database) == {"sent": 2, "queued": COUNT - 2}
    assert nobody_works_at(database, campaign)


def test_an_interrupt_leaves_uncertain_only_what_has_not_answered(
    begin: Begin, database: Database, campaign: int
) -> None:
    def interrupt(tally: SendCounts) -> None:
        raise STOPPED

    desk = Desk(ready, taken(1))
    engine = begin(desk, observer=Observer(progress=interrupt))
    with pytest.raises(KeyboardInterrupt):
        engine.run()
    assert states(database) == {"sent": 1, "uncertain": 1, "queued": COUNT - 2}
    assert desk.closed
    assert nobody_works_at(database, campaign)


def test_connections_that_fail_themselves_don_t_keep_the_people(
    begin: Begin, database: Database, campaign: int
) -> None:
    fault = RuntimeError("a bug")
    desk = Desk(ready, _raise(fault), _raise(fault))
    with pytest.raises(RuntimeError, match="a bug"):
        begin(desk).run()
    assert states(database) == {"uncertain": 2, "queued": COUNT - 2}
    assert desk.closed
    assert nobody_works_at(database, campaign)


def test_a_transport_that_can_t_carry_the_mailing_pauses_and_gives_everybody_back(
    make_engine: Callable[..., Engine], database: Database, campaign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make_engine(Scripted(lambda envelope: ACCEPTED))
    monkeypatch.setattr(engine, "_connections", _raise(TransportRefused("the subject is too long", remedy="Cut it.")))
    tally = engine.run()
    assert tally.pause.startswith("the subject is too long; everybody who was not mailed yet stays queued. Cut it")
    assert states(database) == {"queued": COUNT}
    assert nobody_works_at(database, campaign)


def test_all_connections_are_busy_for_longer_than_a_lease(
    begin: Begin, database: Database, campaign: int, now: datetime
) -> None:
    clock = Clock(now)

    def wait(desk: Desk) -> list[ConnectionReport]:
        clock.now += LEASE / 3
        assert settle_expired(database, clock.now) == 0
        return []

    desk = Desk(ready, *[wait] * 12, taken(0), taken(1), *[_all_taken] * COUNT)
    tally = begin(desk, clock=clock).run()
    assert (tally.sent, tally.ended) == (COUNT, "")
    assert states(database) == {"sent": COUNT}


def test_a_lease_that_is_lost_while_all_are_busy_ends_the_run(
    begin: Begin, database: Database, campaign: int, now: datetime
) -> None:
    clock = Clock(now)

    def freeze(desk: Desk) -> list[ConnectionReport]:
        clock.now += 2 * LEASE
        assert settle_expired(database, clock.now) == 2
        return []

    desk = Desk(ready, freeze, nothing, taken(0), taken(1))
    tally = begin(desk, clock=clock).run()
    assert tally.ended.startswith("another worker took over")
    assert (tally.sent, desk.hurried) == (2, 1)
    assert states(database) == {"sent": 2, "queued": COUNT - 2}, "the late answers are proof"


@pytest.mark.parametrize("what", ["pause", "cancel"])
def test_a_campaign_that_was_stopped_before_the_run_began_hands_nobody_over(
    begin: Begin, database: Database, campaign: int, now: datetime, what: str
) -> None:
    desk = Desk(ready)
    engine = begin(desk)
    if what == "pause":
        steps.pause(database, campaign, "a typo", now=now)
    else:
        steps.cancel(database, campaign, now=now)
    tally = engine.run()
    assert tally.ended == (
        "the campaign is paused: a typo" if what == "pause" else "the campaign is cancelled: cancelled by staff"
    )
    assert not desk.given
    assert not tally.pause
    assert states(database) == {"queued" if what == "pause" else "cancelled": COUNT}
    assert nobody_works_at(database, campaign)


@pytest.mark.parametrize(("outcome", "state"), [
    (ACCEPTED, "sent"), (Outcome(Fate.DEFERRED), "queued"), (Outcome(Fate.UNCERTAIN), "uncertain"), (None, "queued"),
])  # fmt: skip
def test_answers_in_hand_when_staff_pause_are_written_down(
    begin: Begin, database: Database, campaign: int, outcome: Outcome | None, state: str
) -> None:
    def paused_meanwhile(desk: Desk) -> list[ConnectionReport]:
        steps.pause(database, campaign, "a typo", now=NOW)
        return [ConnectionReport(0, desk.done(0, outcome))]

    desk = Desk(ready, paused_meanwhile, taken(1))
    tally = begin(desk).run()
    assert tally.ended == "the campaign is paused: a typo"
    expected = {"queued": COUNT - 2, "sent": 1}
    expected[state] = expected.get(state, 0) + 1
    assert states(database) == expected
    assert sorted(desk.left) == [0, 1]
    assert desk.hurried == 1


def test_what_answers_within_the_drain_is_written_down_and_the_rest_is_uncertain(
    begin: Begin, database: Database, campaign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, seconds = Stop(), 100.0
    monkeypatch.setattr("mailer.delivery.sending.engine.time.monotonic", lambda: seconds)

    def told_to_stop(desk: Desk) -> list[ConnectionReport]:
        stop.now("stopped by a test", drain_seconds=5)
        return []

    def time_is_over(desk: Desk) -> list[ConnectionReport]:
        nonlocal seconds
        seconds += 5.1
        return [ConnectionReport(0, desk.done(0, ACCEPTED))]

    desk = Desk(ready, told_to_stop, nothing, nothing, time_is_over)
    tally = begin(desk, stop=stop).run()
    assert (tally.ended, tally.sent) == ("stopped by a test", 1)
    assert states(database) == {"sent": 1, "uncertain": 1, "queued": COUNT - 2}
    assert desk.turns == []


def test_a_connection_in_trouble_rests_longer_each_time(
    begin: Begin, database: Database, campaign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.delivery.sending.engine.LONGEST_WAIT_SECONDS", 3.0)

    def lost(desk: Desk) -> list[ConnectionReport]:
        return [ConnectionReport(0, trouble=TransportUnavailable("connection refused"))]

    desk = Desk(lost, lost, lost, lost, ready, *[_all_taken] * COUNT)
    tally = begin(desk).run()
    assert desk.rested == [(0, 1.0), (0, 2.0), (0, 3.0), (0, 3.0)]
    assert (tally.trouble, tally.sent) == (False, COUNT)
    assert states(database) == {"sent": COUNT}


def test_one_in_trouble_keeps_the_next_from_nobody(begin: Begin, database: Database) -> None:
    def one_lost_and_one_ready(desk: Desk) -> list[ConnectionReport]:
        return [ConnectionReport(0, trouble=TransportUnavailable("connection refused")), ConnectionReport(1)]

    def has_been_given_somebody(desk: Desk) -> list[ConnectionReport]:
        assert list(desk.given) == [1]
        return [*_all_taken(desk), ConnectionReport(0)]

    desk = Desk(one_lost_and_one_ready, has_been_given_somebody, *[_all_taken] * COUNT)
    assert begin(desk).run().sent == COUNT
    assert states(database) == {"sent": COUNT}


def test_what_others_have_seen_pauses_a_run_in_the_middle(
    begin: Begin, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(ready, taken(0), taken(1), *[_all_taken] * COUNT)
    engine = begin(desk)
    looks = iter([None, None, Halt("9 of 9 people bounced", pause=True)])
    monkeypatch.setattr(engine.rails, "look", lambda **_: next(looks, None))
    tally = engine.run()
    assert (tally.pause, tally.ended) == ("9 of 9 people bounced", "9 of 9 people bounced")
    assert tally.trouble
    assert 0 < tally.sent < COUNT
    assert states(database) == {"sent": tally.sent, "queued": COUNT - tally.sent}


def test_what_others_have_seen_by_the_end_is_looked_at_once_more(
    begin: Begin, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = begin(Desk(ready, *[_all_taken] * COUNT))
    monkeypatch.setattr(engine.rails, "look", lambda at_once=False: Halt("late", pause=True) if at_once else None)
    tally = engine.run()
    assert (tally.sent, tally.pause) == (COUNT, "late")


def _all_taken(desk: Desk) -> list[ConnectionReport]:
    return [ConnectionReport(number, desk.done(number, ACCEPTED)) for number in list(desk.given)]


def _raise(error: BaseException) -> Callable[..., list[ConnectionReport]]:
    def fail(*_: object) -> list[ConnectionReport]:
        raise error

    return fail
