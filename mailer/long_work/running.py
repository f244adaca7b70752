"""Work that a worker has claimed, as its handler sees it: the order, a folder, and a way to say how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from mailer.long_work.orders import folder_of
from mailer.staff.actor import Actor
from mailer.store.engine.database import Database
from mailer.store.jobs import Job, finish, renew
from mailer.workspace import Workspace

NOTE_SECONDS = 0.3  # between notes of progress


class WorkStopped(Exception):
    """Somebody asked the work to stop, or another worker has it: the handler ends, and rolls back what isn't whole."""


class WorkElsewhere(Exception):
    """The work needs a file that isn't on this machine: a worker of another one does it."""


@dataclass(slots=True)
class Running:
    """One attempt at an order. It may be the second: a handler begins from what it finds done, and does nothing twice.
    What changes the database once goes into one transaction that ends in `settle`."""

    job: Job
    order: Mapping[str, Any]
    actor: Actor  # who asked, with the rights they had then
    workspace: Workspace
    database: Database
    clock: Callable[[], datetime]
    ending: Callable[[], bool] = lambda: False  # whether the worker is about to end
    noted: float = field(default=float("-inf"))  # monotonic

    @property
    def folder(self) -> Path:
        """The order's private folder, for what it reads and makes. It is deleted when the order is a week old."""
        return folder_of(self.workspace.root, self.job.id)

    def step(self, done: int, of: int | None = None, words: str = "", *, silence: timedelta | None = None) -> None:
        """Say how far it is; call it at least once a minute, and never inside a transaction that writes. `silence`: how
        much longer than that it may be until the next word. Raises `WorkStopped`."""
        if self.ending():
            raise WorkStopped
        if silence is None and time.monotonic() - self.noted < NOTE_SECONDS:
            return
        far = {"done": done, "of": of, "words": words}
        with self.database.write() as connection:
            goes_on = renew(connection, self.job, far, now=self.clock() + (silence or timedelta()))
        if not goes_on:
            raise WorkStopped
        self.noted = time.monotonic()

    def settle(self, connection: Connection, result: Mapping[str, Any]) -> None:
        """Record the end in the transaction that did the work, so that both are kept or neither. Raises `WorkStopped`
        when another worker has it."""
        if not finish(connection, self.job, now=self.clock(), progress={"result": result}):
            raise WorkStopped


# Does the order and returns what came of it, as JSON. `MailerError`: it can't be done, and nothing was changed.
Handler = Callable[[Running], Mapping[str, Any]]
