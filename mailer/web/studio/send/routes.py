"""The addresses of the Send room: the page, its time, the order to send, and the button that stops it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.utils import parseaddr
from functools import partial

from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from mailer.counting import counted
from mailer.delivery.campaigns import orders
from mailer.delivery.campaigns.orders import Order, Overtaken
from mailer.delivery.schedule.schedule import is_ambiguous
from mailer.errors import MailerError
from mailer.review.approvals import ReviewState, review_state, steps_of
from mailer.review.planned import plan_time
from mailer.staff.actor import NotAllowed
from mailer.staff.audit import AuditEntry
from mailer.staff.rights import Right
from mailer.store.engine.database import DatabaseTrouble
from mailer.store.tables.core import campaigns
from mailer.store.tables.states import CampaignKind, CampaignState
from mailer.web.studio.compose.looks import looks_of
from mailer.web.studio.compose.panel import reader_for
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.errors import why_not
from mailer.web.studio.core.live import live
from mailer.web.studio.core.moments import clock, date, moment
from mailer.web.studio.core.pages import page, step_path, way
from mailer.web.studio.core.rooms import Access, Fact, Room, Step, StudioRoute, WaitingTask, Weight
from mailer.web.studio.newsletters.listing import ListedNewsletter, has_left, list_titles, one
from mailer.web.studio.send.examine import Examined, examinations, examine
from mailer.web.studio.send.leaving import campaign_of, chosen_time, countdown, who_can_stop
from mailer.web.studio.send.problems import nothing_runs, problems

HERE = "/newsletters/{name}/send"
LOOK_EVERY_SECONDS = 1.0
BETWEEN_DIGITS = re.compile(r"[\s.,'’_]")
STOPPED = "newsletter taken off the schedule"


def show(visit: Visit) -> Response:
    """The page: what is in the way, or the button, or the countdown. With ?whole it waits for everything to be seen."""
    slug = visit.path["name"]
    newsletter, mark = (
        one(visit, slug),
        _mark(visit, slug),
    )  # before the files are looked at: what is saved then is told
    if has_left(newsletter):
        return RedirectResponse(step_path(visit, newsletter, "following"), 303)
    examined = examinations(visit).shown(visit, slug, wait="whole" in visit.query)
    return _page(visit, newsletter, examined, mark=mark)


def keep_time(visit: Visit) -> Response:
    """Plan when it leaves: that is part of what is approved."""
    slug = visit.path["name"]
    newsletter, mark = one(visit, slug), _mark(visit, slug)
    try:
        leaves = chosen_time(visit)
    except MailerError as error:
        shown = examinations(visit).shown(visit, slug, wait=True)
        return _page(visit, newsletter, shown, mark=mark, status=422, wrong_time=_told(error))
    if not _is_ordered(newsletter):
        with visit.database.write() as connection:
            plan_time(connection, visit.who, slug, leaves, list_name=newsletter.file.list, at=visit.now)
    return RedirectResponse(f"/newsletters/{slug}/send", 303)


def send(visit: Visit) -> Response:
    """Order it: it counts down from here, or from so long before its time. Sent twice, the form orders once."""
    slug = visit.path["name"]
    newsletter, here = one(visit, slug), RedirectResponse(f"/newsletters/{slug}/send", 303)
    if _is_ordered(newsletter):
        return here
    mark, examined = _mark(visit, slug), examine(visit, slug)
    wrong = _wrong(visit, newsletter, examined) or _order(visit, examined)
    newsletter = one(visit, slug)
    if not wrong or _is_ordered(newsletter):  # by this, or by somebody else at this very moment
        return here
    return _page(visit, newsletter, examined, mark=mark, status=422, wrong=wrong, typed=visit.form.get("number"))


def stop(visit: Visit) -> Response:
    """Take it off the schedule, or stop it in its hold. Once it left, the way leads to where it is paused."""
    slug = visit.path["name"]
    try:
        orders.stop(visit.database, slug, visit.who, now=visit.now)
    except (NotAllowed, DatabaseTrouble):
        raise
    except MailerError:  # somebody else stopped it, or it left: the page says which
        pass
    return RedirectResponse(f"/newsletters/{slug}/send", 303)


def moves(visit: Visit) -> Response:
    """Events whenever something about it changes: files, approvals, a stop, its leaving."""
    return live(visit, lambda later: _mark(later, visit.path["name"]), every_seconds=LOOK_EVERY_SECONDS)


def _wrong(visit: Visit, newsletter: ListedNewsletter, examined: Examined) -> str:
    """Why the form can't be taken; "" when it can, or the problems on the page say so already."""
    if examined.content is None or examined.selection is None:
        return "It can’t leave as it is now."
    if any(one.stops for one in problems(visit, newsletter, examined, _review(visit, examined))):
        return "Something is in the way by now."
    if visit.form.get("seen") != examined.content.digest:
        return "It was changed after you opened this page. Look at it, and type the number again."
    people, typed = examined.selection.chosen, BETWEEN_DIGITS.sub("", visit.form.get("number"))
    if not typed:
        return "Type how many people get this."
    if not typed.isascii() or not typed.isdigit() or int(typed[:18]) != people:
        return f"{counted(people)} {'gets' if people == 1 else 'get'} this, not {typed[:12]}. Nothing was sent."
    return ""


def _order(visit: Visit, examined: Examined) -> str:
    """Why it was not ordered; "" when it was."""
    assert examined.plan is not None
    assert examined.content is not None
    known = visit.form.get("known")
    order = Order(
        examined.plan, examined.content, visit.who, visit.workspace.settings.studio,
        known=int(known) if known.isascii() and known.isdigit() else -1,
    )  # fmt: skip
    try:
        orders.send_after_hold(visit.database, order, now=visit.now)
    except (NotAllowed, DatabaseTrouble):
        raise
    except Overtaken:
        return "Somebody scheduled or stopped it after you opened this page. Look at it, and type the number again."
    except MailerError as error:
        return _told(error)
    return ""


