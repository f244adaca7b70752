"""What is in the way of a newsletter: each with what it means and the place where it is put right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from mailer.counting import counted
from mailer.delivery.sending.run import is_at_work, last_run
from mailer.errors import MailerError
from mailer.review.approvals import ReviewState
from mailer.review.changes import in_short
from mailer.web.studio.compose.drafts import unsaved
from mailer.web.studio.compose.panel import ShownFinding, findings
from mailer.web.studio.compose.parts import MAIL, PAGE, THANKS, THANKS_MAIL
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.moments import clock, distance, moment, span
from mailer.web.studio.core.pages import step_path
from mailer.web.studio.newsletters.listing import ListedNewsletter
from mailer.web.studio.send.examine import Examined

RUNS_WITHIN = timedelta(minutes=5)  # `mailer run` comes each minute; with less, a busy one would be called missing
ABOUT_PEOPLE = ("audience.",)  # rules whose findings are put right in the audience


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing in the way, or (unless it `stops`) worth a look before it leaves."""

    title: str
    words: str = ""
    path: str = ""  # where it is put right; "" when not in the studio
    label: str = ""
    stops: bool = True


def problems(
    visit: Visit, newsletter: ListedNewsletter, examined: Examined, review: ReviewState | None
) -> list[Problem]:
    """Everything in the way, what stops it first."""
    found = [
        *_of_the_mail(visit, newsletter, examined),
        *_of_the_audience(visit, newsletter, examined),
        *_of_the_approval(visit, newsletter, review),
        *_of_the_time(visit, examined),
        *_of_the_keys(visit),
        *_of_what_was_typed(visit, newsletter),
    ]
    return sorted(found, key=lambda one: not one.stops)


def nothing_runs(visit: Visit) -> Problem | None:
    """Nothing leaves by itself: `mailer run` does it, and the database knows when that was here last."""
    with visit.database.read() as connection:
        ran, sends = last_run(connection), is_at_work(connection, now=visit.now)
    if sends or (ran is not None and visit.now - ran <= RUNS_WITHIN):
        return None
    title = f"Nothing that sends has run for {span(visit.now - ran)}" if ran else "Nothing that sends has run here yet"
    whose = "Ask the person who looks after the server to see that “mailer run” runs."
    if visit.studio.run_key and visit.who.account_id is None:  # one's own machine
        whose = "Start the studio with “mailer studio --run”, or “mailer run --loop” beside it."
    return Problem(title, f"What is scheduled waits for it. {whose}", stops=False)


def _of_the_mail(visit: Visit, newsletter: ListedNewsletter, examined: Examined) -> Iterator[Problem]:
    for one in findings(examined.look):
        path, label = _place(visit, newsletter, one)
        stops = one.weight == "bad"
        yield Problem(one.words, one.remedy, path, label, stops)


def _place(visit: Visit, newsletter: ListedNewsletter, one: ShownFinding) -> tuple[str, str]:
    if one.rule == "audience.language":
        return step_path(visit, newsletter, "write"), "Translate it"
    if one.field.startswith("audience") or one.rule.startswith(ABOUT_PEOPLE):
        return step_path(visit, newsletter, "audience"), "Change who gets it"
    here = step_path(visit, newsletter, "write")
    if one.language:
        return f"{here.rstrip('/')}/in/{one.language}/", "Look at it"
    if one.field:
        return f"{here}#field-{one.field}", "Fix it"
    return (f"{here}#line-{one.line}", "Fix it") if one.line else (here, "Look at it")


def _of_the_audience(visit: Visit, newsletter: ListedNewsletter, examined: Examined) -> Iterator[Problem]:
    if examined.selection is not None and not examined.selection.chosen:
        left_out = examined.selection.total
        words = f"{counted(left_out)} are on its list, and each is left out"
        if left_out < 2:
            words = "The one person on its list is left out" if left_out else "Its list is empty"
        yield Problem(
            "Nobody would get this", words, step_path(visit, newsletter, "audience"), "Change who gets it"
        )  # fmt: skip


def _of_the_approval(visit: Visit, newsletter: ListedNewsletter, review: ReviewState | None) -> Iterator[Problem]:
    if review is None or not review.missing:
        return
    path = step_path(visit, newsletter, "review")
    for old in review.outdated:
        since = f"Changed since: {in_short(old.since)}" if old.since else "Something changed since"
        yield Problem(f"The approval by {old.approval.by} no longer counts", since, path, "Have it approved again")
    if not review.outdated:
        title = "It isn’t approved yet" if not review.counting else "It isn’t approved by enough people yet"
        words = f"{len(review.counting)} of {counted(review.needed, 'approval')}"
        yield Problem(title, words, path, "See the review" if review.asked else "Ask for approval")


def _of_the_time(visit: Visit, examined: Examined) -> Iterator[Problem]:
    leaves, hold = examined.leaves, visit.workspace.settings.studio.hold_for
    label = "Choose another time"
    if leaves is not None and leaves.local:
        if examined.unfit:
            words = "Choose a later day, or what becomes of people where it is past"
            yield Problem(examined.unfit, words, "#time", label)
        if examined.slow:
            named = ", ".join(one.zone for one in examined.slow[:3])
            words = "At the pace that is set. The others are held, and you decide. Spread the mails over some hours."
            yield Problem(f"Not everybody in {named} is reached in time", words, "#time", label, stops=False)
        return
    if leaves is None or leaves.at >= visit.now + hold:
        return
    if leaves.at <= visit.now:
        words = f"It was {moment(leaves.at, visit.zone, visit.now)}, {distance(leaves.at, visit.now)}"
        yield Problem("The time it was to leave is past", words, "#time", label)
    else:
        words = f"It counts down for {span(hold)} first, so that it can be stopped"
        yield Problem(f"{clock(leaves.at, visit.zone)} is too soon", words, "#time", label)


def _of_the_keys(visit: Visit) -> Iterator[Problem]:
    try:
        visit.workspace.secrets.require_signing()
    except MailerError as error:
        words = "A person with a terminal can put that right: "
        yield Problem("The links in the mail can’t be signed", f"{words}{error.message}. {error.remedy}")


def _of_what_was_typed(visit: Visit, newsletter: ListedNewsletter) -> Iterator[Problem]:
    where = {MAIL: "in this mail", PAGE: "on the sign page", THANKS: "in the thanks", THANKS_MAIL: "in the thanks mail"}
    for part, words in where.items():
        if unsaved(visit, part) is not None:
            path = f"{step_path(visit, newsletter, 'write')}{part.path}"
            yield Problem("What you typed last isn’t saved", f"It isn’t {words}", path, "Look at it", stops=False)
