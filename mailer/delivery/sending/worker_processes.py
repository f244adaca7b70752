"""More processes for one campaign: `mailer run` starts them, watches them, and ends with them.

Each is a `mailer run --beside SLUG`, which claims from the ledger as any worker does, so nothing is shared out by hand.
It says its counts as lines of JSON. Its standard input is a pipe that nobody writes to: when its reader finds the end
of it, the process that started it is gone, however that ended, and it leaves in good order.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from mailer.delivery.sending.progress import SendCounts
from mailer.delivery.sending.run_control import Stop

PEOPLE_EACH = 1_000  # with fewer waiting, another process costs more than it brings
MOST_REPLACED = 3  # of one campaign in one run: what is killed again and again is told of, and not fed
MORE_THAN_DRAIN_SECONDS = 10.0  # for the end of a process whose answers have come
BETWEEN_LOOKS_SECONDS = 0.2


class WorkerProcesses:
    """The processes that send one campaign beside this one; `say` tells staff what befell one."""

    def __init__(self, root: Path, slug: str, *, number: int, stop: Stop, say: Callable[[str], None]) -> None:
        self._command = (sys.executable, "-m", "mailer", "run", "--beside", slug)
        self._root = root
        self._stop = stop
        self._say = say
        self._told_to_stop = False
        self._replaced = 0
        self._ended = SendCounts()
        self._looked_at = time.monotonic()
        self._running = [self._begin(number + 1) for _ in range(number)]

    def _begin(self, of: int) -> _Process:
        return _Process([*self._command, str(of)], self._root)

    def look(self) -> SendCounts:
        """What they have done up to now. Passes on that the run is to stop, and replaces one that was killed."""
        if self._running and time.monotonic() - self._looked_at > BETWEEN_LOOKS_SECONDS:
            self._looked_at = time.monotonic()
            self._look()
        done = SendCounts()
        for counts in (self._ended, *(one.counts for one in self._running)):
            done.add(counts)
        return done

    def _look(self) -> None:
        if self._stop.due() and not self._told_to_stop:
            self._told_to_stop = True
            for one in self._running:
                one.end()
        for one in [one for one in self._running if one.has_ended]:
            self._running.remove(one)
            one.wait(MORE_THAN_DRAIN_SECONDS)
            self._ended.add(one.counts)
            if killer := one.killed_by:
                self._ended.trouble = True
                again = not self._told_to_stop and self._replaced < MOST_REPLACED
                self._say(
                    f"a process that was sending was killed by {killer}; who it had on the wire may have got their mail"
                    + (". Another one goes on" if again else "")
                )
                if again:
                    self._replaced += 1
                    self._running.append(self._begin(len(self._running) + 2))

    def wait(self) -> SendCounts:
        """Wait for their end, which comes when nothing is due or the run is to stop; all that they have done."""
        since: float | None = None
        while self._running:
            time.sleep(BETWEEN_LOOKS_SECONDS)
            self.look()
            since = since or (time.monotonic() if self._told_to_stop else None)
            if since and time.monotonic() - since > self._stop.drain_seconds + MORE_THAN_DRAIN_SECONDS:
                break
        return self.look()

    def close(self) -> None:
        """End those that are left at once, each in good order if it can."""
        for one in self._running:
            one.end()
        for one in self._running:
            one.wait(MORE_THAN_DRAIN_SECONDS)


class _Process:
    """One of them. A thread reads what it says, so that it never waits for a reader."""

    def __init__(self, command: Sequence[str], root: Path) -> None:
        self.counts = SendCounts()
        # A session of its own: Ctrl-C on a terminal reaches us alone, and we pass on that it is time to stop.
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with suppress(ValueError, TypeError):  # a line that was cut off
                self.counts = SendCounts(**json.loads(line))

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None and not self._reader.is_alive()

    @property
    def killed_by(self) -> str:
        """The signal's name; "" for a process that left by itself, and said why."""
        code = self._process.poll()
        return signal.Signals(-code).name if code is not None and code < 0 else ""

    def end(self) -> None:
        with suppress(ProcessLookupError):
            self._process.terminate()

    def wait(self, seconds: float) -> None:
        """Until it has left, or is made to."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def tell(counts: SendCounts) -> None:
    """One line of such a process: what it has done until now."""
    sys.stdout.write(json.dumps(asdict(counts)) + "\n")
    sys.stdout.flush()


def leave_with_starter(stop: Stop, *, drain_seconds: float) -> None:
    """In such a process: stop once the one that started it is gone. The thread ends with the process."""

    def watch() -> None:
        os.read(0, 1)  # not by sys.stdin, whose lock the end of the process would ask for
        stop.now("the process that started this one has ended", drain_seconds=drain_seconds)

    threading.Thread(target=watch, daemon=True).start()
