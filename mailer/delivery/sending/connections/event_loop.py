"""Connections that nobody waits for, all in the engine's own thread: for transports that offer a loop of them.

A thread for each would hand the interpreter's lock over several times a mail (docs/internals/performance.md).
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from mailer.delivery.sending.connections.hand_over import Addressed, ConnectionReport, Made, Maker, our_fault
from mailer.transports.base import Loop, LoopEvent


class Looped:
    """`Connections` of a transport's loop, one mail at a time each."""

    def __init__(self, loop: Loop, maker: Maker, *, count: int) -> None:
        self._loop = loop
        self._maker = maker
        self._count = count
        self._made: dict[int, Made] = {}
        self._reports: list[ConnectionReport] = []  # known without asking the loop
        self._resting: dict[int, float] = {}  # until when, a moment of `time.monotonic`

    def start(self) -> None:
        for number in range(self._count):
            self._loop.open(number)

    def wait(self, seconds: float) -> list[ConnectionReport]:
        now = time.monotonic()
        for number in [number for number, until in self._resting.items() if until <= now]:
            del self._resting[number]
            self._loop.open(number)
        if self._reports:
            seconds = 0.0
        elif self._resting:
            seconds = min(seconds, min(self._resting.values()) - now)
        answers = self._loop.wait(seconds)
        reports, self._reports = self._reports, []
        return [*reports, *map(self._report, answers)]

    def give(self, number: int, people: Sequence[Addressed], *, begun_at: float) -> None:
        made = self._maker.make(people, begun_at=begun_at)
        if not made.envelopes:
            self._reports.append(ConnectionReport(number, made.done()))
            return
        (envelope,) = made.envelopes
        self._made[number] = made
        try:
            self._loop.begin(number, envelope)
        except Exception as error:  # noqa: BLE001
            unknown, trouble = our_fault(error)
            self._loop.shut(number)
            self._reports.append(ConnectionReport(number, self._made.pop(number).done(unknown), trouble))

    def rest(self, number: int, seconds: float) -> None:
        self._loop.shut(number)
        self._resting[number] = time.monotonic() + seconds

    def hurry(self) -> None:
        self._reports += [ConnectionReport(number) for number in self._resting]
        self._resting.clear()

    def leave(self, numbers: Sequence[int]) -> None:
        if numbers:
            self._loop.leave(numbers)

    def close(self) -> None:
        self._loop.close()

    def _report(self, answer: LoopEvent) -> ConnectionReport:
        made = self._made.pop(answer.number, None)
        if made is None:
            return ConnectionReport(answer.number, trouble=answer.trouble)
        if answer.outcome is not None:
            made.take([answer.outcome])
        return ConnectionReport(answer.number, made.done(), answer.trouble)
