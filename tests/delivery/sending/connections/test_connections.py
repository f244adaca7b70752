"""What both kinds of connections promise: each person given is reported once, and nobody is mailed whose mail must not
leave, whichever way the connections are driven."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import pytest

from mailer.delivery.ledger.ledger import LEASE
from mailer.delivery.ledger.outcomes import Claim
from mailer.delivery.ledger.recipients import Recipient
from mailer.delivery.sending.connections import event_loop, hand_over
from mailer.delivery.sending.connections.event_loop import Looped
from mailer.delivery.sending.connections.hand_over import Addressed, ConnectionReport, Connections, Maker, boot_seconds
from mailer.delivery.sending.connections.threaded import Threaded
from mailer.errors import MailerError
from mailer.transports.base import Envelope, Fate, LoopEvent, Mailing, Outcome, TransportRefused
from tests.delivery.scripted import Answer, Scripted
from tests.patience import HANG_SECONDS

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
MAILING = Mailing("s", from_name="", from_address="a@e.org", reply_to="", subject=(), text=(), html=(), headers=())
ACCEPTED = Outcome(Fate.ACCEPTED, "250")
GOOD, GONE, ODD = 1, 2, 3  # claims: of somebody, of somebody deleted since, and of one whose mail can't be made
FIELDS: Mapping[str, str] = {}


class Builder:
    """Makes a mail for each but the odd one."""

    def envelope(self, delivery_id: int, *, attempt: int, address: str, **others: object) -> Envelope:
        del others
        if delivery_id == ODD:
            raise MailerError("a merge tag makes too much")
        return Envelope(delivery_id=delivery_id, attempt=attempt, address=address, name="", values=(), headers=())


class Loop:
    """One connection that answers at the next `wait`."""

    def __init__(self, transport: Scripted) -> None:
        self.transport = transport
        self.events: list[LoopEvent] = []
        self.shut_down: list[int] = []

    def open(self, number: int) -> None:
        self.events.append(LoopEvent(number))

    def begin(self, number: int, envelope: Envelope) -> None:
        self.events.append(LoopEvent(number, self.transport.hand_over([envelope])[0]))

    def wait(self, seconds: float) -> list[LoopEvent]:
        events, self.events = self.events, []
        return events

    def shut(self, number: int) -> None:
        self.shut_down.append(number)

    def leave(self, numbers: Sequence[int]) -> None:
        pass

    def close(self) -> None:
        pass


Open = Callable[[Answer], tuple[Connections, Scripted]]


@pytest.fixture(params=["threaded", "looped"])
def connect(request: pytest.FixtureRequest) -> Iterator[Open]:
    opened: list[Connections] = []

    def connect(answer: Answer) -> tuple[Connections, Scripted]:
        transport = Scripted(answer)
        maker = Maker(Builder(), lambda: NOW)  # pyright: ignore[reportArgumentType] - all that is asked of one
        made = Threaded(transport, MAILING, maker, count=1)
        connections = made if request.param == "threaded" else Looped(Loop(transport), maker, count=1)
        connections.start()
        assert not reported(connections).done
        opened.append(connections)
        return connections, transport

    yield connect
    for connections in opened:
        connections.leave([0])
        connections.close()


def reported(connections: Connections) -> ConnectionReport:
    (report,) = connections.wait(HANG_SECONDS)
    return report


def person(number: int) -> Addressed:
    claim = Claim(id=number, person_id=number, attempt=1)
    return claim, None if number == GONE else Recipient(f"{number}@example.org", "example.org", FIELDS)


def outcomes(report: ConnectionReport) -> dict[int, Outcome | None]:
    assert len({done.claim.id for done in report.done}) == len(report.done)
    return {done.claim.id: done.outcome for done in report.done}


def test_each_is_answered_for_alone(connect: Open) -> None:
    connections, transport = connect(lambda _: ACCEPTED)
    for number in (GONE, ODD, GOOD):
        connections.give(0, [person(number)], begun_at=boot_seconds())
        report = reported(connections)
        outcome = outcomes(report)[number]
        assert report.trouble is None, "the connection goes on with the next"
        assert outcome is not None
        if number == GOOD:
            assert outcome == ACCEPTED
        else:
            assert outcome.fate is Fate.REFUSED
            assert ("no longer known" if number == GONE else "can't be made: a merge tag") in outcome.detail
    assert [envelope.delivery_id for envelope in transport.given] == [GOOD]


class Clock:
    """A loop's answers come so many seconds after the mail was begun."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        self.now = boot_seconds()
        self.seconds = seconds
        for module in (event_loop, hand_over):
            monkeypatch.setattr(module, "boot_seconds", lambda: self.now)

    def answer(self, _: Envelope) -> Outcome:
        self.now += self.seconds
        return ACCEPTED


