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
from functools import cached_property, partial
from typing import TYPE_CHECKING

from sqlalchemy import Connection as Transaction

from mailer.delivery.notices.queue import Notice, read_notice
from mailer.errors import MailerError
from mailer.review.approvals import review_path
from mailer.senders import split_sender
from mailer.staff.accounts import account_by_id
from mailer.staff.actor import cron
from mailer.staff.one_time_links import link_address, make_link
from mailer.store.engine.database import Database
from mailer.store.jobs import NOTICE, Job, claimed, finish, retry
from mailer.store.pictures import keep_picture
from mailer.store.tables.states import JobState
from mailer.tracking.tokens import Named, Purpose, Signer
from mailer.transports.base import Connection, Envelope, Fate, Mailing, Outcome, Transport, TransportUnavailable
from mailer.transports.provider import make_transport
from mailer.workspace import ListDefinition, Newsletter, Workspace

if TYPE_CHECKING:
    from mailer.compose.look.logo import MailLogo

log = logging.getLogger(__name__)

KEY = "notice"  # takes the place of a campaign's slug
# RFC 3834 §5: no out-of-office answers it. No List-*: it is no list's mail.
HEADERS = (("Auto-Submitted", "auto-generated"),)
ENDS = {Fate.ACCEPTED: JobState.DONE, Fate.REFUSED: JobState.FAILED, Fate.UNCERTAIN: JobState.UNCERTAIN}


