"""Changes that wait at the same time share a transaction, and so one wait for the disk (group commit).

Each is answered once the transaction that holds it is committed. When one of them fails, all is rolled back and each is
done in a transaction of its own: nobody fails by another's fault. So a change must be one that can be begun again.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection

from mailer.store.engine.dialects import waiting_at_most

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Change:
    work: Callable[[Connection], Any]
    until: float  # when it is too late to begin (time.monotonic)
    done: Future[Any] = field(default_factory=Future[Any])


class GroupCommit:
    """Changes in the order in which they came, `most` in one transaction. `late` makes the error of one whose time is
    up. Safe to use from several threads."""

    def __init__(
        self, begin: Callable[[], AbstractContextManager[Connection]], *, most: int, late: Callable[[], Exception]
    ) -> None:
        self._begin = begin
        self._most = most
        self._late = late
        self._waiting: deque[_Change] = deque()

    def add(self, work: Callable[[Connection], T], *, until: float) -> Future[T]:
        """What `work` will return; `commit` has to be called after it."""
        change = _Change(work, until)
        self._waiting.append(change)
        return change.done

    def commit(self) -> None:
        """Do what waits, as much as one transaction takes. Blocks. Does nothing when an earlier call did it."""
        changes: list[_Change] = []
        while len(changes) < self._most and self._waiting:
            try:
                change = self._waiting.popleft()
            except IndexError:  # another thread took it
                break
            if change.done.set_running_or_notify_cancel():
                changes.append(change)
        if changes:
            self._do(changes)

    def _do(self, changes: Sequence[_Change]) -> None:
        left = min(change.until for change in changes) - time.monotonic()
        try:
            if left <= 0:
                raise self._late()
            with waiting_at_most(left), self._begin() as connection:
                results = [change.work(connection) for change in changes]
        except Exception as error:  # noqa: BLE001 - whatever it is, the one who waits is told
            if len(changes) == 1:
                changes[0].done.set_exception(error)
            for change in changes if len(changes) > 1 else ():
                self._do([change])
            return
        for change, result in zip(changes, results, strict=True):
            change.done.set_result(result)
