"""Proofs from the room: to the reviewers of the standing list, each as several readers; and what was sent before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mailer.counting import counted
from mailer.delivery.sending.proofs import ProofRecipient, send_proofs, why
from mailer.errors import MailerError
from mailer.review.reviewers import Reviewer
from mailer.staff import audit
from mailer.staff.audit import AuditFilter
from mailer.transports.base import Fate
from mailer.transports.provider import make_transport
from mailer.web.studio.compose.looks import DraftLook
from mailer.web.studio.core.context import Visit
from mailer.web.studio.preview.sample_readers import Reader

SENT = "proofs sent"
MOST = 60  # mails at once: they are waited for
USUAL = ("ada", "no-name", "long-name")  # the readers that are ticked at first


@dataclass(frozen=True, slots=True)
class SentProofs:
    """When proofs went out last, in words, and whether the mail is still that one."""

    at: datetime
    by: str
    words: str
    is_current: bool


def last_proofs(connection: Connection, look: DraftLook) -> SentProofs | None:
    """The newest proofs of a newsletter; None when there were none."""
    wanted = AuditFilter(subject=audit.newsletter_subject(look.slug), actions=(SENT,))
    found = next(iter(audit.entries(connection, wanted, limit=1)), None)
    if found is None:
        return None
    is_current = look.press is not None and look.press.message.digest == found.after
    return SentProofs(found.at, found.by, found.detail, is_current)


def send(visit: Visit, look: DraftLook, *, to: Sequence[Reviewer], readers: Sequence[Reader]) -> str:
    """Mail each of them the newsletter as each of these readers would get it; returns what to say. Raises `MailerError`
    for what can't be proved, and when some were not taken: who, and why."""
    if look.press is None or look.errors:
        raise MailerError("the newsletter has something to fix, so no proof was sent", remedy="Fix it in Write first.")
    if not to:
        raise MailerError("no reviewer was chosen", remedy="Tick somebody, or add a colleague to the list.")
    if not readers:
        raise MailerError("no reader was chosen", remedy="Tick at least one reader to be mailed as.")
    if len(to) * len(readers) > MOST:
        raise MailerError(f"that would be more than {MOST} proofs", remedy="Choose fewer readers or reviewers.")
    workspace, plan = visit.workspace, look.press.plan
    transport = make_transport(workspace.settings, workspace.secrets, root=workspace.root)
    wanted = [ProofRecipient(one.address, reader.supporter, reader.person_id) for one in to for reader in readers]
    lost: dict[str, str] = {}
    mailed: dict[str, None] = {}
    try:
        for proof, outcome in send_proofs(visit.database, plan, wanted, transport=transport, now=visit.now):
            if outcome.fate is Fate.ACCEPTED:
                mailed[proof.to] = None
            else:
                lost[proof.to] = why(outcome)
    except MailerError as error:  # nobody else is reached either
        lost |= {proof.to: error.message for proof in wanted if proof.to not in mailed}
    # No name of a real person is in the log: forgetting somebody leaves nothing to erase.
    named = [reader.label if reader.person_id is None else "somebody on the list" for reader in readers]
    if mailed:
        detail = f"to {counted(len(mailed), 'reviewer')}, as {', '.join(dict.fromkeys(named))}"
        with visit.database.write() as connection:
            audit.record(
                connection, visit.who, SENT, at=visit.now, subject=audit.newsletter_subject(look.slug), detail=detail,
                after=plan.message.digest,
            )  # fmt: skip
    if lost:
        told = "; ".join(f"{address}: {reason}" for address, reason in lost.items())
        raise MailerError(f"not every proof was taken: {told}", remedy="Check the address, and the mail server.")
    number = len(wanted) * len(plan.message.arms)
    return f"{counted(number, 'proof')} went to {counted(len(mailed), 'reviewer')}. Nothing done with them counts."
