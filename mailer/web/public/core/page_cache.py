"""A workspace's action pages as the public site shows them: read again when a file changes, counted now and then."""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

from mailer.audience.petition.signatures import SignatureCount, tally
from mailer.compose.action_page.parse import ActionPage, read_action_page
from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.workspace import ACTION_FILE, SLUG, Newsletter, Workspace

log = logging.getLogger(__name__)

TALLY_LIFE = timedelta(seconds=5)  # a page that thousands look at counts its signatures once in this time
NAMES = 5  # last first names that are shown

Stamp = tuple[int, int]  # time of change in nanoseconds, size


class ActionPages:
    """Finds pages and their counts. Safe to use from several threads; everything here may wait for a file or query."""

    def __init__(self, workspace: Workspace, database: Database) -> None:
        self._workspace = workspace
        self._database = database
        self._pages: dict[str, tuple[Stamp, ActionPage | None]] = {}
        self._tallies: dict[str, tuple[datetime, SignatureCount]] = {}
        self._lock = threading.Lock()

    def find(self, slug: str) -> ActionPage | None:
        """The page, or None. While its file has faults, as it was before they came in."""
        newsletter = Newsletter(self._workspace, slug)
        try:
            state = (newsletter.folder / ACTION_FILE).stat() if SLUG.fullmatch(slug) else None
        except OSError:
            state = None
        if state is None:
            return None
        stamp = (state.st_mtime_ns, state.st_size)
        with self._lock:
            kept = self._pages.get(slug)
        if kept and kept[0] == stamp:
            return kept[1]
        page = kept[1] if kept else None
        try:
            page, _ = read_action_page(newsletter)
        except MailerError as error:
            place = newsletter.place(ACTION_FILE)
            log.error("%s can't be shown: mailer check %s (%s)", place, slug, error.message)
        with self._lock:
            self._pages[slug] = (stamp, page)
        return page

    def tally(self, page: ActionPage, now: datetime) -> SignatureCount:
        """The page's signature count, a few seconds old at most."""
        with self._lock:
            kept = self._tallies.get(page.slug)
        if kept and now - kept[0] < TALLY_LIFE:
            return kept[1]
        with self._database.read() as connection:
            found = tally(connection, page.slug, names=NAMES if page.show_names else 0)
        with self._lock:
            self._tallies[page.slug] = (now, found)
        return found

    def signed(self, page: ActionPage) -> None:
        """Somebody just signed here: count them at once."""
        with self._lock:
            self._tallies.pop(page.slug, None)
