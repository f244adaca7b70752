"""What a visitor is told when a page can't be shown: what happened, what it means, and what to press."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.responses import PlainTextResponse, RedirectResponse, Response

from mailer.counting import listed
from mailer.errors import MailerError
from mailer.staff.accounts import holders
from mailer.staff.rights import Right
from mailer.web.studio.core.access import needs_sign_in
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page

PROBLEMS = {
    400: ("That could not be read", "Your browser sent something the studio doesn’t understand. Load the page again."),
    404: ("There is nothing here", "It may have been renamed, or put away. Nothing is lost."),
    405: ("That can’t be done here", "Go back to the page it was on, and try it from there."),
    408: ("That took too long", "Nothing was changed. Look at your connection and try again."),
    413: ("That was too much", "It is larger than this page takes. Nothing was changed."),
    500: ("Something went wrong in the studio", "It is our fault, not yours. Nothing was sent. Load the page again."),
    503: ("The studio can’t do this just now", "Nothing was changed. Try again in a minute."),
}
# Who has a right, in words; the role that brings it, not everybody who has it besides.
HOLDERS = {
    Right.SEE_PEOPLE: "people who may see names", Right.EXPORT_PEOPLE: "admins", Right.IMPORT: "senders",
    Right.WRITE: "writers", Right.PROOF: "writers", Right.APPROVE: "approvers", Right.SEND: "senders",
    Right.PAUSE: "approvers and senders", Right.REPORTS: "people with an account", Right.SETTINGS: "admins",
    Right.STAFF: "admins",
}  # fmt: skip
NAMED = 4


def problem(visit: Visit, status: int, *, title: str = "", words: str = "", hint: str = "") -> Response:
    """The page of a failure. Its words are made for people: never those of an unexpected error."""
    usual = PROBLEMS.get(status, PROBLEMS[500])
    return page(
        visit, "core/problem.html", status=status, title=title or usual[0], words=words or usual[1], hint=hint,
    )  # fmt: skip


def told(visit: Visit, error: MailerError, status: int = 503) -> Response:
    """The page of an error that was meant for people."""
    message = f"{error.message[:1].upper()}{error.message[1:]}".rstrip(".") + "."
    return problem(visit, status, words=message, hint=error.remedy)


def refused(visit: Visit, right: Right) -> Response:
    """Somebody is signed in who lacks a right, or has it for other lists only."""
    words = "Ask one of them, or ask an admin to change what your account may do."
    if _has_it_elsewhere(visit, right):
        words = "You may look at it. Ask an admin to add the list to your account if you should do more."
    return problem(visit, 403, title=why_not(visit, right), words=words)


def why_not(visit: Visit, right: Right) -> str:
    """Why the visitor, who lacks a right here, lacks it: "Only senders can do this: Amina and Tom"."""
    if _has_it_elsewhere(visit, right):
        return "This belongs to a list that your account doesn’t work with"
    with visit.database.read() as connection:
        names = [one.called for one in holders(connection, right)]
    who = f": {listed(first_few(names))}" if names else ""
    return f"Only {HOLDERS[right]} can do this{who}"


def first_few(names: Sequence[str]) -> list[str]:
    """The first of many names, and how many more there are."""
    return [*names[:NAMED], *([f"{len(names) - NAMED} more"] if len(names) > NAMED else [])]


def _has_it_elsewhere(visit: Visit, right: Right) -> bool:
    return visit.whole_actor is not None and visit.whole_actor.may(right)


def stranger(visit: Visit) -> Response:
    """Nobody is signed in: to the sign-in, and from there back to where they wanted to go."""
    if not needs_sign_in(visit.studio):
        return problem(
            visit, 403, title="Open the address that the terminal printed",
            words="It begins this run of the studio, and is another one each time: nobody else on this machine has it.",
        )  # fmt: skip
    if visit.request.method not in ("GET", "HEAD") or "text/html" not in visit.request.headers.get("accept", ""):
        return PlainTextResponse("Sign in again: your session is over.\n", 401)
    wanted = visit.request.url.path
    return RedirectResponse("/sign-in" + (f"?{urlencode({'to': wanted})}" if wanted != "/" else ""), 303)
