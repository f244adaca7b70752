"""Connections that wait for each answer, one thread each: for transports whose libraries do nothing else."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from mailer.delivery.ledger.outcomes import Done
from mailer.delivery.sending.connections.hand_over import Addressed, ConnectionReport, Maker, our_fault
from mailer.errors import MailerError
from mailer.transports.base import Connection, Mailing, Transport, TransportRefused, TransportUnavailable


@dataclass(frozen=True, slots=True)
class _Word:
    """What the engine tells a connection: people to mail, or to rest, or to end."""

    people: Sequence[Addressed] = ()
    begun_at: float = 0.0
    rest_seconds: float = 0.0
    end: bool = False


class Threaded:
    """`Connections` of any transport."""

    def __init__(self, transport: Transport, mailing: Mailing, maker: Maker, *, count: int) -> None:
        self._transport = transport
        self._mailing = mailing
        self._maker = maker
        self._reports: queue.SimpleQueue[ConnectionReport] = queue.SimpleQueue()
        self._words = [queue.SimpleQueue[_Word]() for _ in range(count)]
        self._wake = threading.Event()

    def start(self) -> None:
        for number in range(len(self._words)):
            threading.Thread(target=self._run, args=(number,), name=f"connection-{number}", daemon=True).start()

    def wait(self, seconds: float) -> list[ConnectionReport]:
        reports: list[ConnectionReport] = []
        with suppress(queue.Empty):
            reports.append(self._reports.get(timeout=max(0.0, seconds)))
            while True:
                reports.append(self._reports.get_nowait())
        return reports

    def give(self, number: int, people: Sequence[Addressed], *, begun_at: float) -> None:
        self._words[number].put(_Word(people, begun_at))

    def rest(self, number: int, seconds: float) -> None:
        self._words[number].put(_Word(rest_seconds=seconds))

    def hurry(self) -> None:
        self._wake.set()

    def leave(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            self._words[number].put(_Word(end=True))

    def close(self) -> None:
        self.hurry()

    def _run(self, number: int) -> None:
        """One connection at work, in its thread."""
        connection: Connection | None = None
        done: list[Done] = []
        trouble: MailerError | None = None
        while True:
            if connection is None and trouble is None and not self._wake.is_set():
                try:
                    connection = self._transport.connect(self._mailing)
                except (TransportUnavailable, TransportRefused) as error:
                    trouble = error
            self._reports.put(ConnectionReport(number, done, trouble))
            word = self._words[number].get()
            done, trouble = [], None
            if word.end:
                break
            if word.rest_seconds:
                self._wake.wait(word.rest_seconds)
            elif connection is not None:
                done, trouble = self._hand_over(connection, word)
                if trouble is not None:
                    _close(connection)
                    connection = None
        if connection is not None:
            _close(connection)

    def _hand_over(self, connection: Connection, word: _Word) -> tuple[list[Done], MailerError | None]:
        made = self._maker.make(word.people, begun_at=word.begun_at)
        if not made.envelopes:
            return made.done(), None
        try:
            made.take(connection.hand_over(made.envelopes))
        except (TransportUnavailable, TransportRefused) as error:
            return made.done(), error
        except Exception as error:  # noqa: BLE001
            unknown, trouble = our_fault(error)
            return made.done(unknown), trouble
        return made.done(), None


def _close(connection: Connection) -> None:
    with suppress(MailerError, OSError):
        connection.close()
