"""Start an automation, let nobody in any more, stop it: each says first who it is about, and asks again."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import cast

from starlette.responses import RedirectResponse, Response

from mailer.automations.control import orders
from mailer.automations.control.planned import plan_automation
from mailer.automations.control.rehearsal import DryRun, dry_run
from mailer.diagnostics import Diagnostic
from mailer.errors import MailerError
from mailer.review import approvals
from mailer.review.content import NewsletterContent
from mailer.web.last_used import LastUsed
from mailer.web.studio.automations.numbers import newest_figures, state_of
from mailer.web.studio.automations.shown import ShownAutomation, automation_of
from mailer.web.studio.compose.looks import looks_of
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.live import live
from mailer.web.studio.core.moments import in_words
from mailer.web.studio.core.pages import page

EVERY_SECONDS = 1.0
QUICK_SECONDS = 0.08  # that a page waits
SHOWN_FOR_SECONDS = 300
KEPT = 20


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What would come of starting it: what is in the way, or who would be where."""

    faults: Sequence[Diagnostic] = ()
    content: NewsletterContent | None = None
    who: DryRun = field(default_factory=lambda: DryRun(None))


KeptRehearsals = LastUsed[tuple[str, str, int], Future[Rehearsal]]


def show_start(visit: Visit) -> Response:
    """Who would come in, and what is in the way."""
    return _start_page(visit, automation_of(visit))


def start(visit: Visit) -> Response:
    """Start it as it was looked at."""
    one = automation_of(visit)
    try:
        planned = plan_automation(visit.database, one.newsletter, now=visit.now)
        if planned.content.digest != visit.form.get("seen"):
            raise MailerError("it was changed after you opened this page", remedy="Look at it, and start it again.")
        settings = visit.workspace.settings.studio
        orders.start(visit.database, planned, visit.who, settings=settings, now=visit.now)
    except MailerError as error:
        return _start_page(visit, one, wrong=error)
    return RedirectResponse(f"/automations/{one.slug}?done=started", 303)


def approve(visit: Visit) -> Response:
    """Approve exactly what was looked at."""
    one = automation_of(visit)
    try:
        planned = plan_automation(visit.database, one.newsletter, now=visit.now)
        with visit.database.write() as connection:
            approvals.approve(
                connection, visit.who, planned.content, seen=visit.form.get("seen"),
                settings=visit.workspace.settings.studio, at=visit.now,
            )  # fmt: skip
    except MailerError as error:
        return _start_page(visit, one, wrong=error)
    return RedirectResponse(f"/automations/{one.slug}/start", 303)


def show_stop(visit: Visit) -> Response:
    """Who is inside, and what either way of ending it means for them."""
    return _stop_page(visit, automation_of(visit))


def close(visit: Visit) -> Response:
    """Let nobody in any more."""
    one = automation_of(visit)
    try:
        orders.close(visit.database, one.slug, visit.who, now=visit.now)
    except MailerError as error:
        return _stop_page(visit, one, wrong=error)
    return RedirectResponse(f"/automations/{one.slug}?done=closed", 303)


def stop(visit: Visit) -> Response:
    """Take everybody out."""
    one = automation_of(visit)
    try:
        orders.stop(visit.database, one.slug, visit.who, now=visit.now)
    except MailerError as error:
        return _stop_page(visit, one, wrong=error)
    return RedirectResponse(f"/automations/{one.slug}?done=stopped", 303)


def rehearsed(visit: Visit) -> Response:
    """Tells the page once who would come in has been counted."""

    def mark(later: Visit) -> str:
        kept = _rehearsal(later, automation_of(later))
        return kept.content.digest if kept and kept.content else "in the way" if kept else ""

    return live(visit, mark, every_seconds=EVERY_SECONDS)


def _rehearsal(visit: Visit, one: ShownAutomation) -> Rehearsal | None:
    """What would come of starting it as its files are; None while that is looked at, since everybody's mail is made
    for it. What was found is shown for some minutes; starting looks again."""
    kept = cast("KeptRehearsals", visit.studio.kept.setdefault("rehearsals", KeptRehearsals(KEPT)))
    key = one.slug, looks_of(visit.studio).mark(visit, one.slug), int(visit.now.timestamp()) // SHOWN_FOR_SECONDS
    known = kept.get(key)
    if known is None or (known.done() and known.exception() is not None):
        known = kept.keep(key, visit.studio.beside.submit(_rehearse, visit, one))
    try:
        return known.result(QUICK_SECONDS)
    except TimeoutError:
        return None


def _rehearse(visit: Visit, one: ShownAutomation) -> Rehearsal:
    try:
        planned = plan_automation(visit.database, one.newsletter, now=visit.now)
    except MailerError as error:
        return Rehearsal(error.diagnostics)
    with visit.database.read(of_everyone=True) as connection:
        who = dry_run(connection, planned.automation, now=visit.now, zone=visit.workspace.settings.zone)
    return Rehearsal((), planned.content, who)


def _start_page(visit: Visit, one: ShownAutomation, *, wrong: MailerError | None = None) -> Response:
    found = _rehearsal(visit, one)
    review = None
    if found is not None and found.content is not None and visit.workspace.settings.studio.approvals:
        with visit.database.read() as connection:
            review = approvals.review_state(connection, found.content, visit.workspace.settings.studio)
    return page(
        visit, "automations/start.html", status=422 if wrong else 200, one=one, found=found, review=review,
        state=state_of(visit, one.slug), faults=wrong.diagnostics if wrong else (), in_words=in_words,
    )  # fmt: skip


def _stop_page(visit: Visit, one: ShownAutomation, *, wrong: MailerError | None = None) -> Response:
    return page(
        visit, "automations/stop.html", status=422 if wrong else 200, one=one, state=state_of(visit, one.slug),
        kept=newest_figures(visit, one.slug), faults=wrong.diagnostics if wrong else (),
    )  # fmt: skip
