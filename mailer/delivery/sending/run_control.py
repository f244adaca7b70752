"""Waiting for a database that is locked, full or being restarted, so that what is known about mails isn't lost.

An answer that can't be written down leaves its person uncertain, so the engine keeps it and tries again; and says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sized
from typing import TypeVar

from mailer.counting import counted
from mailer.delivery.stopping import Stop
from mailer.store.engine.database import DatabaseTrouble

T = TypeVar("T")

LONGEST_SECONDS = 300.0  # long enough to make space on a disk or to restart a server
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0


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
                        f" transport are kept meanwhile. {error.hint or ''}".rstrip()
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
    """The last word: what happened, who is affected, what to do."""
    affected = (
        f"; the answers for {counted(answers)} could not be written down, so they will count as uncertain"
        if answers
        else "; nobody is affected, and whoever is left stays queued"
    )
    return DatabaseTrouble(error.message + affected, hint=error.hint)
