"""What both kinds of connections promise: each person given is reported once, and nobody is mailed whose mail must not
leave, whichever way the connections are driven."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import pytest

from mailer.delivery.ledger.ledger import LEASE
from mailer.delivery.ledger.outcomes import Claim
from mailer.delivery.ledger.recipients import Recipient
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
