"""The addresses of Following: the page and its events, pause, resume and stop, and what becomes of uncertain people."""

from __future__ import annotations

from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from mailer.delivery.campaigns import orders
from mailer.delivery.campaigns.held import HeldChoice
from mailer.delivery.campaigns.lifecycle import finish_if_done
from mailer.delivery.campaigns.pace import pace_of
from mailer.delivery.campaigns.status import CampaignStatus, people_apart
from mailer.delivery.experiments.cohorts import cohorts_of
from mailer.delivery.ledger.guard_state import guard_counts_of
from mailer.reports.after_sending import Course, course
from mailer.staff.rights import Right
from mailer.store.tables.states import CampaignState, DeliveryState
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.live import live
from mailer.web.studio.core.opening import own_path
from mailer.web.studio.core.pages import page, step_path, way
from mailer.web.studio.core.rooms import Fact, Room, Step, StudioRoute, Weight
from mailer.web.studio.following.told import answers, headline, hindrance, last_of, rails
from mailer.web.studio.history.words import latest, sent_by
from mailer.web.studio.newsletters.kept_counts import counts_of
from mailer.web.studio.newsletters.listing import ListedNewsletter, has_left, one
from mailer.web.studio.results.charts import bars_of
from mailer.web.studio.testing.told import shown_test

LOOK_EVERY_SECONDS = 0.5
LINES = 8  # of what happened so far
MOST_NAMED = 500
KINDS = {  # people apart, as addresses name them
    "uncertain": (DeliveryState.UNCERTAIN, "People who may or may not have got it"),
    "failed": (DeliveryState.FAILED, "People whose mailbox turned it away"),
    "held": (DeliveryState.HELD, "People whose hour was past before it was their turn"),
    "skipped": (DeliveryState.SKIPPED, "People who were not written to any more"),
}


def show(visit: Visit) -> Response:
    """How it is doing."""
    newsletter, status = _followed(visit)
    if not has_left(newsletter):
        return RedirectResponse(step_path(visit, newsletter, "send"), 303)
    number = status.campaign_id or 0
    pace = pace_of(status, now=visit.now)
    with visit.database.read() as connection:
        found = answers(connection, status, now=visit.now)
        seen = guard_counts_of(connection, number)
        so_far, begun_by = latest(connection, newsletter.slug, limit=LINES), sent_by(connection, newsletter.slug)
        until = last_of(connection, number, DeliveryState.UNCERTAIN)
        held_until = last_of(connection, number, DeliveryState.HELD)
        groups = cohorts_of(connection, number)
        signing = (
            course(connection, number, status.launched_at, with_clicks=False) if newsletter.is_moving else Course()
        )
    return page(
        visit, "following/following.html", newsletter=newsletter, campaign=status, pace=pace,
        steps=way(visit, newsletter, here="following"), mark=_mark(visit, newsletter, status),
        test=shown_test(visit, status), groups=groups, may_decide=visit.who.may(Right.SEND, newsletter.file.list),
        head=headline(visit, status, pace, hindered=hindrance(visit, status)), answers=found,
        so_far=so_far, until=until.isoformat() if until else "",
        held_until=held_until.isoformat() if held_until else "",
        rails=rails(visit.workspace.settings.guard, seen) if newsletter.is_moving else [],
        bars=bars_of(signing, of="signatures", zone=visit.zone), signing=signing,
        begun_by=begun_by, address=f"/newsletters/{newsletter.slug}/following",
    )  # fmt: skip


def moves(visit: Visit) -> Response:
    """Events whenever something moved."""
    _followed(visit)
    return live(visit, lambda later: _mark(later, *_followed(later)), every_seconds=LOOK_EVERY_SECONDS)


def pause(visit: Visit) -> Response:
    """Nobody more is handed over; who is on the line still gets it."""
    _, status = _followed(visit)
    orders.pause(visit.database, status.slug, visit.who, why="paused by staff", now=visit.now)
    finish_if_done(visit.database, status.campaign_id or 0, now=visit.now)
    return _back(visit)


def resume(visit: Visit) -> Response:
    """Go on."""
    _, status = _followed(visit)
    if not finish_if_done(visit.database, status.campaign_id or 0, now=visit.now):
        orders.resume(visit.database, status.slug, visit.who, now=visit.now)
    return _back(visit)


def stop(visit: Visit) -> Response:
    """End it for good: who has not got it never does."""
    _, status = _followed(visit)
    orders.cancel(visit.database, status.slug, visit.who, now=visit.now)
    return _back(visit)


