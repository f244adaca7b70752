"""Connections that nobody waits for, all in the engine's own thread: for transports that offer a loop of them.

A thread for each would hand the interpreter's lock over several times a mail (docs/internals/performance.md).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from mailer.delivery.sending.connections.hand_over import (
    Addressed,
    ConnectionReport,
    Made,
    Maker,
    boot_seconds,
    our_fault,
)
from mailer.transports.base import Loop, LoopEvent, Outcome

MOST_AT_ONCE = 2  # people of one intent, where the relay is quick: half the commits (docs/decisions/0081)
FRESH_SECONDS = 0.5  # within which all of them must have been begun: for those left, consent is asked about again


@dataclass(slots=True)
class _Hand:
    """The mails a connection was given, which it hands over one after the other; `place` is the one at hand."""

    made: Made
    begun_at: float  # when their intents were committed
    place: int = 0
    since: float = 0.0  # when the one at hand was begun

    def take(self, outcome: Outcome) -> None:
        """The answer to the mail at hand."""
        self.made.answers[self.made.envelopes[self.place].delivery_id] = outcome


class Looped:
    """`Connections` of a transport's loop, one mail at a time each. They take a few people at once while answers come
    quickly."""

    def __init__(self, loop: Loop, maker: Maker, *, count: int) -> None:
        self._loop = loop
        self._maker = maker
        self._count = count
        self._hands: dict[int, _Hand] = {}
        self._reports: list[ConnectionReport] = []  # known without asking the loop
        self._resting: dict[int, float] = {}  # until when, a moment of `time.monotonic`
        self._hurried = False

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
        return reports + [report for report in map(self._hear, answers) if report is not None]

    def give(self, number: int, people: Sequence[Addressed], *, begun_at: float) -> None:
        made = self._maker.make(people, begun_at=begun_at)
        if made.envelopes:
            self._hands[number] = hand = _Hand(made, begun_at)
            self._begin(number, hand, boot_seconds())
        else:
            self._reports.append(ConnectionReport(number, made.done()))

    def rest(self, number: int, seconds: float) -> None:
        self._loop.shut(number)
        self._resting[number] = time.monotonic() + seconds

    def hurry(self) -> None:
        self._hurried = True
        self._reports += [ConnectionReport(number) for number in self._resting]
        self._resting.clear()

    def leave(self, numbers: Sequence[int]) -> None:
        if numbers:
            self._loop.leave(numbers)

    def close(self) -> None:
        self._loop.close()

    def _begin(self, number: int, hand: _Hand, now: float) -> None:
        hand.since = now
        try:
            self._loop.begin(number, hand.made.envelopes[hand.place])
        except Exception as error:  # noqa: BLE001
            unknown, trouble = our_fault(error)
            hand.take(unknown)
            self._loop.shut(number)
            self._reports.append(ConnectionReport(number, self._hands.pop(number).made.done(), trouble))

    def _hear(self, answer: LoopEvent) -> ConnectionReport | None:
        """Go on with the next mail that this connection was given; its report once there is none."""
        number, outcome = answer.number, answer.outcome
        hand = self._hands.get(number)
        if hand is None:
            return ConnectionReport(number, trouble=answer.trouble)
        quick = False
        if outcome is not None:
            hand.take(outcome)
            hand.place += 1
            now = boot_seconds()
            quick = (now - hand.since) * MOST_AT_ONCE <= FRESH_SECONDS
            if hand.place < len(hand.made.envelopes) and self._goes_on(hand, outcome, now):
                self._begin(number, hand, now)
                return None
        del self._hands[number]
        return ConnectionReport(number, hand.made.done(), answer.trouble, MOST_AT_ONCE if quick else 1)

    def _goes_on(self, hand: _Hand, outcome: Outcome, now: float) -> bool:
        return not self._hurried and not outcome.refuses_us and now - hand.begun_at <= FRESH_SECONDS
