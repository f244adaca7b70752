"""How a run is told to end, and how it waits for a database that is locked, full or being restarted.

An answer that can't be written down leaves its person uncertain, so the engine keeps it and tries again; and says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sized
from typing import TypeVar

from mailer.counting import counted
from mailer.store.engine.database import DatabaseTrouble

T = TypeVar("T")

LONGEST_SECONDS = 300.0  # long enough to make space on a disk or to restart a server
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0


class Stop:
    """How a run is told to end: by a signal or a deadline. What is on the wire is waited for `drain_seconds`."""

    def __init__(self, deadline: float | None = None) -> None:
        self.deadline = deadline  # monotonic seconds
        self.reason = ""
        self.drain_seconds = 30.0
        self.since: float | None = None  # when it was first noticed, on the clock of the one waiting

    def now(self, reason: str, *, drain_seconds: float) -> None:
        self.reason, self.drain_seconds = self.reason or reason, drain_seconds

    def due(self) -> str:
        """The reason to stop now, or ""."""
        if not self.reason and self.deadline is not None and time.monotonic() >= self.deadline:
            self.reason = "the time given with --for is over"
        return self.reason


class Patience:
    """Tries again until it works, the time is over or the run is stopped; `say` tells staff once what is waited for."""

    def __init__(
        self,
        stop: Stop,
        say: Callable[[str], None],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._stop = stop
        self._say = say
        self._monotonic = monotonic
        self._sleep = sleep

    def wait_for(self, action: Callable[[], T], answers: Sized) -> T:
        """What `action` returns. `answers` are those not written down yet. Raises `DatabaseTrouble` at last."""
        began, pause, told = self._monotonic(), FIRST_PAUSE_SECONDS, False
        while True:
            try:
                return action()
            except DatabaseTrouble as error:
                if not error.passing:
                    raise _given_up(error, len(answers)) from error
                longest = self._longest(began)
                if self._monotonic() - began > longest:
                    raise _given_up(error, len(answers)) from error
                if not told and self._monotonic() - began > LONGEST_PAUSE_SECONDS:
                    told = True
                    self._say(
                        f"{error.message}. Sending waits for it, {longest:.0f} s at most; {len(answers)} answers of the"
                        f" transport are kept meanwhile. {error.remedy}".rstrip()
                    )
                self._sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _longest(self, began: float) -> float:
        """How many seconds from `began` on to wait. Once the run is stopped, all waits share the time to drain."""
        if not self._stop.due():
            return LONGEST_SECONDS
        if self._stop.since is None:
            self._stop.since = self._monotonic()
        return min(LONGEST_SECONDS, self._stop.since + self._stop.drain_seconds - began)


def _given_up(error: DatabaseTrouble, answers: int) -> DatabaseTrouble:
    """The final error: what happened, who is affected, what to do."""
    affected = (
        f"; the answers for {counted(answers)} could not be written down, so they will count as uncertain"
        if answers
        else "; nobody is affected, and everyone left stays queued"
    )
    return DatabaseTrouble(error.message + affected, remedy=error.remedy)
