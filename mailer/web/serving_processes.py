"""Several processes that answer on one port: one that opens it and watches, and those that answer.

The watching process never lets go of the listening socket, so nobody who connects is refused while others take the
place of those that answer: on SIGHUP, which new code or settings ask for, and when one of them dies. The new ones are
ready before the old ones are told to leave, and these finish what is under way.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from mailer.child_processes import ChildProcess
from mailer.errors import MailerError

READY = "ready"  # what one says once it answers
READY_SECONDS = 60.0  # for a start on a busy machine
MORE_THAN_DRAIN_SECONDS = 20.0  # for the end of one that was told to leave: `server.DRAIN_SECONDS` and what follows
FEW_DEATHS = 5  # within a minute: what dies more often is not fed
AGAIN = "Another one takes its place"
A_MINUTE = 60.0


class ServingProcesses:
    """`number` processes that answer on `opened`. `say` tells who reads the log."""

    def __init__(self, root: Path, opened: socket.socket, *, number: int, say: Callable[[str], None]) -> None:
        self._root = root
        self._opened = opened
        self._number = number
        self._say = say
        self._answering: list[_Answering] = []
        self._deaths: deque[float] = deque(maxlen=FEW_DEATHS)
        self._signals: deque[int] = deque()
        self._woken, self._wake = os.pipe()

    def run(self, *, ready: Callable[[], None]) -> None:
        """Serve until SIGTERM or Ctrl-C; `ready` is called once all of them answer. Raises `MailerError` when they
        don't come up, or die one after the other."""

        def told(number: int, _frame: FrameType | None) -> None:
            self._signals.append(number)

        wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, told) for number in wanted}
        os.set_blocking(self._wake, False)
        woken_before = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        try:
            self._replace()
            ready()
            while not (set(self._signals) & {signal.SIGINT, signal.SIGTERM}):
                if signal.SIGHUP in self._signals:
                    self._signals.clear()
                    self._replace()
                    self._say("Others answer now, with the settings as they are.")
                self._look_after()
                self._wait(0.5)
        finally:
            self._leave(self._answering)
            signal.set_wakeup_fd(woken_before)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(self._woken)
            os.close(self._wake)

    def _begin(self) -> _Answering:
        return _Answering(self._root, self._opened, self._say)

    def _wait(self, seconds: float) -> None:
        """That long, or until a signal comes."""
        if select.select([self._woken], [], [], seconds)[0]:
            os.read(self._woken, 64)

    def _replace(self) -> None:
        """Others in place of all that answer, which leave once these are ready; nothing changes if they don't start."""
        fresh = [self._begin() for _ in range(self._number)]
        until = time.monotonic() + READY_SECONDS
        while not all(one.is_ready for one in fresh):
            if any(one.process.has_ended for one in fresh) or time.monotonic() > until:
                self._leave(fresh)
                if not self._answering:
                    raise MailerError("the processes that answer did not start", remedy="What they said is above.")
                self._say("The new processes did not start; the ones before them go on.")
                return
            if set(self._signals) & {signal.SIGINT, signal.SIGTERM}:
                self._leave(fresh)
                return
            time.sleep(0.05)
        old, self._answering = self._answering, fresh
        self._leave(old)

    def _look_after(self) -> None:
        """Another one in the place of each that died; of those that die one after the other, not more than a few in a
        minute, while the others go on. Raises once none is left."""
        for one in [one for one in self._answering if one.process.has_ended]:
            self._answering.remove(one)
            one.process.wait(MORE_THAN_DRAIN_SECONDS)
            self._deaths.append(time.monotonic())
            how = f"was killed by {one.process.killed_by}" if one.process.killed_by else "ended"
            then = "No other takes its place for a minute, since too many did" if self._is_hopeless() else AGAIN
            self._say(f"One of the processes that answer {how}. {then}.")
        while len(self._answering) < self._number and not self._is_hopeless():
            self._answering.append(self._begin())
        if not self._answering:
            raise MailerError("the processes that answer ended one after the other", remedy="What they said is above.")

    def _is_hopeless(self) -> bool:
        return len(self._deaths) == FEW_DEATHS and time.monotonic() - self._deaths[0] < A_MINUTE

    def _leave(self, those: list[_Answering]) -> None:
        """They finish what is under way and go; waits for it."""
        for one in those:
            one.process.end()
        for one in those:
            one.process.wait(MORE_THAN_DRAIN_SECONDS)


class _Answering:
    """One process that answers. What it says goes where we say things."""

    def __init__(self, root: Path, opened: socket.socket, say: Callable[[str], None]) -> None:
        self.is_ready = False
        number = opened.fileno()
        self.process = ChildProcess(
            ["serve", "--beside", str(number)], root=root, heard=lambda line: self._heard(line, say), files=[number]
        )

    def _heard(self, line: str, say: Callable[[str], None]) -> None:
        if line.strip() == READY:
            self.is_ready = True
        else:
            say(line.rstrip())
