"""Puts clicks on disk before they are answered: one thread writes, and one commit serves all who wait (group commit).

A request waits for the commit that holds its hit. When the database can't be written in time the supporter is sent on
all the same, since reaching the page is what they came for; the hit is kept in memory, tried again, and each step of
that is logged as an error. What a hit is, and in which tables it goes, is for `tracking` and the caller's `write`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from mailer.errors import MailerError
from mailer.tracking.hits import Hit

log = logging.getLogger(__name__)

MOST_IN_ONE_COMMIT = 500
MOST_WAITING = 50_000  # hits held in memory while the database can't be written; about 50 MB
PATIENCE_SECONDS = 5.0  # how long a supporter waits for the disk at most
RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A request that waits. No hit: it only asks whether writing works."""

    hit: Hit | None
    loop: asyncio.AbstractEventLoop
    written: asyncio.Future[bool]


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
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()  # None: write what there is and end
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._held: list[Hit] = []  # could not be written yet; touched by the thread alone
        self.written = 0  # hits on disk since the start

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is waiting, then end. Blocks."""
        self._queue.put(None)
        self._thread.join()

    async def record(self, hit: Hit) -> bool:
        """Wait until `hit` is committed. False when that did not happen in time; it was logged, and is tried again."""
        if self._queue.qsize() >= MOST_WAITING:
            log.error("a click was lost: the database can't be written and too many clicks are waiting")
            return False
        written = await self._ask(hit)
        if not written:
            log.error("a supporter was sent on before their click was on disk; it is kept in memory and tried again")
        return written

    async def ready(self) -> bool:
        """Whether the database can be written now."""
        return self._thread.is_alive() and await self._ask(None)

    async def _ask(self, hit: Hit | None) -> bool:
        loop = asyncio.get_running_loop()
        waiting = _Waiting(hit, loop, loop.create_future())
        self._queue.put(waiting)
        try:
            return await asyncio.wait_for(waiting.written, self._patience)
        except TimeoutError:
            return False

    def _work(self) -> None:
        ending = False
        while not ending:
            batch = self._next_batch()
            waiting = [item for item in batch if item is not None]
            ending = len(waiting) < len(batch)
            if waiting or self._held:
                _answer(waiting, written=self._commit([item.hit for item in waiting if item.hit is not None]))
        if self._held:
            log.error("%d clicks were lost: the database could not be written until the end", len(self._held))

    def _next_batch(self) -> list[_Waiting | None]:
        """All that waits, at most as much as one commit takes; blocks until there is something to do."""
        batch: list[_Waiting | None] = []
        try:
            batch.append(self._queue.get(timeout=self._retry if self._held else None))
            while len(batch) < MOST_IN_ONE_COMMIT and batch[-1] is not None:
                batch.append(self._queue.get_nowait())
        except Empty:
            pass
        return batch

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
        self.written += len(hits)
        return True


def _answer(waiting: Sequence[_Waiting], *, written: bool) -> None:
    """Wake the requests, each event loop once."""
    for loop in {item.loop for item in waiting}:
        futures = [item.written for item in waiting if item.loop is loop]
        try:
            loop.call_soon_threadsafe(_resolve, futures, written)
        except RuntimeError:  # the loop has ended, and nobody waits any more
            log.warning("%d requests had gone before their answer", len(futures))


def _resolve(futures: Sequence[asyncio.Future[bool]], written: bool) -> None:
    for future in futures:
        if not future.done():
            future.set_result(written)
