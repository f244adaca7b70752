"""Threads for work that waits for the database: some for reading, some for clicks, some for changes.

A change may wait for another program's lock, and everything in its thread waits with it; so reads and clicks have
threads of their own. Changes wait in a short queue, LOCK_SECONDS at most for one request however often it writes; those
of one kind may share a transaction (`group_commit`). Who finds the queue full, or waits too long, is told so while
nothing was changed yet.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial
from typing import ParamSpec, TypeVar

from sqlalchemy import Connection

from mailer.store.engine.database import Database, DatabaseTrouble
from mailer.store.engine.dialects import waiting_at_most
from mailer.web.public.http.group_commit import GroupCommit

P = ParamSpec("P")
T = TypeVar("T")

# Together with the recorder's, the courier's and the applier's fewer than the connections that the engine may open.
READERS = 6
CLICKERS = 2
WRITERS = {"sqlite": 1, "postgresql": 3}  # SQLite has one writer at a time: the queue is fairer than its lock
# PostgreSQL lets transactions share a wait for the disk by itself, and long ones would wait for one another's rows.
TOGETHER = {"sqlite": 50, "postgresql": 1}  # changes in one transaction
LOCK_SECONDS = 5.0  # for a lock, and in the queue; web servers in front must wait longer (docs/deploy.md)
MOST_WAITING = 200  # changes; about a second's work

# How long the current request has waited for its changes so far. Each request is a task, with a context of its own.
_waited: ContextVar[float] = ContextVar("waited", default=0.0)


class Busy(DatabaseTrouble):
    """The change was not begun: too many others wait, or they took too long."""

    def __init__(self) -> None:
        super().__init__("too many changes are waiting for the database", passing=True)


class Executors:
    """The threads of one running app."""

    def __init__(self, database: Database) -> None:
        engine = database.engine.dialect.name
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        self._clickers = ThreadPoolExecutor(CLICKERS, thread_name_prefix="clicker")
        self._writers = ThreadPoolExecutor(WRITERS[engine], thread_name_prefix="writer")
        self._group = GroupCommit(database.write, most=TOGETHER[engine], late=Busy)
        self._waiting = 0

    async def read(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `work`, which changes nothing."""
        return await _run(self._readers, partial(work, *args, **kwargs))

    async def click(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `work`, which a click on its way waits for. It changes nothing."""
        return await _run(self._clickers, partial(work, *args, **kwargs))

    async def write(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `work`, which changes something. Raises `Busy` when it could not begin in time."""
        return await self._queued(lambda until: self._writers.submit(_before, until, partial(work, *args, **kwargs)))

    async def write_together(self, work: Callable[[Connection], T]) -> T:
        """The same for work that is given its transaction, and shares it with others who wait at this time. It may be
        begun twice, the first time without a trace."""

        def queue(until: float) -> Future[T]:
            begun = self._group.add(work, until=until)
            self._writers.submit(self._group.commit)
            return begun

        return await self._queued(queue)

    async def _queued(self, queue: Callable[[float], Future[T]]) -> T:
        """The result of what `queue` puts in the queue, given until when it must have begun."""
        before = _waited.get()
        left = LOCK_SECONDS - before
        if self._waiting >= MOST_WAITING or left <= 0:
            raise Busy
        began = time.monotonic()
        self._waiting += 1
        try:
            begun = queue(began + left)
            result = asyncio.wrap_future(begun)
            await asyncio.wait({result}, timeout=left)
            if begun.cancel():  # still in the queue
                raise Busy
            return await result
        finally:
            self._waiting -= 1
            _waited.set(before + time.monotonic() - began)

    def close(self) -> None:
        """Start nothing more. What is under way ends by itself, within LOCK_SECONDS."""
        for threads in (self._readers, self._clickers, self._writers):
            threads.shutdown(wait=False, cancel_futures=True)


def _before(until: float, work: Callable[[], T]) -> T:
    left = until - time.monotonic()
    if left <= 0:
        raise Busy
    with waiting_at_most(left):
        return work()


async def _run(threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, _impatient, work)


def _impatient(work: Callable[[], T]) -> T:
    with waiting_at_most(LOCK_SECONDS):
        return work()