class Courier:
    """Hands over what is due. Only `DatabaseTrouble` propagates; other failures are recorded on the notice."""

    kind = NOTICE

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
        self._open: tuple[Mailing, Connection] | None = None
        self._signer = Signer(workspace.secrets.require_signing())

    def deliver_due(self, until: Callable[[], bool] = lambda: False) -> None:
        """Hand over everything that is due, or until `until` says stop."""
        try:
            self._deliver(until)
        finally:
            self._hang_up()

    def _deliver(self, until: Callable[[], bool]) -> None:
        for job in claimed(self._database, self.kind, clock=self._clock, until=until):
            outcome, reachable = self._hand_over(job)
            state = self._record(job, outcome)
            if state is not JobState.DONE:
                # Not the reply's words: they may quote the address.
                log.warning(
                    "%s %d is %s after try %d: %s", job.kind.name, job.id, state, job.attempt, outcome and outcome.code
                )
            if not reachable:
                break  # the others would only wait for it too

    def _record(self, job: Job, outcome: Outcome | None) -> JobState:
        """Write down what became of a notice, also when its lease ran out meanwhile: what is known now is more than
        "uncertain"."""
        with self._database.write() as connection:
            state = self._ended(connection, job, outcome)
            if outcome is not None:
                self._tell(connection, job, state)
        return state

    def _ended(self, connection: Transaction, job: Job, outcome: Outcome | None) -> JobState:
        now = self._clock()
        if outcome is None:
            finish(connection, job, now=now, detail="not wanted any more", clear=True)
            return JobState.DONE
        detail = f"{outcome.code} {outcome.detail}".strip()
        # A refused sender or host is put right by staff.
        if outcome.fate is Fate.DEFERRED or outcome.refuses_us:
            asked = min(outcome.retry_after_seconds or 0.0, job.kind.give_up.total_seconds())
            return retry(connection, job, now=now, detail=detail, asked=timedelta(seconds=asked))
        finish(connection, job, ENDS[outcome.fate], now=now, detail=detail)
        return ENDS[outcome.fate]

    def _tell(self, connection: Transaction, job: Job, state: JobState) -> None:
        """Note elsewhere, in the same transaction, what became of a job."""

    def _hand_over(self, job: Job) -> tuple[Outcome | None, bool]:
        """What became of it, None when it isn't to be sent any more, and whether the transport could be reached."""
        begun = False
        try:
            found = self._mail(job)
            if found is None:
                return None, True
            mailing, envelope = found
            connection = self._connection(mailing)
            begun = True
            (outcome,) = connection.hand_over([envelope])
        except TransportUnavailable as error:
            self._hang_up()
            return Outcome(Fate.DEFERRED, detail=error.message, retry_after_seconds=error.retry_after_seconds), False
        except MailerError as error:  # nothing was handed over; staff may fix it within the days
            return Outcome(Fate.DEFERRED, detail=error.message), True
        except Exception as error:  # noqa: BLE001 - the others must go on
            self._hang_up()
            fate = Fate.UNCERTAIN if begun else Fate.DEFERRED  # a fault of ours before that may be fixed in time, too
            return Outcome(fate, detail=type(error).__name__), True
        return outcome, True

    def _connection(self, mailing: Mailing) -> Connection:
        """The connection of the mail before, if the two share a mailing; else a new one."""
        if self._open is None or self._open[0] is not mailing:
            self._hang_up()
            self._open = mailing, self._way().connect(mailing)
        return self._open[1]

    def _hang_up(self) -> None:
        if self._open is not None:
            with suppress(Exception):  # what became of its mails is known by now
                self._open[1].close()
            self._open = None

    @cached_property
    def _logo(self) -> MailLogo | None:
        """The logo on the brand's band, kept so that it is served; None where there is none that can be read."""
        from mailer.compose.colours.palette import palettes
        from mailer.compose.look.logo import logos
        from mailer.compose.source.images import Pictures, read_image

        settings, everywhere = self._workspace.settings, Newsletter(self._workspace, "")
        pictures = Pictures(everywhere)
        logo, _ = logos(settings, pictures, deep=palettes(settings.brand)[0].deep)
        with self._database.write() as connection:
            for image in pictures.images:
                read = partial(read_image, image, everywhere)
                keep_picture(connection, image.digest, image.content_type, read=read)
        return None if pictures.faults else logo

    def _way(self) -> Transport:
        if self._transport is None:
            workspace = self._workspace
            self._transport = make_transport(workspace.settings, workspace.secrets, root=workspace.root)
        return self._transport

    def _mail(self, job: Job) -> tuple[Mailing, Envelope] | None:
        """What to hand over; None when it isn't to be sent any more."""
        return self._notice(job, read_notice(job))

    def _notice(self, job: Job, notice: Notice) -> tuple[Mailing, Envelope]:
        # Here, since they bring Jinja and Babel, and most looks find nothing to hand over.
        from mailer.delivery.notices.text import put_into_words
        from mailer.locale.language import choose

        settings = self._workspace.settings
        lists = [self._about(name) for name in notice.lists]
        sender = next((one.from_ for one in lists if one.from_), settings.sender.from_)
        if not sender:
            raise MailerError("there is no sender", remedy='In mailer.toml, below [sender]: from = "Name <address>"')
        name, address = split_sender(sender)
        url = self._address_behind(notice)
        titles = [one.title for one in lists]
        language = choose(notice.language, *[one.language for one in lists])
        words = put_into_words(
            notice.kind, language, settings=settings, titles=titles, url=url, said=notice.said, logo=self._logo
        )
        mailing = Mailing(
            key=KEY,
            from_name=name,
            from_address=address,
            reply_to=next((one.reply_to for one in lists if one.reply_to), settings.sender.reply_to),
            subject=(words.subject,),
            text=(words.text,),
            html=(words.html,),
            headers=HEADERS,
        )
        return mailing, self._envelope(job, mailing)

    def _envelope(self, job: Job, mailing: Mailing) -> Envelope:
        domain = mailing.from_address.rpartition("@")[2]
        # The same for each try, so that a receiver can tell a repeat (RFC 5322 §3.6.4).
        headers = (("Date", format_datetime(self._clock())), ("Message-ID", f"<{job.key}@{domain}>"))
        return Envelope(job.id, job.attempt, job.address, "", (), headers)

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
            return f"{settings.public.url}/confirm/{self._token(notice.confirmation)}"
        return ""

    def _token(self, confirmation: int) -> str:
        return self._signer.sign(Purpose.CONFIRM, Named(confirmation))

    def _about(self, name: str) -> ListDefinition:
        try:
            return self._workspace.list_definition(name)
        except MailerError:
            return ListDefinition(name=name, title=name, list_id="", language="")
