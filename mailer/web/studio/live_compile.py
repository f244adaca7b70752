"""The newsletter being written: compiled again whenever one of its files changes, keeping the last good mail meanwhile.

Looking is what makes it up to date: nothing runs while nobody looks. Findings and variants, which may take longer, are
worked out in a thread of their own and arrive later.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from mailer.delivery.campaigns.plan import PlannedCampaign, prepare
from mailer.diagnostics import Diagnostic, Place
from mailer.errors import MailerError, raise_errors
from mailer.settings import read_secrets, read_settings
from mailer.store.engine.database import Database
from mailer.web.studio.file_watch import Fingerprint, fingerprint, leading_out
from mailer.web.studio.preview.findings import findings_of, remarks
from mailer.web.studio.preview.person_mail import Press
from mailer.web.studio.preview.sample_readers import Reader, first_of
from mailer.web.studio.preview.variants import Variants, variants_of
from mailer.workspace import Workspace

log = logging.getLogger(__name__)

# Findings are looked for when nothing was saved for so long: the page and the mail come first.
SETTLED_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Showing:
    """What there is to show. `press` and `prepared` are of the last version that compiled; `faults` stop the newest."""

    version: int  # counts the times the files changed
    shown: int  # the version that `press` makes; with faults an earlier one, 0 before there was any
    workspace: Workspace
    prepared: PlannedCampaign | None
    press: Press | None
    before: Press | None  # of the version that compiled before that one
    faults: tuple[Diagnostic, ...]
    read_at: datetime
    shown_at: datetime | None  # when that version was read


@dataclass(frozen=True, slots=True)
class VersionFindings:
    """What was found in a version; `complete` once everything was looked at."""

    version: int
    remarks: tuple[Diagnostic, ...] = ()
    variants: Variants | None = None
    audience: tuple[Reader, ...] = ()  # the first who would get it
    complete: bool = False


class LiveNewsletter:
    """One newsletter of a workspace. Use it from any thread; close it at the end. `database` stays the caller's."""

    def __init__(self, workspace: Workspace, database: Database, slug: str, *, clock: Callable[[], datetime]) -> None:
        workspace.newsletter(slug)  # raises for a name that doesn't exist
        self.slug = slug
        self.database = database
        self.clock = clock
        self._lock = threading.Lock()
        self._seen: Fingerprint | None = None
        self._showing = Showing(0, 0, workspace, None, None, None, (), clock(), None)
        self._noted = VersionFindings(0)
        self._find_at: float | None = None  # on the monotonic clock; None while nothing waits to be looked through
        self._behind = ThreadPoolExecutor(1, thread_name_prefix="findings")

    def close(self) -> None:
        self._behind.shutdown(cancel_futures=True)

    def look(self) -> Showing:
        """The newest version, compiled now if a file has changed since the last look."""
        with self._lock:
            seen = fingerprint(self._showing.workspace.root, self.slug)
            if seen != self._seen:
                first = self._seen is None
                self._seen = seen
                before, self._showing = self._showing, self._compiled(self._showing)
                # Many editors empty a file and then write it: what was read half-way is not worth a word.
                if self._showing.faults and (again := fingerprint(before.workspace.root, self.slug)) != seen:
                    self._seen, self._showing = again, self._compiled(before)
                self._note(self._showing)
                self._find_at = time.monotonic() + (0 if first else SETTLED_SECONDS)
            if self._find_at is not None and time.monotonic() >= self._find_at:
                self._find_at = None
                if not self._noted.complete:
                    self._behind.submit(self._find, self._showing)
            return self._showing

    @property
    def noted(self) -> VersionFindings:
        """What has been found so far in the version that was last looked at."""
        return self._noted

    def mark(self) -> str:
        """A mark that changes whenever a page made from `look` and `noted` would."""
        version, noted = self.look().version, self._noted
        return f"{version}{'c' if noted.complete and noted.version == version else 'a'}"

    def _compiled(self, before: Showing) -> Showing:
        version, workspace, now = before.version + 1, before.workspace, self.clock()
        faults: tuple[Diagnostic, ...]
        try:
            root = workspace.root
            _refuse_links(root, self.slug)
            workspace = Workspace(root, read_settings(root, os.environ), read_secrets(root, os.environ))
            prepared = prepare(workspace, self.database, self.slug)
            press = Press(prepared.plan, workspace)
        except MailerError as error:
            faults = error.diagnostics
        except Exception as error:  # noqa: BLE001 - the page must go on, and go on telling
            log.error("compiling failed: %s", type(error).__name__)
            remedy = "What you see is the last good version. See where with: MAILER_DEBUG=1 mailer check"
            faults = (Diagnostic(f"this is a fault of Mailer itself: {type(error).__name__}", remedy=remedy),)
        else:
            return Showing(version, version, workspace, prepared, press, before.press, (), now, now)
        return replace(before, version=version, workspace=workspace, faults=faults, read_at=now)

    def _note(self, showing: Showing) -> None:
        if showing.faults or showing.prepared is None:
            self._noted = replace(self._noted, version=showing.version, remarks=remarks(showing.faults), complete=True)
            return
        self._noted = replace(
            self._noted, version=showing.version, remarks=remarks(showing.prepared.warnings), complete=False
        )

    def _find(self, showing: Showing) -> None:
        """In the other thread: all findings of this version, unless there is a newer one by now."""
        if self._noted.version != showing.version or showing.prepared is None:
            return
        variants, audience = None, ()
        try:
            found = findings_of(showing.workspace, self.database, self.slug, now=self.clock())
            plan, now = showing.prepared.plan, self.clock()
            with self.database.read() as connection:
                variants = variants_of(connection, plan, now=now)
                audience = tuple(first_of(connection, plan.audience, now=now))
        except MailerError as error:
            found = remarks(error.diagnostics)
        except Exception as error:  # noqa: BLE001 - as above
            log.error("looking for findings failed: %s", type(error).__name__)
            fault = Diagnostic(
                f"the findings could not be worked out: {type(error).__name__}", remedy="Try: mailer check"
            )
            found = remarks((fault,))
        with self._lock:
            if self._noted.version == showing.version:
                self._noted = VersionFindings(showing.version, found, variants, audience, complete=True)


def _refuse_links(root: Path, slug: str) -> None:
    """What the studio shows lies in the workspace: a link would let a newsletter show any file of this machine."""
    remedy = "Copy the file here in place of the link."
    faults = [
        Diagnostic("this is a link to a place outside the workspace", Place(path.relative_to(root).as_posix()), remedy)
        for path in leading_out(root, slug)
    ]
    raise_errors(f"The newsletter {slug} has links that lead out of the workspace:", faults)
