"""More processes for one campaign: `mailer run` starts them, watches them, and ends with them.

Each is a `mailer run --beside SLUG`, which claims from the ledger as any worker does, so nothing is shared out by hand.
It says its counts as lines of JSON.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from mailer.child_processes import ChildProcess, say
from mailer.delivery.sending.progress import SendCounts
from mailer.delivery.sending.run_control import Stop

PEOPLE_EACH = 1_000  # with fewer waiting, another process costs more than it brings
REQUESTS_EACH = 20  # the same, for a transport that hands many people over at a time, which takes a tenth for each
MOST_REPLACED = 3  # of one campaign in one run: what is killed again and again is told of, and not fed
MORE_THAN_DRAIN_SECONDS = 10.0  # for the end of a process whose answers have come
BETWEEN_LOOKS_SECONDS = 0.2


def people_each(batch: int) -> int:
    """For how many people who wait another process is worth its start, if the transport takes `batch` at a time."""
    return PEOPLE_EACH if batch == 1 else max(PEOPLE_EACH, REQUESTS_EACH * batch)


class WorkerProcesses:
    """The processes that send one campaign beside this one; `say` tells staff what befell one."""

    def __init__(self, root: Path, slug: str, *, number: int, stop: Stop, say: Callable[[str], None]) -> None:
        self._root = root
        self._slug = slug
        self._stop = stop
        self._say = say
        self._told_to_stop = False
        self._replaced = 0
        self._ended = SendCounts()
        self._looked_at = time.monotonic()
        self._running = [self._begin(number + 1) for _ in range(number)]

    def _begin(self, of: int) -> _Worker:
        return _Worker(self._root, self._slug, of=of)

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
                one.process.end()
        for one in [one for one in self._running if one.process.has_ended]:
            self._running.remove(one)
            one.process.wait(MORE_THAN_DRAIN_SECONDS)
            self._ended.add(one.counts)
            if killer := one.process.killed_by:
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
            self._running[0].process.wait_at_most(BETWEEN_LOOKS_SECONDS)
            self._look()
            since = since or (time.monotonic() if self._told_to_stop else None)
            if since and time.monotonic() - since > self._stop.drain_seconds + MORE_THAN_DRAIN_SECONDS:
                break
        return self.look()

    def close(self) -> None:
        """End those that are left at once, each in good order if it can."""
        for one in self._running:
            one.process.end()
        for one in self._running:
            one.process.wait(MORE_THAN_DRAIN_SECONDS)


class _Worker:
    """One of them, and its counts as it last said them."""

    def __init__(self, root: Path, slug: str, *, of: int) -> None:
        self.counts = SendCounts()
        self.process = ChildProcess(["run", "--beside", slug, str(of)], root=root, heard=self._heard)

    def _heard(self, line: str) -> None:
        with suppress(ValueError, TypeError):  # a line that was cut off
            self.counts = SendCounts(**json.loads(line))


def tell(counts: SendCounts) -> None:
    """One line of such a process: what it has done until now."""
    say(json.dumps(asdict(counts)))
