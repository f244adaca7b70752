"""Puts clicks on disk before they are answered: one thread writes, and one commit serves all who wait (group commit).

A request waits for the commit that holds its hit. When the database can't be written in time the supporter is sent on
all the same, since reaching the page is what they came for; the hit is kept in memory, tried again, and each step of
that is logged as an error. While that lasts, others wait only a moment. What a hit is, and in which tables it goes, is
for `tracking` and the caller's `write`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from mailer.errors import MailerError
from mailer.tracking.hits import Hit

log = logging.getLogger(__name__)

MOST_IN_ONE_COMMIT = 500
MOST_WAITING = 50_000  # hits held in memory while the database can't be written; about 50 MB
PATIENCE_SECONDS = 4.0  # how long a supporter waits for the disk at most
LATE_SHARE = 0.05  # of the patience: what is left of it once somebody waited in vain
RETRY_SECONDS = 1.0


@dataclass(slots=True)
class _Batch:
    """Requests of one turn of an event loop, which wait together; a hit for each, or none for a readiness check."""

    loop: asyncio.AbstractEventLoop
    hits: list[Hit] = field(default_factory=list[Hit])
    waiting: list[asyncio.Future[bool]] = field(default_factory=list["asyncio.Future[bool]"])


class Recorder:
    """Writes hits in batches, in a thread of its own. `write` stores them all or raises."""

    def __init__(
        self,
        write: Callable[[Sequence[Hit]], None],
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._write = write
        self._patience = patience_seconds
        self._retry = retry_seconds
        self._queue: SimpleQueue[_Batch | None] = SimpleQueue()  # None: write what there is and end
        self._filling: _Batch | None = None  # goes into the queue at the end of the loop's turn
        self._entered = self._taken = 0  # hits put into batches by the loop, and taken by the thread
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._held: list[Hit] = []  # could not be written yet; touched by the thread alone
        self._late = False  # somebody waited in vain since the last commit
        self._until = 0.0  # when the thread gives up, once it was told to end (time.monotonic)
        self._refused = 0  # hits there was no room for
        self.written = 0  # hits on disk since the start

    def start(self) -> None:
        """Start writing."""
        self._thread.start()

    def stop(self, *, trying_seconds: float = 0.0, at_most_seconds: float | None = None) -> int:
        """Write what is waiting, then stop. Blocks. Returns how many clicks were lost since the start.

        What can't be written is tried again for `trying_seconds`. A thread that still hangs at the disk after
        `at_most_seconds` is left behind, and what it has in hand counts as lost.
        """
        self._until = time.monotonic() + trying_seconds
        self._queue.put(None)
        self._thread.join(at_most_seconds)
        lost = self._refused + self._entered - self.written
        if lost:
            log.error("%d clicks were lost: the database could not be written", lost)
        return lost

    async def record(self, hit: Hit) -> bool:
        """Wait until `hit` is committed. False when that did not happen in time; it was logged, and is tried again."""
        if self._entered - self._taken >= MOST_WAITING:
            self._refused += 1
            log.error("a click was lost: the database can't be written and too many clicks are waiting")
            return False
        self._entered += 1
        batch = self._batch()
        batch.hits.append(hit)
        written = await self._wait(batch)
        if not written:
            log.error("a supporter was sent on before their click was on disk; it is kept in memory and tried again")
        return written

    async def ready(self) -> bool:
        """Whether the database can be written now."""
        return self._thread.is_alive() and await self._wait(self._batch())

    def _batch(self) -> _Batch:
        """The batch of this turn of the running loop."""
        loop = asyncio.get_running_loop()
        batch = self._filling
        if batch is None or batch.loop is not loop:
            batch = self._filling = _Batch(loop)
            loop.call_soon(self._send, batch)
        return batch

    def _wait(self, batch: _Batch) -> asyncio.Future[bool]:
        written = batch.loop.create_future()
        batch.waiting.append(written)
        return written

    def _send(self, batch: _Batch) -> None:
        if self._filling is batch:
            self._filling = None
        patience = self._patience * (LATE_SHARE if self._late else 1.0)
        batch.loop.call_later(patience, self._give_up, batch)
        self._queue.put(batch)

    def _give_up(self, batch: _Batch) -> None:
        if any(not future.done() for future in batch.waiting):
            self._late = True
            _resolve(batch.waiting, False)

    def _work(self) -> None:
        ending = False
        while not ending:
            found = self._next_batches()
            batches = [item for item in found if item is not None]
            ending = len(batches) < len(found)
            new = [hit for batch in batches for hit in batch.hits]
            self._taken += len(new)
            if batches or self._held:
                _answer(batches, written=self._commit(new))
        while self._held and time.monotonic() < self._until and not self._commit(()):
            time.sleep(min(self._retry, 0.1))

    def _next_batches(self) -> list[_Batch | None]:
        """What is waiting, about as much as one commit takes; blocks until there is something to do."""
        found: list[_Batch | None] = []
        count = 0
        try:
            found.append(self._queue.get(timeout=self._retry if self._held else None))
            while count < MOST_IN_ONE_COMMIT and (last := found[-1]) is not None:
                count += len(last.hits)
                found.append(self._queue.get_nowait())
        except Empty:
            pass
        return found

    def _commit(self, new: Sequence[Hit]) -> bool:
        hits = [*self._held, *new]
        try:
            self._write(hits)
        except Exception as error:  # noqa: BLE001 - the thread must live on, whatever the database says
            # Not the traceback: the database's own error may quote what was to be written.
            words = error.message if isinstance(error, MailerError) else type(error).__name__
            log.error("%d clicks can't be written now: %s", len(hits), words)
            if len(hits) > MOST_WAITING:
                log.error("%d clicks were lost: too many are waiting", len(hits) - MOST_WAITING)
            self._held = hits[-MOST_WAITING:]
            return False
        self._held = []
        self._late = False
        self.written += len(hits)
        return True


def _answer(batches: Sequence[_Batch], *, written: bool) -> None:
    """Wake the requests, each event loop once."""
    for loop in {batch.loop for batch in batches}:
        futures = [future for batch in batches if batch.loop is loop for future in batch.waiting]
        try:
            loop.call_soon_threadsafe(_resolve, futures, written)
        except RuntimeError:  # the loop has ended, and nobody waits any more
            log.warning("%d requests had gone before their answer", len(futures))


def _resolve(futures: Sequence[asyncio.Future[bool]], written: bool) -> None:
    for future in futures:
        if not future.done():
            future.set_result(written)