def decide(visit: Visit) -> Response:
    """What becomes of those who may or may not have got it, as many as the page showed."""
    _, status = _followed(visit)
    choice = visit.form.get("choice")
    if choice not in ("again", "sent"):
        raise HTTPException(400)
    orders.resolve(visit.database, status.slug, visit.who, resend=choice == "again", now=visit.now, until=_until(visit))
    return _back(visit)


def decide_held(visit: Visit) -> Response:
    """What becomes of those whose hour was past, as many as the page showed."""
    _, status = _followed(visit)
    try:
        choice = HeldChoice(visit.form.get("choice"))
    except ValueError:
        raise HTTPException(400) from None
    orders.decide_held(visit.database, status.slug, visit.who, choice, now=visit.now, until=_until(visit))
    return _back(visit)


def _until(visit: Visit) -> datetime:
    """Until when the page had looked. HTTPException 400 for what is no moment."""
    try:
        until = datetime.fromisoformat(visit.form.get("until"))
    except ValueError:
        raise HTTPException(400) from None
    if until.tzinfo is None:
        raise HTTPException(400)
    return until


def retry(visit: Visit) -> Response:
    """Those who missed it through our own fault get it after all."""
    _, status = _followed(visit)
    orders.retry(visit.database, status.slug, visit.who, now=visit.now)
    return _back(visit)


def people(visit: Visit) -> Response:
    """Who they are, for those who may see names."""
    newsletter, status = _followed(visit)
    kind = KINDS.get(visit.path["kind"])
    if kind is None:
        raise HTTPException(404)
    state, title = kind
    with visit.database.read() as connection:
        found = people_apart(connection, status.campaign_id or 0, state, limit=MOST_NAMED)
    return page(
        visit, "following/people.html", newsletter=newsletter, steps=way(visit, newsletter, here="following"),
        title=title, found=found, total=status.people.get(state, 0),
    )  # fmt: skip


def _followed(visit: Visit) -> tuple[ListedNewsletter, CampaignStatus]:
    """The newsletter and its status; it must be scheduled at least."""
    found = one(visit, visit.path["name"])
    if found.status is None:
        raise HTTPException(404)
    return found, found.status


def _back(visit: Visit) -> Response:
    """Where the button was: this page, or Today."""
    counts_of(visit.studio).forget()
    here = f"/newsletters/{visit.path['name']}/following"
    return RedirectResponse(own_path(visit.form.get("back")) if visit.form.get("back") else here, 303)


def _mark(visit: Visit, newsletter: ListedNewsletter, status: CampaignStatus) -> str:
    people = " ".join(f"{state}:{number}" for state, number in sorted(status.people.items()))
    test = shown_test(visit, status)
    moved = f"{status.state} {people} {newsletter.signed} {status.troubles} {newsletter.state.label}"
    return f"{moved} {test.mark}" if test else moved


def _fact(_visit: Visit, newsletter: ListedNewsletter) -> Fact:
    status = newsletter.status
    assert status is not None
    if undecided := newsletter.uncertain + newsletter.held:
        return Fact(f"{undecided:,} to decide", Weight.LOOK)
    if status.state is CampaignState.FINISHED:
        return Fact("All sent")
    if status.state is CampaignState.CANCELLED:
        return Fact("Stopped")
    return Fact(
        f"{int(100 * newsletter.share)}% sent", Weight.LOOK if status.state is CampaignState.PAUSED else Weight.PLAIN
    )


HERE = "/newsletters/{name}/following"
ROOM = Room(
    routes=(
        StudioRoute(HERE, show, Right.REPORTS),
        StudioRoute(f"{HERE}/moves", moves, Right.REPORTS),
        StudioRoute(f"{HERE}/people/{{kind}}", people, Right.SEE_PEOPLE),
        StudioRoute(f"{HERE}/pause", pause, Right.PAUSE, method="POST"),
        StudioRoute(f"{HERE}/resume", resume, Right.PAUSE, method="POST"),
        StudioRoute(f"{HERE}/stop", stop, Right.PAUSE, method="POST"),
        StudioRoute(f"{HERE}/decide", decide, Right.PAUSE, method="POST"),
        StudioRoute(f"{HERE}/held", decide_held, Right.PAUSE, method="POST"),
        StudioRoute(f"{HERE}/retry", retry, Right.PAUSE, method="POST"),
    ),
    steps=(Step("following", "Following", "following", order=5, fact=_fact, when=has_left, of_issues=True),),
)