def _page(
    visit: Visit, newsletter: ListedNewsletter, examined: Examined | None, *, mark: str,
    status: int = 200, wrong: str = "", wrong_time: str = "", typed: str = "",
) -> Response:  # fmt: skip
    slug, settings = newsletter.slug, visit.workspace.settings.studio
    with visit.database.read() as connection:
        row, decided = campaign_of(connection, slug), orders.last_decision(connection, slug)
    counts = countdown(row, settings, now=visit.now)
    review = _review(visit, examined)
    found = [] if counts or examined is None else problems(visit, newsletter, examined, review)
    list_name, leaves = newsletter.file.list, examined.leaves if examined else None
    return page(
        visit, "send/send.html", status=status, newsletter=newsletter, steps=way(visit, newsletter, here="send"),
        examined=examined, counts=counts, review=review, problems=found, wrong=wrong, wrong_time=wrong_time,
        typed=typed, idle=nothing_runs(visit), mark=mark, why=row.why if row else "",
        look=looks_of(visit.studio).saved(visit, slug), reader=reader_for(visit, "ada"),
        titles=list_titles(visit), known=decided.id if decided else 0, stopped=_stopped(decided),
        may_send=visit.who.may(Right.SEND, list_name), may_stop=visit.who.may(Right.PAUSE, list_name),
        may_plan=visit.who.may(Right.WRITE, list_name), why_not=why_not(visit, Right.SEND),
        stoppers=who_can_stop(visit, list_name), hold=settings.hold_for, zone=visit.zone, parse=parseaddr,
        dated=partial(date, zone=visit.zone, now=visit.now),
        twice=bool(leaves and is_ambiguous(leaves.at, leaves.zone)), pace=visit.workspace.settings.pace,
        way_to={name: step_path(visit, newsletter, name) for name in ("write", "audience", "review")},
    )  # fmt: skip


def _review(visit: Visit, examined: Examined | None) -> ReviewState | None:
    if examined is None or examined.content is None:
        return None
    with visit.database.read() as connection:
        return review_state(connection, examined.content, visit.workspace.settings.studio)


def _stopped(decided: AuditEntry | None) -> AuditEntry | None:
    return decided if decided is not None and decided.action == STOPPED else None


def _mark(visit: Visit, slug: str) -> str:
    with visit.database.read() as connection:
        row, decided = campaign_of(connection, slug), orders.last_decision(connection, slug)
        reviewed = len(steps_of(connection, slug))
    counts = countdown(row, visit.workspace.settings.studio, now=visit.now)
    state = f"{row.state if row else 'draft'}{' counts' if counts and counts.counts else ''}"
    return f"{state}|{decided.id if decided else 0}|{reviewed}|{looks_of(visit.studio).mark(visit, slug)}"


def _is_ordered(newsletter: ListedNewsletter) -> bool:
    """Whether it is on its way, or was: an order would be its second."""
    status = newsletter.status
    return status is not None and (status.state is CampaignState.SCHEDULED or status.launched_at is not None)


def _told(error: MailerError) -> str:
    words = f"{error.message[:1].upper()}{error.message[1:]}".rstrip(".")
    return f"{words}. {error.remedy}".strip()


def _fact(visit: Visit, newsletter: ListedNewsletter) -> Fact:
    """What is known without looking at everybody."""
    status = newsletter.status
    if status is not None and status.state is CampaignState.SCHEDULED and status.due_at is not None:
        return Fact(f"Leaves at {clock(status.due_at, visit.zone)}" if newsletter.state.soon
                    else moment(status.due_at, visit.zone, visit.now))  # fmt: skip
    if status is not None and status.state is CampaignState.OVERDUE:
        return Fact("Did not leave", Weight.STOPS)
    examined = examinations(visit).last(visit, newsletter.slug)
    if examined is None:
        return Fact("When it is ready")
    found = problems(visit, newsletter, examined, _review(visit, examined))
    if stops := sum(one.stops for one in found):
        return Fact(f"{counted(stops, 'thing')} first", Weight.STOPS)
    return Fact("Ready")


def wrong(visit: Visit) -> Iterable[WaitingTask]:
    """That nothing runs, while something waits for it."""
    waits = campaigns.c.state.in_([CampaignState.SCHEDULED, CampaignState.SENDING])
    waits &= campaigns.c.kind != CampaignKind.STEP
    with visit.database.read() as connection:
        slug = connection.execute(select(campaigns.c.slug).where(waits).order_by(campaigns.c.due_at).limit(1)).scalar()
    if slug is not None and (idle := nothing_runs(visit)) is not None:
        yield WaitingTask(idle.title, idle.words, HERE.format(name=slug), "Look", "server-crash")


ROOM = Room(
    routes=(
        StudioRoute(HERE, show, Access.SIGNED_IN),
        StudioRoute(HERE, send, Right.SEND, method="POST"),
        StudioRoute(f"{HERE}/time", keep_time, Right.WRITE, method="POST"),
        StudioRoute(f"{HERE}/stop", stop, Right.PAUSE, method="POST"),
        StudioRoute(f"{HERE}/moves", moves, Access.SIGNED_IN),
    ),
    steps=(Step("send", "Send", "send", order=4, fact=_fact, when=lambda one: not has_left(one) and not one.repeats),),
    wrong=wrong,
)
