"""What staff do with a reply: hand it to a colleague, say that it is answered or done, or take its writer off lists.

"Please remove me" is offered as one press, and never done by itself: words are easily misread.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from mailer.audience.consent.changes import leave
from mailer.delivery.ledger.mailed_message import NotKept
from mailer.delivery.replies.kept import KeptReply
from mailer.delivery.subscriptions.reported import leave_by_report
from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.accounts import account_by_id
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.store.tables.core import subscriptions
from mailer.store.tables.inbound import replies
from mailer.store.tables.states import Membership, ReplyState

HOW = "mail"  # how they left, for the proof
WORDS = {
    ReplyState.NEW: "reply put back",
    ReplyState.ANSWERED: "reply answered",
    ReplyState.DONE: "reply seen to",
}
REMOVED, HANDED, HANDED_BACK = "unsubscribed as their reply asks", "reply handed over", "reply handed back"


def settle(connection: Connection, actor: Actor, reply: KeptReply, state: ReplyState, *, now: datetime) -> None:
    """Say that a reply is answered, done, or waits again. Raises `NotAllowed`."""
    actor.require(Right.SEE_PEOPLE)
    changed = connection.execute(
        update(replies)
        .where(replies.c.id == reply.id, replies.c.state != state.value)
        .values(state=state.value, changed_at=now)
    )
    if changed.rowcount:
        _log(connection, actor, WORDS[state], reply, now=now)


def hand_over(connection: Connection, actor: Actor, reply: KeptReply, account_id: int | None, *, now: datetime) -> None:
    """Hand a reply to a colleague who may read it, or to nobody. Raises `MailerError`, `NotAllowed`."""
    actor.require(Right.SEE_PEOPLE)
    words, detail = HANDED_BACK, ""
    if account_id is not None:
        account = account_by_id(connection, account_id)
        theirs = account.actor("")
        if account.disabled_at or not theirs.may(Right.SEE_PEOPLE) or not reply.is_for(theirs):
            raise MailerError(
                f"{account.called} may not read this reply",
                remedy="Choose a colleague who may see people, and works on this list.",
            )
        words, detail = HANDED, f"to {account.called}"
    mine = replies.c.id == reply.id
    connection.execute(update(replies).where(mine).values(handed_to=account_id, changed_at=now))
    _log(connection, actor, words, reply, now=now, detail=detail)


def unsubscribe_writer(connection: Connection, actor: Actor, reply: KeptReply, *, now: datetime) -> None:
    """Take the writer off the newsletter's lists, as they ask; where no token says who they are, the person with the
    sender's address off all lists. The reply is done with that. Raises `MailerError`, `NotAllowed`."""
    actor.require(Right.SEE_PEOPLE)
    if reply.person_id is None:
        raise MailerError(
            "nobody with this address is known",
            remedy="They may get your mail under another one: ask them, or look in People.",
        )
    if reply.delivery_id is not None:
        try:
            leave_by_report(
                connection, person_id=reply.person_id, delivery_id=reply.delivery_id, every_list=False, how=HOW, at=now
            )
        except NotKept as error:
            raise MailerError(error.message, remedy="Unsubscribe them in People.") from error
    else:
        theirs = select(subscriptions.c.list_id).where(
            subscriptions.c.person_id == reply.person_id, subscriptions.c.status != Membership.UNSUBSCRIBED
        )
        ids = connection.execute(theirs).scalars().all()
        leave(connection, person_id=reply.person_id, list_ids=ids, how=HOW, source="a reply", at=now)
    _log(connection, actor, REMOVED, reply, now=now)
    settle(connection, actor, reply, ReplyState.DONE, now=now)


def _log(
    connection: Connection, actor: Actor, words: str, reply: KeptReply, *, now: datetime, detail: str = ""
) -> None:
    subject = audit.newsletter_subject(reply.slug) if reply.slug else "replies"
    about = f"reply {reply.id}"
    audit.record(connection, actor, words, at=now, subject=subject, detail=f"{about}, {detail}" if detail else about)