@pytest.fixture
def in_loop(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Looped, Scripted, float]]:
    def make(seconds: float) -> tuple[Looped, Scripted, float]:
        clock = Clock(monkeypatch, seconds)
        transport = Scripted(clock.answer)
        looped = Looped(Loop(transport), Maker(Builder(), lambda: NOW), count=1)  # pyright: ignore[reportArgumentType]
        looped.start()
        assert reported(looped).wants == 1, "nothing is known of the relay yet"
        return looped, transport, clock.now

    return make


InLoop = Callable[..., tuple[Looped, Scripted, float]]


def test_a_quick_relay_is_given_several_at_once(in_loop: InLoop) -> None:
    looped, transport, now = in_loop(0.01)
    looped.give(0, [person(GOOD)], begun_at=now)
    assert reported(looped).wants > 1
    looped.give(0, [person(5), person(6)], begun_at=now)
    assert looped.wait(0.0) == [], "the second goes on the wire once the first is answered"
    assert outcomes(reported(looped)) == {5: ACCEPTED, 6: ACCEPTED}
    assert [envelope.delivery_id for envelope in transport.given] == [GOOD, 5, 6]


def test_consent_that_was_read_too_long_ago_is_read_again(in_loop: InLoop) -> None:
    looped, transport, now = in_loop(1.0)
    looped.give(0, [person(5), person(6)], begun_at=now)
    report = reported(looped)
    assert (outcomes(report), report.wants) == ({5: ACCEPTED, 6: None}, 1), "nothing of the second left"
    assert len(transport.given) == 1


def test_who_was_not_begun_is_given_back_when_sending_stops(in_loop: InLoop) -> None:
    looped, transport, now = in_loop(0.01)
    looped.give(0, [person(5), person(6)], begun_at=now)
    looped.hurry()
    assert outcomes(reported(looped)) == {5: ACCEPTED, 6: None}
    assert len(transport.given) == 1


def test_a_process_that_was_frozen_hands_nothing_over(connect: Open) -> None:
    connections, transport = connect(lambda _: ACCEPTED)
    frozen = boot_seconds() - LEASE.total_seconds() / 2 - 1
    connections.give(0, [person(GOOD)], begun_at=frozen)
    assert outcomes(reported(connections)) == {GOOD: None}, "surely nothing left, so it may be tried again"
    assert transport.given == []


def test_a_fault_of_ours_leaves_them_uncertain_and_stops_the_connection(connect: Open) -> None:
    def fail(envelope: Envelope) -> Outcome:
        raise LookupError(envelope.address)

    connections, transport = connect(fail)
    connections.give(0, [person(GOOD)], begun_at=boot_seconds())
    report = reported(connections)
    outcome = outcomes(report)[GOOD]
    assert outcome is not None
    assert (outcome.fate, "LookupError" in outcome.detail) == (Fate.UNCERTAIN, True)
    assert isinstance(report.trouble, TransportRefused), "the next would fail the same way"
    assert len(transport.given) == 1
