"""A thread beside a server that does the jobs of one kind: at once when woken, else every few seconds.

`mailer run` does what it leaves: nothing is lost while no server runs, or when this one dies.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from mailer.errors import MailerError
from mailer.store.engine.dialects import BUSY_SECONDS, waiting_at_most

log = logging.getLogger(__name__)

LOOK_SECONDS = 15.0  # between looks for what other processes added, or what is due again


class JobThread:
    """Calls `work` again and again, with a function that says when to stop. `what` names the jobs in the log."""

    def __init__(
        self,
        what: str,
        work: Callable[[Callable[[], bool]], object],
        *,
        look_seconds: float = LOOK_SECONDS,
        lock_seconds: float = BUSY_SECONDS,
    ) -> None:
        self._what = what
        self._work = work
        self._look = look_seconds
        self._lock = lock_seconds  # how long it waits for another program's
        self._woken = threading.Event()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name=what, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wake(self) -> None:
        """A job was committed."""
        self._woken.set()

    def stop(self, at_most_seconds: float | None = None) -> None:
        """End after the job at hand. Blocks. One that takes longer than `at_most_seconds` is left to its lease."""
        self._ending = True
        self._woken.set()
        if self._thread.ident is not None:
            self._thread.join(at_most_seconds)

    def _run(self) -> None:
        while not self._ending:
            self._woken.clear()
            try:
                with waiting_at_most(self._lock):
                    self._work(lambda: self._ending)
            except Exception as error:  # noqa: BLE001 - the thread must live on, whatever the database says
                words = error.message if isinstance(error, MailerError) else type(error).__name__
                log.error("%s wait, since the database can't be used now: %s", self._what, words)
            if not self._ending:
                self._woken.wait(self._look)
