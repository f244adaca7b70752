"""A transport, and connections of one, that do as they are told, so that a test decides what the engine meets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from mailer.delivery.ledger.outcomes import Done
from mailer.delivery.sending.connections.hand_over import Addressed, ConnectionReport
from mailer.transports.base import Envelope, Mailing, Outcome

Answer = Callable[[Envelope], Outcome]


class Scripted:
    """A transport that answers as it is told, and remembers whom it was given."""

    name = "outbox"

    def __init__(self, answer: Answer, *, batch: int = 1, connections: int = 2) -> None:
        self.answer = answer
        self.batch = batch
        self.connections = connections
        self.given: list[Envelope] = []
        self.connect_errors: list[Exception] = []
        self._lock = threading.Lock()

    def connect(self, mailing: Mailing) -> Scripted:
        with self._lock:
            if self.connect_errors:
                raise self.connect_errors.pop(0)
        return self

    def hand_over(self, envelopes: Sequence[Envelope]) -> Sequence[Outcome]:
        with self._lock:
            self.given.extend(envelopes)
        return [self.answer(envelope) for envelope in envelopes]

    def close(self) -> None:
        pass

    def loop(self, mailing: Mailing) -> None:
        return None

    def probe(self) -> str:
        return "scripted"


class Desk:
    """`Connections` without any: each `wait` is one of the test's turns, which sees what was given and says what there
    is to report. When no turn is left, nobody reports any more."""

    def __init__(self, *turns: Callable[[Desk], list[ConnectionReport]]) -> None:
        self.turns = list(turns)
        self.given: dict[int, Sequence[Addressed]] = {}
        self.rested: list[tuple[int, float]] = []
        self.left: list[int] = []
        self.hurried = 0
        self.closed = False

    def start(self) -> None:
        pass

    def wait(self, seconds: float) -> list[ConnectionReport]:
        return self.turns.pop(0)(self) if self.turns else []

    def give(self, number: int, people: Sequence[Addressed], *, begun_at: float) -> None:
        self.given[number] = people

    def rest(self, number: int, seconds: float) -> None:
        self.rested.append((number, seconds))

    def hurry(self) -> None:
        self.hurried += 1

    def leave(self, numbers: Sequence[int]) -> None:
        self.left += numbers

    def close(self) -> None:
        self.closed = True

    def done(self, number: int, outcome: Outcome | None) -> list[Done]:
        """The answer for those whom a connection was given."""
        return [Done(claim, outcome) for claim, _ in self.given.pop(number)]
