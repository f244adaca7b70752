"""Hands over the thanks that are due, as notices are handed over: beside the web server at once, and by `mailer run`.

What becomes of each is noted on the signature. Before the first byte leaves it says *uncertain*, so that whatever
happens then, nobody is thanked twice and what isn't known is said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection as Transaction
from sqlalchemy import select

from mailer.audience.consent.eligibility import unwelcome
from mailer.audience.consent.recheck import hold_consent
from mailer.audience.people.people import supporters
from mailer.compose.merge import NO_URLS
from mailer.compose.thank_you import CONFIRMATION, ON_LIST
from mailer.delivery.notices.queue import Notice, NoticeKind, queue
from mailer.delivery.notices.sender import Courier
from mailer.delivery.thanks.mails import ThanksMails
from mailer.delivery.thanks.queue import Thanks, moved, read_thanks
from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.store.jobs import THANKS, Job
from mailer.store.tables.core import people
from mailer.store.tables.inbound import signatures
from mailer.store.tables.states import JobState, ThanksState
from mailer.transports.base import Envelope, Fate, Mailing, Outcome, Transport
from mailer.workspace import Workspace

ENDS = {
    JobState.QUEUED: ThanksState.QUEUED,
    JobState.DONE: ThanksState.SENT,
    JobState.FAILED: ThanksState.FAILED,
    JobState.UNCERTAIN: ThanksState.UNCERTAIN,
}


class ThanksCourier(Courier):
    """Hands over thanks. Those whose words can't be made wait for two days, but for one that also confirms an address:
    then the notice that asks for that alone goes out."""

    kind = THANKS

    def __init__(
        self,
        workspace: Workspace,
        database: Database,
        *,
        mails: ThanksMails,
        clock: Callable[[], datetime],
        transport: Transport | None = None,
    ) -> None:
        super().__init__(workspace, database, clock=clock, transport=transport)
        self._mails = mails

    def _mail(self, job: Job) -> tuple[Mailing, Envelope] | None:
        thanks = read_thanks(job)
        page = self._page(thanks)
        if page is None:
            return None
        try:
            found = self._mails.find(page)
        except MailerError:
            if thanks.confirmation is None:
                raise
            found = None
        if found is None:
            return self._without_thanks(job, thanks)
        supporter = self._intend(job, thanks)
        if supporter is None:
            return None
        mail = found.read_by(thanks.language)
        values = mail.program.values(supporter, NO_URLS)
        return mail.mailing, replace(self._envelope(job, mail.mailing), name=supporter.get("name", ""), values=values)

    def _page(self, thanks: Thanks) -> str | None:
        """The page that was signed, while thanks for it are still to be sent."""
        waits = (signatures.c.id == thanks.signature) & (signatures.c.thanks == ThanksState.QUEUED.value)
        with self._database.read() as connection:
            return connection.execute(select(signatures.c.page).where(waits)).scalar()

    def _without_thanks(self, job: Job, thanks: Thanks) -> None:
        """The mail was switched off, or can't be made: nothing is sent but the notice that asks to confirm."""
        with self._database.write() as connection:
            dropped = moved(connection, thanks.signature, ThanksState.NONE, ThanksState.QUEUED)
            if dropped and thanks.confirmation is not None:
                kind, number = NoticeKind.CONFIRM_JOIN, thanks.confirmation
                notice = Notice(kind, job.address, thanks.language, thanks.lists, number)
                queue(connection, notice, at=self._clock())

    def _intend(self, job: Job, thanks: Thanks) -> dict[str, str] | None:
        """Note that the mail is about to leave; returns what its merge tags see, None when it must not leave."""
        with self._database.write() as connection:
            hold_consent(connection)
            theirs = (signatures.c.id == thanks.signature) & (people.c.address == job.address)
            person_id = connection.execute(
                select(people.c.id)
                .join(signatures, signatures.c.person_id == people.c.id)
                .where(theirs, ~unwelcome(people.c.address_hash))
            ).scalar()
            state = ThanksState.HELD if person_id is None else ThanksState.UNCERTAIN
            if not moved(connection, thanks.signature, state, ThanksState.QUEUED) or person_id is None:
                return None
            known = supporters(connection, [person_id])[person_id] if thanks.by_link else {}
        asked = "" if thanks.confirmation is None else self._token(thanks.confirmation)
        return {**known, CONFIRMATION: asked, ON_LIST: "1" if thanks.lists and not asked else ""}

    def _ended(self, connection: Transaction, job: Job, outcome: Outcome | None) -> JobState:
        if outcome is None:
            theirs = select(signatures.c.thanks).where(signatures.c.id == read_thanks(job).signature)
            if connection.execute(theirs).scalar() == ThanksState.UNCERTAIN.value:
                outcome = Outcome(Fate.UNCERTAIN, detail="the program that was at it died")
        return super()._ended(connection, job, outcome)

    def _tell(self, connection: Transaction, job: Job, state: JobState) -> None:
        # One whose words can't be made is put off, and given up in the end, without having been about to leave.
        before = (ThanksState.QUEUED, ThanksState.UNCERTAIN)
        moved(connection, read_thanks(job).signature, ENDS[state], *before)
