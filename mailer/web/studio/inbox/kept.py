"""What the Inbox shows and takes long to find, found beside the pages: a page waits a moment for it, and never longer.

It is found again once something came that changes it, as its mark says (decision 50 does the same with figures).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from sqlalchemy import Connection, func, select

from mailer.delivery.subscriptions.bursts import Burst, find_bursts
from mailer.errors import MailerError
from mailer.reports.came_back import ReturnedCounts, count_came_back, newest_event
from mailer.store.tables.inbound import unsubscribe_presses as presses
from mailer.store.tables.states import PressDecision
from mailer.web.studio.core.context import Studio, Visit

log = logging.getLogger(__name__)

Found = TypeVar("Found")
A_PAGE_WAITS_SECONDS = 0.06
REST = 20  # times as long as the last search took, before the next one


@dataclass(frozen=True, slots=True)
class _Kept(Generic[Found]):
    value: Found
    mark: str


class FoundBeside(Generic[Found]):
    """The newest of one thing. Use it from any thread."""

    def __init__(self, find: Callable[[Visit, Connection], Found], mark: Callable[[Connection], str]) -> None:
        self._find = find
        self._mark = mark
        self._lock = threading.Lock()
        self._kept: _Kept[Found] | None = None
        self._running: Future[None] | None = None
        self._not_before = 0.0  # monotonic seconds

    def newest(self, visit: Visit) -> Found | None:
        """The newest there is, None while it is searched for the first time. Begins a search if one is due."""
        with visit.database.read() as connection:
            mark = self._mark(connection)
        with self._lock:
            kept = self._kept
            if kept is not None and kept.mark == mark:
                return kept.value
            if self._running is None and time.monotonic() >= self._not_before:
                self._running = visit.studio.beside.submit(self._run, visit, mark)
            running = self._running
        if running is not None:
            wait([running], A_PAGE_WAITS_SECONDS)
        kept = self._kept
        return kept.value if kept else None

    def forget(self) -> None:
        """Search again for the next page: somebody decided something, and must see that."""
        with self._lock:
            self._kept, self._not_before = None, 0.0

    def _run(self, visit: Visit, mark: str) -> None:
        began = time.monotonic()
        try:
            with visit.database.read() as connection:
                self._kept = _Kept(self._find(visit, connection), mark)
        except MailerError as error:  # tried again at the next look
            log.error("the inbox could not be searched: %s", error.message)
        except Exception:
            log.exception("the inbox could not be searched")
        finally:
            ended = time.monotonic()
            with self._lock:
                self._not_before = ended + REST * (ended - began)
                self._running = None


def bursts_kept(studio: Studio) -> FoundBeside[list[Burst]]:
    """The bursts of unsubscribes that nobody has decided about."""

    def find(visit: Visit, connection: Connection) -> list[Burst]:
        return find_bursts(connection, now=visit.now)

    return cast("FoundBeside[list[Burst]]", studio.kept.setdefault("bursts", FoundBeside(find, _pressed)))


def figures_kept(studio: Studio) -> FoundBeside[ReturnedCounts]:
    """What came back lately, counted."""

    def find(visit: Visit, connection: Connection) -> ReturnedCounts:
        return count_came_back(connection, now=visit.now)

    return cast("FoundBeside[ReturnedCounts]", studio.kept.setdefault("came back", FoundBeside(find, newest_event)))


def _pressed(connection: Connection) -> str:
    decided = select(func.count()).select_from(presses).where(presses.c.decided != PressDecision.NONE.value)
    newest = connection.execute(select(func.max(presses.c.id))).scalar()
    return f"{newest} {connection.execute(decided).scalar()}"
