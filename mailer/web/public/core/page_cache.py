"""A workspace's action pages as the public site shows them: read again when a file changes, counted now and then."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta

from mailer.audience.petition.signatures import SignatureCount, tally
from mailer.compose.action_page.parse import ActionPage, read_action_page
from mailer.compose.action_page.versions import PageVersions, read_page_versions
from mailer.compose.languages import ORIGINAL, SpokenLanguages
from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.workspace import ACTION_FILE, SLUG, Newsletter, Workspace

log = logging.getLogger(__name__)

TALLY_LIFE = timedelta(seconds=5)  # a page that thousands look at counts its signatures once in this time
NAMES = 5  # last first names that are shown

Stamp = tuple[tuple[str, int, int], ...]  # of each language's file: name, time of change in nanoseconds, size


class ActionPages:
    """Finds pages and their counts. Safe to use from several threads; everything here may wait for a file or query."""

    def __init__(self, workspace: Workspace, database: Database) -> None:
        self._workspace = workspace
        self._database = database
        self._pages: dict[str, tuple[Stamp, PageVersions | None]] = {}
        self._tallies: dict[str, tuple[datetime, SignatureCount]] = {}
        self._lock = threading.Lock()

    def find(self, slug: str, wishes: Iterable[str] = ()) -> ActionPage | None:
        """The page in the first of these languages that it has, else the list's, else its original; None where there is
        no page. While a file has faults, as it was before they came in."""
        versions = self._versions(slug)
        return versions.best(wishes) if versions else None

    def _versions(self, slug: str) -> PageVersions | None:
        newsletter = Newsletter(self._workspace, slug)
        stamp = _stamp(newsletter) if SLUG.fullmatch(slug) else ()
        if not stamp:
            return None
        with self._lock:
            kept = self._pages.get(slug)
        if kept and kept[0] == stamp:
            return kept[1]
        found = _read(newsletter) or (kept[1] if kept else None) or _original(newsletter)
        with self._lock:
            self._pages[slug] = (stamp, found)
        return found

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


def _stamp(newsletter: Newsletter) -> Stamp:
    """Changes whenever one of the page's files does; empty where there is no page."""
    names = (ACTION_FILE, *newsletter.translations(ACTION_FILE).values())
    try:
        states = [(name, (newsletter.folder / name).stat()) for name in names]
    except OSError:
        return ()
    return tuple((name, state.st_mtime_ns, state.st_size) for name, state in states)


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
