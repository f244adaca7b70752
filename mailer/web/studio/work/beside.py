"""The thread beside the studio that does long work. What it leaves, `mailer run` does."""

from __future__ import annotations

from typing import cast

from mailer.long_work.desk import WorkDesk
from mailer.long_work.topics import WORK
from mailer.store.job_thread import JobThread
from mailer.web.studio.core.context import Studio


def worker_of(studio: Studio) -> JobThread:
    """The studio's thread; wake it once an order is committed."""

    def begin() -> JobThread:
        worker = WorkDesk(studio.reader.read, studio.database, studio.clock, WORK)
        return JobThread("long work", worker.do_due)

    return cast(JobThread, studio.kept.get("long work") or studio.kept.setdefault("long work", begin()))
