"""A workspace's sign pages as the public site shows them: read again when a file changes, counted now and then."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from mailer.audience.petition.signatures import SignatureCount
from mailer.audience.petition.told import ToldOfPage, told_of
from mailer.compose.action_page.parse import ActionPage, read_action_page
from mailer.compose.action_page.versions import PageVersions, read_page_versions
from mailer.compose.languages import ORIGINAL, SpokenLanguages
from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.workspace import ACTION_FILE, SLUG, Newsletter, Workspace

log = logging.getLogger(__name__)

# A page whose file is gone is shown for so long as it was: `git pull` takes files away for a moment.
GONE_LIFE = timedelta(seconds=20)
TALLY_LIFE = timedelta(seconds=5)  # a page that thousands look at counts its signatures once in this time

# Of each file in the newsletter's folder: name, time of change in nanoseconds, size. A page is made of its own file,
# its pictures, and what its mail says.
Stamp = tuple[tuple[str, int, int], ...]


class ActionPages:
    """Finds pages and their counts. Safe to use from several threads; everything here may wait for a file or query."""

    def __init__(self, workspace: Workspace, database: Database, *, clock: Callable[[], datetime]) -> None:
        self._workspace = workspace
        self._database = database
        self._clock = clock
        self._pages: dict[str, tuple[Stamp, PageVersions | None]] = {}
        self._gone: dict[str, datetime] = {}  # since when the files of pages we know aren't there
        self._tallies: dict[str, tuple[datetime, ToldOfPage]] = {}
        self._lock = threading.Lock()

    def find(self, slug: str, wishes: Iterable[str] = ()) -> ActionPage | None:
        """The page in the first of these languages that it has, else the list's, else its original; None where there is
        no page. While a file has faults, and for a moment while it is gone, as it was before."""
        versions = self._versions(slug)
        return versions.best(wishes) if versions else None

    def all(self, slug: str) -> Sequence[ActionPage]:
        """The page in each of its languages."""
        versions = self._versions(slug)
        return tuple(versions.pages.values()) if versions else ()

    def _versions(self, slug: str) -> PageVersions | None:
        newsletter = Newsletter(self._workspace, slug)
        stamp = _stamp(newsletter.folder) if SLUG.fullmatch(slug) else ()
        with self._lock:
            kept = self._pages.get(slug)
            if ACTION_FILE not in (name for name, _, _ in stamp):
                return (
                    kept[1] if kept and self._clock() - self._gone.setdefault(slug, self._clock()) < GONE_LIFE else None
                )
            self._gone.pop(slug, None)
        if kept and kept[0] == stamp:
            return kept[1]
        found = _read(newsletter) or (kept[1] if kept else None) or _original(newsletter)
        with self._lock:
            self._pages[slug] = (stamp, found)
        return found

    def tally(self, page: ActionPage, now: datetime) -> SignatureCount:
        """The page's signature count, a few seconds old at most."""
        return self.told(page, now).tally

    def told(self, page: ActionPage, now: datetime) -> ToldOfPage:
        """What a page tells of those who signed, a few seconds old at most."""
        with self._lock:
            kept = self._tallies.get(page.slug)
        if kept and now - kept[0] < TALLY_LIFE:
            return kept[1]
        with self._database.read() as connection:
            found = told_of(connection, page)
        with self._lock:
            self._tallies[page.slug] = (now, found)
        return found

    def signed(self, page: ActionPage) -> None:
        """Somebody just signed here: count them at once."""
        with self._lock:
            self._tallies.pop(page.slug, None)


def _stamp(folder: Path) -> Stamp:
    """What changes when a file of the folder does; empty when there is no folder."""
    found: list[tuple[str, int, int]] = []
    with suppress(OSError), os.scandir(folder) as files:
        for file in files:
            with suppress(OSError):  # a save exchanges it at this moment; the others are there
                state = file.stat()
                found.append((file.name, state.st_mtime_ns, state.st_size))
    return tuple(sorted(found))


def _read(newsletter: Newsletter) -> PageVersions | None:
    """The page in all its languages; None while a file has faults."""
    try:
        return read_page_versions(newsletter)[0]
    except MailerError as error:
        place = next((one.place for one in error.diagnostics if one.stops and one.place), None)
        where = place.file if place else newsletter.place(ACTION_FILE)
        log.error("%s can't be shown: mailer check %s (%s)", where, newsletter.slug, error.message)
    return None


def _original(newsletter: Newsletter) -> PageVersions | None:
    """The original alone: a fault in a translation takes no petition away."""
    try:
        page, _ = read_action_page(newsletter)
    except MailerError:
        return None
    return PageVersions({ORIGINAL: page}, SpokenLanguages(page.language))
