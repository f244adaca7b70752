"""The public newsletters as `mail.archive` shows them, with fallbacks where they are personal."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mailer.audience.people.people import example
from mailer.compose.languages import SpokenLanguages
from mailer.compose.merge import MergeProgram
from mailer.compose.message import Message
from mailer.compose.public_url import moved
from mailer.delivery.ledger.mailed_message import frozen_message, public_campaigns
from mailer.store.engine.database import Database

MOST_SHOWN = 200  # newsletters; years of them
NOBODY = example({})


@dataclass(frozen=True, slots=True)
class Entry:
    """One public newsletter, with fallbacks where it is personal."""

    slug: str
    sent_at: datetime
    subject: str
    preheader: str
    language: str
    direction: str
    number: int = 0  # the campaign's


class Archive:
    """What is public. What the list says of a newsletter is read once, since a frozen message never changes; a page is
    rendered each time, for readers who don't have it yet. Safe to use from several threads.

    `wishes` are languages, the most wanted first: a newsletter is shown in the first of them that it was mailed in.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._entries: dict[int, tuple[SpokenLanguages, Mapping[str, Entry]]] = {}
        self._lock = threading.Lock()

    def entries(self, wishes: Sequence[str] = ()) -> Sequence[Entry]:
        """The newest first."""
        with self._database.read() as connection:
            found = public_campaigns(connection)[:MOST_SHOWN]
            for number, sent_at in found:
                if number not in self._entries:
                    message = frozen_message(connection, number)
                    versions = {
                        version: _entry(MergeProgram(one), sent_at, number) for version, one in message.versions.items()
                    }
                    with self._lock:
                        self._entries[number] = (message.spoken, versions)
            known = [self._entries[number] for number, _ in found]
            return [versions[spoken.version_for(*wishes)] for spoken, versions in known]

    def message(self, slug: str, public_url: str) -> Message | None:
        """The message of a public newsletter as it is under `public_url`. None when it isn't there or isn't public."""
        with self._database.read() as connection:
            numbers = [number for number, _ in public_campaigns(connection, slug)]
            return moved(frozen_message(connection, numbers[0]), public_url) if numbers else None


def _entry(program: MergeProgram, sent_at: datetime, number: int) -> Entry:
    message = program.message
    subject, preheader = program.subject(NOBODY), program.preheader(NOBODY)
    return Entry(message.slug, sent_at, subject, preheader, message.language, message.direction, number)
