"""How many people of each newsletter are where, counted beside the pages once there are many.

To count half a million who wait takes a processor longer than all the rest of a page, and every page asks. So a long
count is shown again for a while, and made again in a thread of the studio; decision 0050 does the same with figures.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Connection, select, true

from mailer.delivery.campaigns.status import count_states
from mailer.errors import MailerError
from mailer.store.tables.core import campaigns
from mailer.store.tables.states import DeliveryState
from mailer.web.last_used import LastUsed
from mailer.web.studio.core.context import Studio

People = dict[int, Counter[DeliveryState]]
LONG = 20_000  # people; fewer are counted for each page
REST = 20  # times as long as a count took, before the next one
A_PAGE_WAITS_SECONDS = 0.03  # for a count that is due
OLDEST_SECONDS = 10.0  # before a page waits for a new one however long it takes
KEPT = 200  # newsletters


@dataclass(frozen=True, slots=True)
class KeptCount:
    """A count; `mark` is another once a newsletter began, paused, went on or ended. Times are monotonic seconds."""

    people: People
    mark: str
    at: float
    took: float

    @property
    def is_long(self) -> bool:
        return sum(sum(states.values()) for states in self.people.values()) >= LONG


class StateCounts:
    """The counts of a studio, of one campaign each or of all. Use it from any thread."""

    def __init__(self, studio: Studio, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._studio = studio
        self._clock = clock
        self._lock = threading.Lock()
        self._kept = LastUsed[int, KeptCount](KEPT)  # by campaign, 0 for all
        self._running: dict[int, Future[None]] = {}
        self._forgotten = 0  # times

    def count(self, connection: Connection, campaign_id: int | None = None) -> People:
        """As `count_states`, at most some seconds old where it takes long."""
        key, mark = campaign_id or 0, _mark(connection, campaign_id)
        kept = self._kept.get(key)
        age = self._clock() - kept.at if kept else 0.0
        if kept is None or kept.mark != mark or not kept.is_long or age > OLDEST_SECONDS:
            return self._counted(connection, campaign_id, mark)
        if age < REST * kept.took:
            return kept.people
        with self._lock:
            if key not in self._running:
                self._running[key] = self._studio.beside.submit(self._run, campaign_id)
            running = self._running[key]
        wait([running], A_PAGE_WAITS_SECONDS)
        return (self._kept.get(key) or kept).people

    def forget(self) -> None:
        """Count again for the next page: somebody decided something, and must see that."""
        with self._lock:
            self._forgotten += 1
            self._kept = LastUsed[int, KeptCount](KEPT)

    def _run(self, campaign_id: int | None) -> None:
        try:
            with self._studio.database.read() as connection:
                self._counted(connection, campaign_id, _mark(connection, campaign_id))
        except MailerError:  # the page that comes next says so
            pass
        finally:
            with self._lock:
                del self._running[campaign_id or 0]

    def _counted(self, connection: Connection, campaign_id: int | None, mark: str) -> People:
        began, forgotten = self._clock(), self._forgotten
        people = count_states(connection, campaign_id)
        ended = self._clock()
        with self._lock:
            if forgotten == self._forgotten:  # else it may be of before
                self._kept.keep(campaign_id or 0, KeptCount(people, mark, ended, ended - began))
        return people


def counts_of(studio: Studio) -> StateCounts:
    """The studio's counts."""
    return cast(StateCounts, studio.kept.setdefault("state counts", StateCounts(studio)))


def _mark(connection: Connection, campaign_id: int | None) -> str:
    mine = campaigns.c.id == campaign_id if campaign_id is not None else true()
    return repr(connection.execute(select(campaigns.c.id, campaigns.c.state).where(mine)).all())
