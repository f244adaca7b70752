"""Mails that came back and that the program can't be sure of: listed for staff, who say what follows from each.

A decision is made once, and does what the same report of a mail server would have done.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from mailer.delivery.feedback.apply import apply
from mailer.errors import MailerError
from mailer.settings import Bounces
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.store.engine.by_campaign import about
from mailer.store.tables.core import campaigns, deliveries, people
from mailer.store.tables.inbound import OPEN_MAIL, returned_mails
from mailer.store.tables.states import MailDecision
from mailer.transports.base import ReplyClass
from mailer.transports.events import FeedbackReport, What, remedy_of

SOURCE = "staff, by a returned mail"
DECIDED = "returned mail decided"
MEANS = {MailDecision.GONE: ReplyClass.HARD, MailDecision.AWAY: ReplyClass.SOFT}
WORDS = {
    MailDecision.GONE: "nobody lives there",
    MailDecision.AWAY: "full or away",
    MailDecision.NOTHING: "nothing follows",
}
CHOICES = tuple(one.value for one in WORDS)


@dataclass(frozen=True, slots=True)
class UnclearMail:
    """A mail to decide about. `delivery_id` is None when it doesn't say which mail of ours it is about; `address` is
    that of the person, None without one or once they were forgotten."""

    digest: str
    at: datetime
    kind: str
    why: str
    sender: str
    subject: str
    delivery_id: int | None = None
    slug: str = ""
    lists: tuple[str, ...] = ()
    address: str | None = None

    def is_for(self, actor: Actor) -> bool:
        """Whether it is theirs to decide about: somebody who is limited to lists sees those of their newsletters."""
        return actor.may_work_on(self.lists)


def unclear_mails(connection: Connection, *, most: int | None = None) -> list[UnclearMail]:
    """Those that nobody has decided about, the newest first."""
    query = (
        select(
            *(returned_mails.c[name] for name in ("digest", "at", "kind", "why", "sender", "subject", "delivery_id")),
            campaigns.c.slug, campaigns.c.audience, people.c.address,
        )
        .select_from(
            returned_mails.outerjoin(deliveries, about(returned_mails))
            .outerjoin(campaigns, campaigns.c.id == deliveries.c.campaign_id)
            .outerjoin(people, people.c.id == deliveries.c.person_id)
        )
        .where(OPEN_MAIL)
        .order_by(returned_mails.c.at.desc(), returned_mails.c.digest)
        .limit(most)
    )  # fmt: skip
    return [
        UnclearMail(
            row.digest,
            row.at,
            row.kind,
            row.why,
            row.sender,
            row.subject,
            row.delivery_id,
            row.slug or "",
            _lists(row.audience),
            row.address,
        )
        for row in connection.execute(query)
    ]


def _lists(audience: Mapping[str, Sequence[str]] | None) -> tuple[str, ...]:
    return tuple(audience["include"]) if audience and "include" in audience else ()


def count_unclear(connection: Connection) -> int:
    """How many there are; quick."""
    return connection.execute(select(func.count()).select_from(returned_mails).where(OPEN_MAIL)).scalar_one()


def decide_mails(
    connection: Connection,
    actor: Actor,
    digests: Collection[str],
    decision: MailDecision,
    *,
    soft: Bounces,
    now: datetime,
) -> int:
    """Say what these mails mean; returns how many were still open. Their beginnings will do for digests. What nobody
    can be named by takes `MailDecision.NOTHING` alone. Raises `MailerError`, `NotAllowed`."""
    actor.require(Right.PAUSE)
    chosen = [one for one in unclear_mails(connection) if one.is_for(actor) and _is_named(one, digests)]
    reply_class = MEANS.get(decision)
    if reply_class is not None and any(one.delivery_id is None for one in chosen):
        raise MailerError(
            "it doesn’t say which mail it is about, so it can’t stop anybody’s mail",
            remedy="If you know the person, unsubscribe them. Then say that nothing follows from this mail.",
        )
    claimed = [one for one in chosen if _claim(connection, one, decision)]
    if reply_class is not None:
        apply(connection, _reports(claimed, reply_class, now), soft=soft, now=now)
    for one in claimed:
        subject = audit.newsletter_subject(one.slug) if one.slug else "returned mail"
        audit.record(connection, actor, DECIDED, at=now, subject=subject, detail=WORDS[decision])
    return len(claimed)


def _is_named(one: UnclearMail, digests: Collection[str]) -> bool:
    return any(len(digest) >= 8 and one.digest.startswith(digest) for digest in digests)


def _claim(connection: Connection, one: UnclearMail, decision: MailDecision) -> bool:
    """Close it, unless somebody else did meanwhile. Who wrote it is kept no longer."""
    mine = (returned_mails.c.digest == one.digest, returned_mails.c.decision == MailDecision.OPEN.value)
    values = {"decision": decision.value, "sender": "", "subject": ""}
    return connection.execute(update(returned_mails).where(*mine).values(values)).rowcount == 1


def _reports(mails: Sequence[UnclearMail], reply_class: ReplyClass, now: datetime) -> list[FeedbackReport]:
    what = What.BOUNCED
    return [
        FeedbackReport(
            one.delivery_id, None, what, now, SOURCE, reply_class, one.why[:300], remedy_of(what, reply_class)
        )
        for one in mails
        if one.delivery_id is not None
    ]
