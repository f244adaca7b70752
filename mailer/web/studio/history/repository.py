"""The studio and the repository that its workspace follows: what is saved goes there, what others push comes in.

It is done in a thread beside the pages, so a save never waits for a network and is never lost to one. What went wrong
is said in Write and on the front page until it works again.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from mailer.editing.git.commits import commits
from mailer.editing.git.remote import BothChanged, TheirFile, exchange
from mailer.errors import MailerError
from mailer.staff import audit
from mailer.web.studio.core.context import Studio, Visit

LOOK_EVERY_SECONDS = 1.0
TRY_AGAIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class RemoteTrouble:
    """Why what is saved here isn't with the others. `files`: those that somebody must choose about."""

    words: str
    since: datetime
    files: tuple[TheirFile, ...] = ()

    def about(self, slug: str) -> tuple[TheirFile, ...]:
        """The files of one newsletter."""
        return tuple(one for one in self.files if f"newsletters/{slug}/" in f"/{one.path}")


class Repository:
    """What is between one studio and the repository. Use it from any thread."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._lock = threading.Lock()
        self._running: Future[None] | None = None
        self._choices: dict[tuple[str, str], bool] = {}
        self._seen = commits()
        self._tried: datetime | None = None
        self.trouble: RemoteTrouble | None = None

    def tick(self) -> None:
        """Begin an exchange where one is due."""
        settings, now = self._studio.reader.read().settings.studio, self._studio.clock()
        wanted = settings.git and (settings.git_push or settings.pull_every)
        if not wanted:
            self.trouble = None
            return
        every = settings.pull_every or (TRY_AGAIN if self.trouble else None)
        is_due = every is not None and (self._tried is None or now - self._tried >= every)
        if is_due or (settings.git_push and commits() != self._seen):
            self.begin()

    def begin(self) -> Future[None]:
        """Exchange with the repository now, or wait for the exchange that is under way."""
        with self._lock:
            if self._running is None or self._running.done():
                self._running = self._studio.beside.submit(self._exchange)
            return self._running

    def choose(self, file: tuple[str, str], *, ours: bool) -> None:
        """What becomes of a file in which both changed the same lines: a path, and the version that was shown."""
        self._choices[file] = ours
        self.begin().result()

    def _exchange(self) -> None:
        workspace, now = self._studio.reader.read(), self._studio.clock()
        self._tried, seen = now, commits()
        pushes = workspace.settings.studio.git_push
        try:
            exchange(workspace, self._studio.database, choices=self._choices, pushes=pushes)
        except MailerError as error:
            since = self.trouble.since if self.trouble else now
            words = f"{error.message[:1].upper()}{error.message[1:]}. {error.remedy}".strip()
            self.trouble = RemoteTrouble(words, since, error.files if isinstance(error, BothChanged) else ())
        else:
            self.trouble = None
            self._choices.clear()
        self._seen = seen


def repository_of(studio: Studio) -> Repository:
    """The studio's."""
    return cast(Repository, studio.kept.setdefault("repository", Repository(studio)))


async def keep_together(studio: Studio) -> None:
    """Look once a second whether an exchange is due, until it is cancelled."""
    while True:
        await run_in_threadpool(repository_of(studio).tick)
        await asyncio.sleep(LOOK_EVERY_SECONDS)


def choose(visit: Visit) -> Response:
    """Keep ours or take theirs, where both changed the same lines."""
    slug, form = visit.path["name"], visit.form
    trouble = repository_of(visit.studio).trouble
    shown = {(one.path, one.digest) for one in trouble.about(slug)} if trouble else set[tuple[str, str]]()
    file, ours = (form.get("path"), form.get("theirs")), form.get("keep") != "theirs"
    if file in shown:
        with visit.database.write() as connection:
            audit.record(
                connection, visit.who, "newsletter saved", at=visit.now, subject=audit.newsletter_subject(slug),
                detail="ours kept" if ours else "theirs taken from the repository",
            )  # fmt: skip
        repository_of(visit.studio).choose(file, ours=ours)
    return RedirectResponse(f"/newsletters/{slug}/", 303)
