"""Hands notices over: at once by a thread beside the web server, and by `mailer run` what that left.

Each goes alone, through the workspace's transport. Pace and warm-up don't count them: they are few, somebody waits for
each, and providers want the answer to a request soon.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from email.utils import format_datetime

from mailer.delivery.notices.queue import Claimed, claim, record, settle, waiting
from mailer.errors import MailerError
from mailer.senders import split_sender
from mailer.store.engine.database import Database
from mailer.store.engine.dialects import BUSY_SECONDS, waiting_at_most
from mailer.store.tables.core import to_microseconds
from mailer.store.tables.states import DeliveryState
from mailer.tracking.tokens import Named, Purpose, Signer
from mailer.transports.base import Envelope, Fate, Mailing, Outcome, Transport, TransportUnavailable
from mailer.transports.provider import make_transport
from mailer.workspace import ListDefinition, Workspace

log = logging.getLogger(__name__)

KEY = "notice"  # takes the place of a campaign's slug
LOOK_SECONDS = 15.0  # between looks for what other processes queued, or what is due again


class Courier:
    """Hands over what is due. Only `DatabaseTrouble` propagates; other failures are recorded on the notice."""

    def __init__(
        self,
        workspace: Workspace,
        database: Database,
        *,
        clock: Callable[[], datetime],
        transport: Transport | None = None,
    ) -> None:
        self._workspace = workspace
        self._database = database
        self._clock = clock
        self._transport = transport
        self._signer = Signer(workspace.secrets.require_signing())

    def deliver_due(self, until: Callable[[], bool] = lambda: False) -> dict[DeliveryState, int]:
        """Everything that is due, or until `until` says stop; returns how many went how."""
        counts: dict[DeliveryState, int] = {}
        if not waiting(self._database, now=self._clock()):
            return counts  # the usual case, which shouldn't wait for a lock
        if lapsed := settle(self._database, now=self._clock()):
            counts[DeliveryState.UNCERTAIN] = lapsed
        while not until() and (claimed := claim(self._database, now=self._clock())):
            outcome, reachable = self._hand_over(claimed)
            state = record(self._database, claimed, outcome, now=self._clock())
            counts[state] = counts.get(state, 0) + 1
            if state is not DeliveryState.SENT:
                # Not the reply's words: they may quote the address.
                log.warning("notice %d is %s after try %d: %s", claimed.id, state, claimed.attempt, outcome.code)
            if not reachable:
                break  # the others would only wait for it too
        return counts

    def _hand_over(self, claimed: Claimed) -> tuple[Outcome, bool]:
        """What became of it, and whether the transport could be reached."""
        try:
            mailing, envelope = self._mail(claimed)
            connection = self._way().connect(mailing)
            try:
                (outcome,) = connection.hand_over([envelope])
            finally:
                with suppress(Exception):  # what became of the mail is known by now
                    connection.close()
        except TransportUnavailable as error:
            return Outcome(Fate.DEFERRED, detail=error.message, retry_after_seconds=error.retry_after_seconds), False
        except MailerError as error:  # nothing was handed over; staff may fix it within the days
            return Outcome(Fate.DEFERRED, detail=error.message), True
        except Exception as error:  # noqa: BLE001 - whether it left is not known then, and the others must go on
            return Outcome(Fate.UNCERTAIN, detail=type(error).__name__), True
        return outcome, True

    def _way(self) -> Transport:
        if self._transport is None:
            workspace = self._workspace
            self._transport = make_transport(workspace.settings, workspace.secrets, root=workspace.root)
        return self._transport

    def _mail(self, claimed: Claimed) -> tuple[Mailing, Envelope]:
        # Here, since they bring Jinja and Babel, and most looks find nothing to hand over.
        from mailer.delivery.notices.text import put_into_words
        from mailer.i18n import choose

        notice, settings = claimed.notice, self._workspace.settings
        lists = [self._about(name) for name in notice.lists]
        sender = next((one.from_ for one in lists if one.from_), settings.sender.from_)
        if not sender:
            raise MailerError("there is no sender", remedy='In mailer.toml, below [sender]: from = "Name <address>"')
        name, address = split_sender(sender)
        url = ""
        if notice.confirmation is not None:
            url = f"{settings.public.url}/confirm/{self._signer.sign(Purpose.CONFIRM, Named(notice.confirmation))}"
        titles = [one.title for one in lists]
        language = choose(notice.language, *[one.language for one in lists])
        words = put_into_words(notice.kind, language, settings=settings, titles=titles, url=url)
        mailing = Mailing(
            key=KEY,
            from_name=name,
            from_address=address,
            reply_to=next((one.reply_to for one in lists if one.reply_to), settings.sender.reply_to),
            subject=(words.subject,),
            text=(words.text,),
            html=(words.html,),
            # RFC 3834 §5: no out-of-office answers it. No List-*: it is no list's mail.
            headers=(("Auto-Submitted", "auto-generated"),),
        )
        domain = address.rpartition("@")[2]
        # The same for each try, so that a receiver can tell a repeat (RFC 5322 §3.6.4). The time keeps it apart from
        # those of a database that was put back and numbers its notices again.
        unique = f"n{claimed.id}.{to_microseconds(claimed.created_at):x}@{domain}"
        headers = (("Date", format_datetime(self._clock())), ("Message-ID", f"<{unique}>"))
        return mailing, Envelope(claimed.id, claimed.attempt, notice.address, "", (), headers)

    def _about(self, name: str) -> ListDefinition:
        try:
            return self._workspace.list_definition(name)
        except MailerError:
            return ListDefinition(name=name, title=name, list_id="", language="")


class CourierThread:
    """Runs a courier in a thread beside a server: at once when called, else every few seconds."""

    def __init__(
        self, courier: Courier, *, look_seconds: float = LOOK_SECONDS, lock_seconds: float = BUSY_SECONDS
    ) -> None:
        self._courier = courier
        self._look = look_seconds
        self._lock = lock_seconds  # how long it waits for another program's
        self._called = threading.Event()
        self._ending = False
        self._thread = threading.Thread(target=self._work, name="courier", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def call(self) -> None:
        """Wake the thread: a notice was committed."""
        self._called.set()

    def stop(self, at_most_seconds: float | None = None) -> None:
        """End after the notice that is on its way. Blocks. One that is still on its way after `at_most_seconds` is left
        to its lease, which makes it uncertain."""
        self._ending = True
        self._called.set()
        self._thread.join(at_most_seconds)

    def _work(self) -> None:
        while not self._ending:
            self._called.clear()
            try:
                with waiting_at_most(self._lock):
                    self._courier.deliver_due(lambda: self._ending)
            except Exception as error:  # noqa: BLE001 - the thread must live on, whatever the database says
                words = error.message if isinstance(error, MailerError) else type(error).__name__
                log.error("notices can't be handed over now: %s", words)
            if not self._ending:
                self._called.wait(self._look)
