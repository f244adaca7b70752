"""Acts on mails from the bounce mailbox: on each once, in the caller's transaction, and only with our own token.

`feedback.dsn` parses the mails; `feedback.mailbox_readers` reads them from a mailbox.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from mailer.delivery.feedback.apply import apply
from mailer.delivery.feedback.dsn import Returned, digest, read
from mailer.delivery.replies.kept import WrittenReply, keep_reply
from mailer.settings import Bounces
from mailer.store.engine.by_campaign import numbered
from mailer.store.engine.dialects import insert_for
from mailer.store.tables.core import deliveries
from mailer.store.tables.inbound import returned_mails
from mailer.store.tables.states import MailDecision, ReturnedKind
from mailer.tracking.tokens import Signer
from mailer.transports.base import ReplyClass
from mailer.transports.events import FeedbackReport, What, remedy_of
from mailer.transports.replies.classify import judge_report

SOURCE = "returned mail"
HOW = "mail"  # how the person unsubscribed
COMPLAINT = "complaint"


@dataclass(frozen=True, slots=True)
class Judged:
    """How one mail was understood. `acts`: it changed something, or would."""

    kind: ReturnedKind
    why: str
    acts: bool
    again: bool = False  # it has been read before


def judge(mail: Returned, *, now: datetime) -> tuple[Judged, FeedbackReport | None]:
    """What a mail is, and the report it makes, if any; pure."""
    if mail.kind is ReturnedKind.REPLY:
        return Judged(mail.kind, "", acts=False), None
    if mail.named is None:
        return Judged(mail.kind, mail.words or "it carries no token of ours", acts=False), None
    if mail.named.proof:
        return Judged(mail.kind, "it is about a proof", acts=False), None

    number = mail.named.id

    def report(what: What, reply_class: ReplyClass | None = None, *, detail: str = "", how: str = "") -> FeedbackReport:
        remedy = remedy_of(what, reply_class)
        return FeedbackReport(number, None, what, now, SOURCE, reply_class, detail, remedy, how)

    if mail.kind is ReturnedKind.BOUNCE:
        reply_class = _class_of(mail)
        detail = f"{mail.status} {mail.words}".strip()[:500]
        found = report(What.BOUNCED, reply_class, detail=detail)
        return Judged(mail.kind, f"{reply_class}: {detail}"[:300], acts=True), found
    if mail.kind is ReturnedKind.COMPLAINT:
        return Judged(mail.kind, "", acts=True), report(What.COMPLAINED, how=COMPLAINT)
    if mail.kind is ReturnedKind.UNSUBSCRIBE:
        return Judged(mail.kind, "", acts=True), report(What.UNSUBSCRIBED, how=HOW)
    return Judged(mail.kind, mail.words, acts=False), None


def _class_of(mail: Returned) -> ReplyClass:
    """By the tables of replies. A report's text for people counts if the quoted reply says nothing; and without a
    report the words must say that there is no such person, since full mailboxes are called permanent too."""
    found = judge_report(mail.status, mail.words)
    if not found.sure and mail.prose:
        told = judge_report("", mail.prose)
        found = told if told.sure else found
    return (
        ReplyClass.SOFT if found.reply_class is ReplyClass.HARD and mail.odd and not found.sure else found.reply_class
    )


def look(raw: bytes, *, signer: Signer, replies: str = "", now: datetime) -> Judged:
    """How a mail would be understood, for a dry run."""
    return judge(read(raw, signer, replies=replies), now=now)[0]


def take(
    connection: Connection, mails: Sequence[bytes], *, signer: Signer, soft: Bounces, replies: str = "", now: datetime
) -> list[Judged]:
    """Store these mails and act on them; one that has been read before, from any mailbox, changes nothing. `replies`:
    the mailbox for replies, if there is one."""
    judged: list[Judged] = []
    reports: list[FeedbackReport] = []
    keys: dict[int, list[str]] = {}
    for raw in mails:
        mail = read(raw, signer, replies=replies)
        result, report = judge(mail, now=now)
        key = digest(raw)
        if not _keep(connection, key, mail, result, now):
            judged.append(Judged(result.kind, "it was read before", acts=False, again=True))
            continue
        if mail.reply is not None:
            _keep_reply(connection, mail, mail.reply, key, now)
        judged.append(result)
        if report is not None:
            reports.append(report)
            keys.setdefault(report.delivery_id, []).append(key)
    for report in apply(connection, reports, soft=soft, now=now).unknown:
        strange = returned_mails.c.digest.in_(keys[report.delivery_id])
        why = "it names a mail that is not in this database"
        connection.execute(
            update(returned_mails).where(strange).values(delivery_id=None, why=why, decision=MailDecision.OPEN.value)
        )
    return judged


def _keep_reply(connection: Connection, mail: Returned, reply: WrittenReply, key: str, now: datetime) -> None:
    """Keep a reply. One to a proof, or to a mail that isn't in this database, is kept without what it answers."""
    number = mail.named.id if mail.named is not None and not mail.named.proof else None
    known = select(deliveries.c.id).where(numbered(-1 if number is None else number))
    if connection.execute(known).first() is None:
        number = None
        connection.execute(update(returned_mails).where(returned_mails.c.digest == key).values(delivery_id=None))
    keep_reply(connection, reply, delivery_id=number, digest=key, sender=mail.sender, subject=mail.subject, at=now)


def is_open(kind: ReturnedKind, *, known: bool) -> bool:
    """Whether staff must look at a mail: nobody can tell what it means, or it acts and doesn't say on which person."""
    quiet = (ReturnedKind.AUTO_REPLY, ReturnedKind.DELAY, ReturnedKind.REPLY)
    return kind is ReturnedKind.UNKNOWN or (not known and kind not in quiet)


def _keep(connection: Connection, key: str, mail: Returned, judged: Judged, now: datetime) -> bool:
    """Store a mail; False if it was stored before. Its sender and subject are stored only if staff must look at it."""
    ours = mail.named is not None and not mail.named.proof
    decision = MailDecision.OPEN if is_open(mail.kind, known=ours) else MailDecision.NONE
    row = {
        "digest": key,
        "at": now,
        "kind": mail.kind.value,
        "delivery_id": mail.named.id if ours and mail.named else None,
        "why": judged.why,
        "sender": mail.sender if decision else "",
        "subject": mail.subject if decision else "",
        "decision": decision.value,
    }
    added = insert_for(connection, returned_mails).values(row).on_conflict_do_nothing()
    return connection.execute(added.returning(returned_mails.c.digest)).first() is not None
