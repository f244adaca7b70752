"""Holds the database as another program does that writes for long, and asks a door meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

from mailer.store.engine.database import Database
from tests.web.client import Reply

WRITTEN = "hits, events, subscriptions, people, rate_limits, suppressions"


@contextmanager
def held(database: Database) -> Generator[None]:
    """Nobody else can write until the end of the block; everybody can read."""
    with database.write() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql(f"LOCK TABLE {WRITTEN} IN SHARE ROW EXCLUSIVE MODE")
        yield


class Asked:
    """Requests under way at the same time, each in a thread."""

    def __init__(self, ask: Callable[[int], Reply], times: int) -> None:
        self.replies: list[Reply] = []
        self._threads = [threading.Thread(target=lambda n=n: self.replies.append(ask(n))) for n in range(times)]
        for thread in self._threads:
            thread.start()

    def join(self) -> list[Reply]:
        for thread in self._threads:
            thread.join()
        return self.replies
