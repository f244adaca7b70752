"""Hands notices over: at once by a thread beside the web server, and by `mailer run` what that left.

Each goes alone, through the workspace's transport. Pace and warm-up don't count them: they are few, somebody waits for
each, and providers want the answer to a request soon.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import format_datetime

from mailer.delivery.notices.queue import Notice, read_notice
from mailer.errors import MailerError
from mailer.review.approvals import review_path
from mailer.senders import split_sender
from mailer.staff.accounts import account_by_id
from mailer.staff.actor import cron
from mailer.staff.one_time_links import link_address, make_link
from mailer.store.engine.database import Database
from mailer.store.jobs import NOTICE, Job, claimed, finish, retry
from mailer.store.tables.states import JobState
from mailer.tracking.tokens import Named, Purpose, Signer
from mailer.transports.base import Envelope, Fate, Mailing, Outcome, Transport, TransportUnavailable
from mailer.transports.provider import make_transport
from mailer.workspace import ListDefinition, Workspace

log = logging.getLogger(__name__)

KEY = "notice"  # takes the place of a campaign's slug
ENDS = {Fate.ACCEPTED: JobState.DONE, Fate.REFUSED: JobState.FAILED, Fate.UNCERTAIN: JobState.UNCERTAIN}


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

    def deliver_due(self, until: Callable[[], bool] = lambda: False) -> None:
        """Hand over everything that is due, or until `until` says stop."""
        for job in claimed(self._database, NOTICE, clock=self._clock, until=until):
            outcome, reachable = self._hand_over(job)
            state = self._record(job, outcome)
            if state is not JobState.DONE:
                # Not the reply's words: they may quote the address.
                log.warning("notice %d is %s after try %d: %s", job.id, state, job.attempt, outcome.code)
            if not reachable:
                break  # the others would only wait for it too

    def _record(self, job: Job, outcome: Outcome) -> JobState:
        """Write down what became of a notice, also when its lease ran out meanwhile: what is known now is more than
        "uncertain"."""
        now, detail = self._clock(), f"{outcome.code} {outcome.detail}".strip()
        with self._database.write() as connection:
            # A refused sender or host is put right by staff.
            if outcome.fate is Fate.DEFERRED or outcome.refuses_us:
                asked = min(outcome.retry_after_seconds or 0.0, NOTICE.give_up.total_seconds())
                return retry(connection, job, now=now, detail=detail, asked=timedelta(seconds=asked))
            finish(connection, job, ENDS[outcome.fate], now=now, detail=detail)
        return ENDS[outcome.fate]

    def _hand_over(self, job: Job) -> tuple[Outcome, bool]:
        """What became of it, and whether the transport could be reached."""
        begun = False
        try:
            mailing, envelope = self._mail(job)
            connection = self._way().connect(mailing)
            begun = True
            try:
                (outcome,) = connection.hand_over([envelope])
            finally:
                with suppress(Exception):  # what became of the mail is known by now
                    connection.close()
        except TransportUnavailable as error:
            return Outcome(Fate.DEFERRED, detail=error.message, retry_after_seconds=error.retry_after_seconds), False
        except MailerError as error:  # nothing was handed over; staff may fix it within the days
            return Outcome(Fate.DEFERRED, detail=error.message), True
        except Exception as error:  # noqa: BLE001 - the others must go on
            fate = Fate.UNCERTAIN if begun else Fate.DEFERRED  # a fault of ours before that may be fixed in time, too
            return Outcome(fate, detail=type(error).__name__), True
        return outcome, True

    def _way(self) -> Transport:
        if self._transport is None:
            workspace = self._workspace
            self._transport = make_transport(workspace.settings, workspace.secrets, root=workspace.root)
        return self._transport

    def _mail(self, job: Job) -> tuple[Mailing, Envelope]:
        # Here, since they bring Jinja and Babel, and most looks find nothing to hand over.
        from mailer.delivery.notices.text import put_into_words
        from mailer.locale.language import choose

        notice, settings = read_notice(job), self._workspace.settings
        lists = [self._about(name) for name in notice.lists]
        sender = next((one.from_ for one in lists if one.from_), settings.sender.from_)
        if not sender:
            raise MailerError("there is no sender", remedy='In mailer.toml, below [sender]: from = "Name <address>"')
        name, address = split_sender(sender)
        url = self._address_behind(notice)
        titles = [one.title for one in lists]
        language = choose(notice.language, *[one.language for one in lists])
        words = put_into_words(notice.kind, language, settings=settings, titles=titles, url=url, said=notice.said)
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
        # The same for each try, so that a receiver can tell a repeat (RFC 5322 §3.6.4).
        headers = (("Date", format_datetime(self._clock())), ("Message-ID", f"<{job.key}@{domain}>"))
        return mailing, Envelope(job.id, job.attempt, notice.address, "", (), headers)

    def _address_behind(self, notice: Notice) -> str:
        """Where its button leads."""
        settings = self._workspace.settings
        if notice.account is not None:
            with self._database.write() as connection:
                token = make_link(connection, cron(), account_by_id(connection, notice.account), at=self._clock())
            return link_address(settings, token)
        if notice.review:
            return f"{settings.studio.url}{review_path(notice.review)}"
        if notice.confirmation is not None:
            return f"{settings.public.url}/confirm/{self._signer.sign(Purpose.CONFIRM, Named(notice.confirmation))}"
        return ""

    def _about(self, name: str) -> ListDefinition:
        try:
            return self._workspace.list_definition(name)
        except MailerError:
            return ListDefinition(name=name, title=name, list_id="", language="")
