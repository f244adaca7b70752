"""Asking for approval: the step of the review, and a mail to everybody who may give it.

The mail leads to the review, where people sign in and look. Its link approves nothing (decision 43).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from mailer.delivery.notices.queue import Notice, NoticeKind, queue
from mailer.editing.files import one_at_a_time
from mailer.editing.folders import name_of
from mailer.review.approvals import ask, counting_of, may_approve
from mailer.review.content import NewsletterContent
from mailer.settings import Settings
from mailer.staff.accounts import account_by_id, holders
from mailer.staff.actor import Actor, cron
from mailer.staff.rights import Right


def ask_for_approval(
    connection: Connection,
    actor: Actor,
    content: NewsletterContent,
    *,
    settings: Settings,
    name: str = "",
    at: datetime,
) -> Sequence[str]:
    """Ask for approval of a newsletter exactly as it is. `name` is what staff call it.

    Returns those who are mailed: everybody else who may approve it and hasn't. Nobody, where it was asked for as it is
    already, or where [studio] url doesn't say how colleagues reach the studio.
    """
    one_at_a_time(connection)  # so that pressing twice asks once
    if not ask(connection, actor, content, at=at) or not settings.studio.url:
        return ()
    gave = {one.person for one in counting_of(connection, content.slug, content.digest, settings.studio)}
    by = "Mailer" if actor.via == cron().via else actor.name.removeprefix("terminal: ")
    if actor.account_id is not None:
        by = account_by_id(connection, actor.account_id).called
    mailed: list[str] = []
    for account in holders(connection, Right.APPROVE, content.list_name):
        who = account.actor("mail")
        if who.person not in {*gave, actor.person} and may_approve(
            connection, who, content.slug, list_name=content.list_name, settings=settings.studio
        ):
            said = {"by": by, "newsletter": name or name_of(content.slug)}
            notice = Notice(NoticeKind.STAFF_ASKED, account.address, review=content.slug, said=said)
            queue(connection, notice, at=at)
            mailed.append(account.called)
    return mailed
