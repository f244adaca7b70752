"""The addresses of bounces and complaints, and of mails that came back and wait for a decision."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from mailer.delivery.feedback.unclear_mails import CHOICES, UnclearMail, count_unclear, decide_mails, unclear_mails
from mailer.reports.came_back import COMPLAINED, latest
from mailer.staff.rights import Right
from mailer.store.tables.states import MailDecision
from mailer.transports.base import ReplyClass
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import may, page
from mailer.web.studio.core.rooms import StudioRoute
from mailer.web.studio.inbox.kept import returned_counts
from mailer.web.studio.newsletters.shelf import names_of

MOST_SHOWN = 100
# Each class: its name in addresses, what it is called, and what follows for people.
CLASSES = (
    (ReplyClass.HARD.value, "No such address", "Nobody lives there. We don’t write to them again"),
    (ReplyClass.SOFT.value, "Full or away", "Once several newsletters found it so, we stop"),
    (
        ReplyClass.POLICY.value,
        "Turned away",
        "Their server didn’t like the mail or its sender. They stay on their lists",
    ),
    (ReplyClass.OURS.value, "Our own fault", "Our sender or login was refused. They stay on their lists"),
    ("", "Not said why", "The mailbox’s server gave no reason"),
)


def bounces(visit: Visit) -> Response:
    """How many came back, by class and provider; who, for those who may see names."""
    wanted = visit.query.get("class", "")
    names = {name for name, _, _ in CLASSES}
    if wanted not in names:
        raise HTTPException(404)
    chosen = wanted if "class" in visit.query else None
    return page(
        visit, "inbox/bounces.html", called=names_of(visit), found=returned_counts(visit), classes=CLASSES,
        chosen=chosen, people=_people(visit, chosen), most=MOST_SHOWN,
    )  # fmt: skip


def complaints(visit: Visit) -> Response:
    """How many reported a mail as spam, by provider; who, for those who may see names."""
    return page(
        visit, "inbox/complaints.html", called=names_of(visit), found=returned_counts(visit), of=COMPLAINED,
        people=_people(visit, COMPLAINED), most=MOST_SHOWN,
    )  # fmt: skip


def _people(visit: Visit, chosen: str | None) -> object:
    if chosen is None or not may(visit, Right.SEE_PEOPLE):
        return []
    with visit.database.read() as connection:
        return latest(connection, chosen, now=visit.now, most=MOST_SHOWN)


def unclear(visit: Visit) -> list[UnclearMail]:
    """The mails that the visitor may decide about."""
    if not (may(visit, Right.PAUSE) and may(visit, Right.SEE_PEOPLE)):
        return []
    with visit.database.read() as connection:
        if visit.who.lists is None:
            return unclear_mails(connection, most=MOST_SHOWN)
        return [one for one in unclear_mails(connection) if one.is_for(visit.who)][:MOST_SHOWN]


def how_many_unclear(visit: Visit) -> int:
    """How many there are for the visitor; quick."""
    if visit.actor is not None and visit.actor.lists is not None:
        return len(unclear(visit))
    if not (may(visit, Right.PAUSE) and may(visit, Right.SEE_PEOPLE)):
        return 0
    with visit.database.read() as connection:
        return count_unclear(connection)


def decide(visit: Visit) -> Response:
    """What a mail means, or many: those whose boxes came with the form."""
    choice, digests = visit.form.get("choice"), visit.form.all("mail")
    if choice not in CHOICES or not digests:
        raise HTTPException(400)
    soft = visit.workspace.settings.bounces
    with visit.database.write() as connection:
        decide_mails(connection, visit.who, digests, MailDecision(choice), soft=soft, now=visit.now)
    return RedirectResponse("/inbox", 303)


ROUTES = (
    StudioRoute("/inbox/bounces", bounces, Right.REPORTS),
    StudioRoute("/inbox/complaints", complaints, Right.REPORTS),
    StudioRoute("/inbox/unclear", decide, Right.SEE_PEOPLE, method="POST"),
)
