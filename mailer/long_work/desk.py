"""Does the long work that is due, one order after another: beside the studio, and in `mailer run`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from mailer.audience.imports.files.uploads import Uploads
from mailer.errors import MailerError
from mailer.long_work.bulk_people import sweep_exports
from mailer.long_work.orders import find_work, read_order, sweep
from mailer.long_work.running import Handler, Running, WorkElsewhere, WorkStopped
from mailer.moving.listmonk.folder import MoveFolders
from mailer.store.engine.database import Database, DatabaseTrouble
from mailer.store.jobs import STAFF_WORK, Job, claimed, finish, release, retry
from mailer.store.tables.states import JobState
from mailer.workspace import Workspace

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 5  # an order that ends the program each time would otherwise be tried for a day
OURS = "a fault of this program; its log says more"


@dataclass(frozen=True, slots=True)
class WorkDesk:
    """What does orders. `workspace` is asked before each, since settings change; `handlers` by topic."""

    workspace: Callable[[], Workspace]
    database: Database
    clock: Callable[[], datetime]
    handlers: Mapping[str, Handler]

    def do_due(self, ending: Callable[[], bool] = lambda: False) -> int:
        """Do what is due until nothing is, or `ending` says stop; returns how many orders were taken up."""
        done = 0
        for job in claimed(self.database, STAFF_WORK, clock=self.clock, until=ending):
            done += 1
            if not self._do(job, ending):
                break
        with self.database.read() as connection:
            sweep(connection, self.workspace().root, now=self.clock())
            sweep_exports(connection, self.workspace().root, now=self.clock())
        Uploads(self.workspace().root).sweep(self.clock())
        MoveFolders(self.workspace().root).sweep(self.clock())
        return done

    def _do(self, job: Job, ending: Callable[[], bool]) -> bool:
        """Do one order and record what came of it; False when it was left for later."""
        handler = self.handlers.get(job.topic)
        if handler is None or job.attempt > MOST_ATTEMPTS:
            why = f"this version doesn't know {job.topic!r}" if handler is None else "it ended the program five times"
            self._record(job, JobState.FAILED, why)
            return True
        order, actor = read_order(job.payload)
        running = Running(job, order, actor, self.workspace(), self.database, self.clock, ending)
        try:
            running.step(0)
            result = handler(running)
        except WorkStopped:
            return self._stopped(job)
        except WorkElsewhere:
            return self._later(job, "its file is on another machine")
        except DatabaseTrouble as error:
            if error.passing:
                return self._later(job, error.message)
            self._record(job, JobState.FAILED, error.message)
        except MailerError as error:
            self._record(job, JobState.FAILED, f"{error.message}. {error.remedy}" if error.remedy else error.message)
        except Exception:
            log.exception("%s, order %d", job.topic, job.id)
            self._record(job, JobState.FAILED, OURS)
        else:
            with self.database.write() as connection:
                finish(connection, job, now=self.clock(), progress={"result": result})
        return True

    def _stopped(self, job: Job) -> bool:
        with self.database.write() as connection:
            found = find_work(connection, job.id)
            if found is not None and found.stopping:
                finish(connection, job, JobState.FAILED, now=self.clock(), detail="stopped")
                return True
            release(connection, job)  # the worker ends, or another has it: then this changes nothing
        return False

    def _later(self, job: Job, why: str) -> bool:
        with self.database.write() as connection:
            retry(connection, job, now=self.clock(), detail=why)
        return False

    def _record(self, job: Job, state: JobState, why: str) -> None:
        with self.database.write() as connection:
            finish(connection, job, state, now=self.clock(), detail=why)
