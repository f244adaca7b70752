"""The addresses of replies: listed, read, handed to somebody, and done with.

An answer leaves from one's own mail program, since what is written there comes from a person, and the conversation goes
on where that person reads it. So the studio is told that a reply was answered; it can't know.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from mailer.delivery.replies.dealing import hand_over, settle, unsubscribe_writer
from mailer.delivery.replies.kept import KeptReply, count_waiting, find_reply, list_replies
from mailer.staff.accounts import Account, accounts
from mailer.staff.rights import Right
from mailer.store.tables.states import ReplyKind, ReplyState
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import may, page
from mailer.web.studio.core.rooms import StudioRoute
from mailer.web.studio.newsletters.shelf import names_of

HERE = "/inbox/replies"
PAGE = 50
LONGEST_QUOTE = 1_200  # characters: a mailto address of more than some 2,000 is cut by mail programs
VIEWS = ("waiting", "mine", "remove", "automatic", "all")
STATES = {"answered": ReplyState.ANSWERED, "done": ReplyState.DONE, "wait": ReplyState.NEW}


def show(visit: Visit) -> Response:
    """Replies, the newest first."""
    view = visit.query.get("view", "waiting")
    before = visit.query.get("before", "")
    if view not in VIEWS or (before and not before.isdecimal()):
        raise HTTPException(404)
    kinds = {"remove": ReplyKind.REMOVE, "automatic": ReplyKind.AUTOMATIC}
    with visit.database.read() as connection:
        found = list_replies(
            connection, visit.who, kind=kinds.get(view), waiting=view in ("waiting", "mine", "remove"),
            handed_to=(visit.who.account_id or 0) if view == "mine" else None,
            before=_number(before) if before else None, most=PAGE + 1,
        )  # fmt: skip
    older = f"{HERE}?{urlencode({'view': view, 'before': found[PAGE - 1].id})}" if len(found) > PAGE else ""
    return page(
        visit, "inbox/replies.html", called=names_of(visit), found=found[:PAGE], view=view, older=older,
        mailbox=visit.workspace.settings.replies.address,
    )  # fmt: skip


def read(visit: Visit) -> Response:
    """One of them, with what can be done."""
    one = _reply(visit)
    with visit.database.read() as connection:
        colleagues = [account for account in accounts(connection) if _may_read(account, one)]
    return page(
        visit, "inbox/reply.html", called=names_of(visit), one=one, answer=_mailto(visit, one), colleagues=colleagues,
        me_id=visit.who.account_id,
    )  # fmt: skip


def deal(visit: Visit) -> Response:
    """Answered, done, to wait again, handed to somebody, or taken off the lists as they ask."""
    one, choice = _reply(visit), visit.form.get("choice")
    if choice not in (*STATES, "remove", "hand"):
        raise HTTPException(400)
    with visit.database.write() as connection:
        if choice == "remove":
            unsubscribe_writer(connection, visit.who, one, now=visit.now)
        elif choice == "hand":
            to = visit.form.get("to")
            hand_over(connection, visit.who, one, _number(to) if to else None, now=visit.now)
        else:
            settle(connection, visit.who, one, STATES[choice], now=visit.now)
    return RedirectResponse(HERE if choice != "wait" else f"{HERE}/{one.id}", 303)


def how_many_wait(visit: Visit) -> int:
    """How many wait for the visitor, or for anybody; quick."""
    if not may(visit, Right.SEE_PEOPLE):
        return 0
    with visit.database.read() as connection:
        return count_waiting(connection, visit.who)


def _may_read(account: Account, one: KeptReply) -> bool:
    actor = account.actor("")
    return account.disabled_at is None and actor.may(Right.SEE_PEOPLE) and one.is_for(actor)


def _mailto(visit: Visit, one: KeptReply) -> str:
    """The address that opens an answer in one's own mail program (RFC 6068); "" without anybody to answer."""
    if not one.answer_to:
        return ""
    subject = one.subject if one.subject.lower().startswith("re:") else f"Re: {one.subject}"
    quoted = "\n".join(f"> {line}" for line in one.words[:LONGEST_QUOTE].splitlines())
    fields = {"subject": subject, "body": f"\n\n{quoted}\n" if quoted else ""}
    if one.message_id:
        fields["in-reply-to"] = one.message_id
    return f"mailto:{quote(one.answer_to, safe='@')}?{urlencode(fields, quote_via=quote)}"


def _reply(visit: Visit) -> KeptReply:
    with visit.database.read() as connection:
        found = find_reply(connection, visit.who, _number(visit.path["n"]))
    if found is None:
        raise HTTPException(404)
    return found


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 18:
        raise HTTPException(404)
    return int(text)


ROUTES = (
    StudioRoute(HERE, show, Right.SEE_PEOPLE),
    StudioRoute(f"{HERE}/{{n}}", read, Right.SEE_PEOPLE),
    StudioRoute(f"{HERE}/{{n}}", deal, Right.SEE_PEOPLE, method="POST"),
)
