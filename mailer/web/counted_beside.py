"""What takes too long to count for a page, counted in a thread beside it and shown until something newer is there.

It is counted again once something came that may change it, and no more often than a twentieth of the time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from mailer.errors import MailerError
from mailer.web.last_used import LastUsed

log = logging.getLogger(__name__)

A_PAGE_WAITS_SECONDS = 0.06  # for what is quickly counted
LEAST_APART_SECONDS = 1.0
REST = 20  # times as long as the last count took, before the next one
Figures = TypeVar("Figures")


@dataclass(frozen=True, slots=True)
class CountedFigures(Generic[Figures]):
    """Figures and when they were counted; `mark` is another once something came since."""

    figures: Figures
    at: datetime
    mark: str


class CountedBeside(Generic[Figures]):
    """Figures by a name, of at most `most` names. Use it from any thread."""

    def __init__(self, most: int) -> None:
        self._lock = threading.Lock()
        self._kept = LastUsed[str, CountedFigures[Figures]](most)
        self._running: dict[str, Future[None]] = {}
        self._not_before: dict[str, float] = {}  # monotonic seconds

    def newest(
        self, name: str, mark: str, count: Callable[[], Figures], *, clock: Callable[[], datetime],
        beside: ThreadPoolExecutor,
    ) -> CountedFigures[Figures] | None:  # fmt: skip
        """The newest there are, None while they are counted for the first time. Begins a count if one is due: `mark`
        is another than that of the last one. What is quickly counted is waited for."""
        with self._lock:
            kept = self._kept.get(name)
            if kept is not None and kept.mark == mark:
                return kept
            running = self._running.get(name)
            if running is None and time.monotonic() >= self._not_before.get(name, 0.0):
                running = self._running[name] = beside.submit(self._run, name, mark, count, clock)
        if running is not None:
            wait([running], A_PAGE_WAITS_SECONDS)
        return self._kept.get(name)

    def _run(self, name: str, mark: str, count: Callable[[], Figures], clock: Callable[[], datetime]) -> None:
        began = time.monotonic()
        try:
            found = count()
            self._kept.keep(name, CountedFigures(found, clock(), mark))
        except MailerError as error:  # tried again at the next look
            log.error("the figures could not be counted: %s", error.message)
        except Exception:
            log.exception("the figures could not be counted")
        finally:
            ended = time.monotonic()
            with self._lock:
                self._not_before[name] = ended + max(LEAST_APART_SECONDS, REST * (ended - began))
                del self._running[name]
