"""What a link in a mail leads back to: the frozen message, ready to be merged; the last few are kept in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import Connection

from mailer.audience.people.people import example, supporters
from mailer.compose.data.tables import Cells, no_cells
from mailer.compose.merge import MergeProgram
from mailer.compose.message import ORIGINAL, Link, Message
from mailer.compose.public_url import moved
from mailer.delivery.ledger.mailed_message import (
    NotKept,
    frozen_message,
    proof_message,
    recipient_of,
    version_of,
)
from mailer.delivery.sending.envelopes import EnvelopeBuilder
from mailer.errors import MailerError
from mailer.settings import Settings
from mailer.store.engine.by_campaign import campaign_of
from mailer.store.engine.database import Database
from mailer.tracking.tokens import Named, Signer
from mailer.web.public.core.redirect_url import location

MOST_KEPT = 32  # messages; about 1 MB each


@dataclass(frozen=True, slots=True)
class SentMessage:
    """One campaign's or proof's message. `proof_person` is the person a proof was merged as.

    A link's number is that of one version alone, so a click needs no look at which one somebody got.
    """

    builders: Mapping[str, EnvelopeBuilder]  # by version
    links: Mapping[int, Link]  # of all versions
    programs: Mapping[int, MergeProgram]  # by the number of the link that each knows
    fixed: Mapping[int, bytes]  # where the links lead that lead everybody to the same place, as a header has it
    proof_person: int | None = None

    @property
    def message(self) -> Message:
        """The original."""
        return self.builders[ORIGINAL].message

    def destination(self, link: Link, supporter: Mapping[str, object]) -> str:
        """Where the link leads this person; http or https only."""
        return self.programs[link.n].destination(link, supporter)

    def html(self, named: Named, supporter: Mapping[str, object], version: str = ORIGINAL) -> str:
        """The HTML of the mail as this person got it in their version, with the addresses that it has."""
        builder = self.builders.get(version) or self.builders[ORIGINAL]
        return builder.program.html(supporter, builder.urls(named))


class Letters:
    """Finds sent messages; keeps the last few. Safe to use from several threads."""

    def __init__(self, database: Database, *, settings: Settings, signer: Signer, cells: Cells = no_cells) -> None:
        self._database = database
        self._settings = settings
        self._signer = signer
        self._cells = cells
        self._kept: OrderedDict[tuple[int, bool], SentMessage] = OrderedDict()
        self._lock = threading.Lock()

    def kept(self, named: Named) -> SentMessage | None:
        """The message if it is in memory; never blocks for long."""
        key = _key(named)
        with self._lock:
            letter = self._kept.get(key)
            if letter:
                self._kept.move_to_end(key)
            return letter

    def find(self, named: Named) -> SentMessage:
        """The message that `named` stands for, from memory or the database. Raises `NotKept`."""
        letter = self.kept(named)
        if letter:
            return letter
        letter = self._read(named)
        with self._lock:
            self._kept[_key(named)] = letter
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return letter

    def supporter(self, named: Named, letter: SentMessage) -> Mapping[str, object]:
        """What merge tags see of the person; nothing but fallbacks once they were forgotten or are not kept."""
        with self._database.read() as connection:
            return _supporter(connection, letter.proof_person if named.proof else _recipient(connection, named.id))

    def version(self, named: Named, letter: SentMessage) -> str:
        """Which version of the message this mail is."""
        if named.proof or len(letter.builders) == 1:
            return ORIGINAL
        with self._database.read() as connection:
            return version_of(connection, named.id)

    def _read(self, named: Named) -> SentMessage:
        person = None
        with self._database.read() as connection:
            if named.proof:
                message, person = proof_message(connection, named.id)
            else:
                message = frozen_message(connection, campaign_of(named.id))
        message = moved(message, self._settings.public.url)
        builders = {
            version: EnvelopeBuilder(
                one, settings=self._settings, signer=self._signer, proof=named.proof, cells=self._cells
            )
            for version, one in message.versions.items()
        }
        programs = {link.n: one.program for one in builders.values() for link in one.message.links}
        links = {link.n: link for link in message.every_link}
        return SentMessage(builders, links, programs, _fixed(programs, links), person)


def _fixed(programs: Mapping[int, MergeProgram], links: Mapping[int, Link]) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for link in links.values():
        if all(isinstance(part, str) for part in link.destination):
            with suppress(MailerError):  # that it leads nowhere is said when it is followed
                found[link.n] = location(programs[link.n].destination(link, {})).encode("ascii")
    return found


def _key(named: Named) -> tuple[int, bool]:
    return (named.id, True) if named.proof else (campaign_of(named.id), False)


def _recipient(connection: Connection, delivery_id: int) -> int | None:
    try:
        return recipient_of(connection, delivery_id)
    except NotKept:  # an older copy of the database; the link was ours, so it leads on
        return None


def _supporter(connection: Connection, person_id: int | None) -> Mapping[str, object]:
    known = supporters(connection, [person_id]) if person_id is not None else {}
    return known.get(person_id or 0) or example({})
