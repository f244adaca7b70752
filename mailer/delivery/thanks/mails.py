"""The thanks.md of each page, compiled and ready to be merged: read again when any file that it is made of changes.

Nothing is frozen: as the page shows a change at once, the next mail has it. While its files have errors, the mail stays
as it was before them; a program that has not seen it without any sends none, and what waits is tried again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mailer.compose.languages import SpokenLanguages
from mailer.compose.merge import MergeProgram
from mailer.compose.message import Message
from mailer.compose.source.message_file import Source, read_source
from mailer.compose.thank_you import with_own_links
from mailer.delivery.campaigns.freeze import Plan, keep_images
from mailer.delivery.notices.sender import HEADERS
from mailer.errors import MailerError
from mailer.senders import split_sender
from mailer.store.engine.database import Database
from mailer.transports.base import Mailing
from mailer.workspace import THANKS_FILE, Newsletter, Workspace

log = logging.getLogger(__name__)

Stamp = tuple[tuple[str, int, int], ...]  # the files, when each was changed (ns), and its bytes


@dataclass(frozen=True, slots=True)
class ThanksMail:
    """A page's mail: what all of them share, and what fills it in for a person."""

    mailing: Mailing
    program: MergeProgram


@dataclass(frozen=True, slots=True)
class ThanksMailVersions:
    """A page's mail in each of its languages."""

    spoken: SpokenLanguages
    versions: Mapping[str, ThanksMail]

    def read_by(self, language: str) -> ThanksMail:
        """The one for somebody who reads this."""
        return self.versions[self.spoken.version_for(language)]


def mail_of(message: Message, *, mark: str = "") -> ThanksMail:
    """The mail of a compiled thanks.md; `mark` is what its subject begins with."""
    direct = with_own_links(message)
    name, address = split_sender(direct.from_)
    mailing = Mailing(
        key=f"thanks {direct.slug}",
        from_name=name,
        from_address=address,
        reply_to=direct.reply_to,
        subject=(mark, *direct.subject) if mark else direct.subject,
        text=direct.text,
        html=direct.html,
        headers=HEADERS,
    )
    return ThanksMail(mailing, MergeProgram(direct))


Found = ThanksMailVersions | MailerError | None  # what was found, what is wrong, or that there is none


class ThanksMails:
    """Finds the mails. `sound` gives the plan of a thanks.md, or raises with its errors. Safe to use from several
    threads; finding one may wait for files and the database."""

    def __init__(self, workspace: Workspace, database: Database, *, sound: Callable[[Source], Plan]) -> None:
        self._workspace = workspace
        self._database = database
        self._sound = sound
        self._on: dict[str, tuple[Stamp, bool]] = {}
        self._found: dict[str, tuple[Stamp, Found]] = {}
        self._lock = threading.Lock()

    def is_on(self, slug: str) -> bool:
        """Whether a page has such a mail that isn't switched off; true of one whose front matter can't be read now."""
        newsletter = Newsletter(self._workspace, slug)
        if not newsletter.has_thanks_mail:
            return False
        stamp = _stamp([newsletter.folder / THANKS_FILE])
        before, on = self._on.get(slug, ((), True))
        if stamp != before:
            with suppress(MailerError):
                on = not read_source(newsletter, THANKS_FILE).is_off
            self._on[slug] = (stamp, on)
        return on

    def find(self, slug: str) -> ThanksMailVersions | None:
        """A page's mail, None when it has none that is on. Raises `MailerError` with what is wrong with it, when
        it was never seen without that."""
        newsletter = Newsletter(self._workspace, slug)
        if not newsletter.has_thanks_mail:
            return None
        with self._lock:  # one reads, and the others have it too
            stamp = _stamp(_files(newsletter))
            before, found = self._found.get(slug, ((), None))
            if before != stamp:
                found = self._read(newsletter, found)
                self._found[slug] = (stamp, found)
        if isinstance(found, MailerError):
            raise found
        return found

    def _read(self, newsletter: Newsletter, before: Found) -> Found:
        try:
            source = read_source(newsletter, THANKS_FILE)
            if source.is_off:
                return None
            plan = self._sound(source)
            with self._database.write() as connection:
                keep_images(connection, plan.message, newsletter)
        except MailerError as error:
            slug = newsletter.slug
            log.error("%s can't be mailed: mailer check %s (%s)", newsletter.place(THANKS_FILE), slug, error.message)
            return before if isinstance(before, ThanksMailVersions) else error
        message = plan.message
        versions = {name: mail_of(message.version(name)) for name in message.versions}
        return ThanksMailVersions(message.spoken, versions)


def _stamp(files: Iterable[Path]) -> Stamp:
    found: list[tuple[str, int, int]] = []
    for path in files:
        with suppress(OSError):  # a save or git exchanges it at this moment
            state = path.stat()
            found.append((str(path), state.st_mtime_ns, state.st_size))
    return tuple(found)


def _files(newsletter: Newsletter) -> Iterator[Path]:
    """All that a newsletter's mails are made of."""
    workspace = newsletter.workspace
    for folder in (newsletter.folder, workspace.templates, workspace.lists):
        yield from sorted(path for path in folder.rglob("*") if path.is_file())
