"""The addresses of a newsletter that repeats: its rule, its next and past issues, starting, pausing and stopping it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from starlette.responses import RedirectResponse, Response

from mailer.compose.source.message_file import read_source
from mailer.delivery.campaigns.plan import prepare
from mailer.delivery.schedule.series_keys import read_series
from mailer.delivery.series import issues
from mailer.delivery.series.issues import SeriesStatus, all_series, approval_of
from mailer.delivery.series.planning import read_rules
from mailer.delivery.series.preview import new_items, next_issues
from mailer.editing.git.commits import into_git
from mailer.editing.save import SaveConflict, read_exact, save
from mailer.errors import MailerError
from mailer.review.approvals import review_path
from mailer.staff.actor import NotAllowed
from mailer.staff.rights import Right
from mailer.store.engine.database import DatabaseTrouble
from mailer.store.tables.states import SeriesState
from mailer.timezones import zone_names
from mailer.web.studio.compose.looks import looks_of
from mailer.web.studio.compose.panel import reader_for
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.moments import day, moment
from mailer.web.studio.core.pages import page, way
from mailer.web.studio.core.rooms import Access, Fact, Room, Step, StudioRoute, WaitingTask, Weight
from mailer.web.studio.newsletters.listing import ListedNewsletter, everything, one
from mailer.web.studio.review.overview import overview_of
from mailer.web.studio.series import issue_page
from mailer.web.studio.series.rule_form import RuleForm, edit_of, faults_of, form_of, form_sent
from mailer.web.studio.series.told import sentence, state_of_issue, words_of, words_of_why

HERE = "/newsletters/{name}/series"
NO_FAULTS: Mapping[str, str] = {}
PAST = 40  # issues that the page shows
OVERTAKEN = "Somebody changed the rule after you opened this page. Here is theirs: nothing of yours was saved."


def show(visit: Visit) -> Response:
    """The page; of an issue, that of its newsletter."""
    newsletter = one(visit, visit.path["name"])
    if newsletter.is_issue and newsletter.status is not None:
        return RedirectResponse(HERE.format(name=newsletter.status.parent), 303)
    return _page(visit, newsletter)


def keep_rule(visit: Visit) -> Response:
    """Write the rule into the newsletter's file, and plan by it at once."""
    slug = visit.path["name"]
    newsletter, workspace = one(visit, slug), visit.workspace
    source, base = read_source(workspace.newsletter(slug)), read_exact(workspace, slug)
    raw = source.series or {}
    before, sent = form_of(raw, read_series(source, zone=visit.zone.key)[0], zone=visit.zone.key), form_sent(visit.form)
    if sent.seen != before.seen:
        return _page(visit, newsletter, wrong=OVERTAKEN, status=409)
    try:
        edit = edit_of(base, raw, before, sent)
        if faults := faults_of(edit.text, source):
            return _page(visit, newsletter, sent=sent, faults=faults, status=422)
        with visit.database.write() as connection:
            saved = save(workspace, connection, visit.who, slug, edit, at=visit.now)
    except (NotAllowed, DatabaseTrouble):
        raise
    except MailerError as error:
        return _page(visit, newsletter, sent=sent, wrong=_told(error), status=422)
    if isinstance(saved, SaveConflict):
        return _page(visit, newsletter, wrong=OVERTAKEN, status=409)
    into_git(workspace, visit.database, visit.who, slug, f"Say when {slug} leaves")
    read_rules(workspace, visit.database, now=visit.now)
    return _back(visit)


def start(visit: Visit) -> Response:
    """Its issues leave by themselves from now on."""
    slug, settings = visit.path["name"], visit.workspace.settings.studio
    try:
        plan = prepare(visit.database, read_source(visit.workspace.newsletter(slug))).plan
        with visit.database.write() as connection:
            issues.start(connection, plan, visit.who, settings=settings, now=visit.now)
    except (NotAllowed, DatabaseTrouble):
        raise
    except MailerError as error:
        return _page(visit, one(visit, slug), wrong=f"It is not started. {_told(error)}", status=422)
    return _back(visit)


def pause(visit: Visit) -> Response:
    """No more issues until it is started again."""
    return _halt(visit, SeriesState.PAUSED)


def stop(visit: Visit) -> Response:
    """No more issues."""
    return _halt(visit, SeriesState.STOPPED)


def send(visit: Visit) -> Response:
    """Let the newest issue go that didn't leave."""
    hold = visit.workspace.settings.studio.hold_for
    return _done(
        visit,
        lambda connection, slug, list_name: issues.send_after_all(
            connection,
            slug,
            visit.who,
            list_name=list_name,
            hold=hold,
            now=visit.now,
            campaign=visit.form.get("issue"),
        ),
    )


def _halt(visit: Visit, to: SeriesState) -> Response:
    return _done(
        visit,
        lambda connection, slug, list_name: issues.halt(
            connection, slug, visit.who, list_name=list_name, to=to, now=visit.now
        ),
    )


def _done(visit: Visit, what: issue_page.Change) -> Response:
    """Do it; that somebody else did it already, the page shows."""
    slug = visit.path["name"]
    list_name = one(visit, slug).file.list
    try:
        with visit.database.write() as connection:
            what(connection, slug, list_name)
    except (NotAllowed, DatabaseTrouble):
        raise
    except MailerError:
        pass
    return _back(visit)


def _page(
    visit: Visit, newsletter: ListedNewsletter, *, sent: RuleForm | None = None, faults: Mapping[str, str] = NO_FAULTS,
    wrong: str = "", status: int = 200,
) -> Response:  # fmt: skip
    slug, settings = newsletter.slug, visit.workspace.settings.studio
    look = looks_of(visit.studio).saved(visit, slug)
    rule, told = read_series(look.source, zone=visit.zone.key) if look.source else (None, [])
    raw = (look.source.series if look.source else None) or {}
    with visit.database.read() as connection:
        found = next(iter(all_series(connection, slug, most=PAST)), None)
        coming = next_issues(connection, slug, rule, settings=settings, now=visit.now) if rule else ()
        review = overview_of(visit, connection, look) if settings.approvals and rule else None
    new = new_items(visit.database, look.source, now=visit.now) if look.source and rule else None
    list_name = newsletter.file.list
    listed = {one.slug: one for one in everything(visit)}
    past = [(one, listed.get(one.campaign_slug)) for one in (found.past if found else ())]
    return page(
        visit, "series/series.html", status=status, newsletter=newsletter, steps=way(visit, newsletter, here="series"),
        series=found, rule=rule, form=sent or form_of(raw, rule, zone=visit.zone.key), faults=faults, wrong=wrong,
        unread=[sentence(one.message) for one in told], coming=coming, new=new, past=past, look=look,
        stuck=_stuck(found), made=[(one, name) for one, name in past if one.waits], is_started=_is_started(found),
        state_of_issue=state_of_issue, words_of=words_of, words_of_why=words_of_why,
        reader=reader_for(visit, "ada"), zones=zone_names(),
        may_write=visit.who.may(Right.WRITE, list_name), may_send=visit.who.may(Right.SEND, list_name),
        may_stop=visit.who.may(Right.PAUSE, list_name) or visit.who.may(Right.SEND, list_name),
        approval=approval_of(rule, settings) if rule and settings.approvals else "", review=review,
        review_path=review_path(slug),
    )  # fmt: skip


def _stuck(found: SeriesStatus | None) -> issues.SeriesIssue | None:
    """The newest issue, if it should have left and didn't."""
    newest = next(iter(found.past), None) if found else None
    return newest if newest is not None and newest.trouble else None


def _is_started(found: SeriesStatus | None) -> bool:
    return found is not None and found.state is SeriesState.RUNNING


def _back(visit: Visit) -> Response:
    return RedirectResponse(HERE.format(name=visit.path["name"]), 303)


def _told(error: MailerError) -> str:
    first = next((one for one in error.diagnostics if one.stops), None)
    return " ".join(filter(None, (sentence(first.message if first else error.message), error.remedy)))


def _fact(visit: Visit, newsletter: ListedNewsletter) -> Fact:
    if newsletter.is_issue:
        return Fact("All its issues")
    series = newsletter.series
    if series is None or series.state is SeriesState.STOPPED:
        return Fact("Not started", Weight.LOOK)
    if series.at is None:
        return Fact("Paused" if series.state is SeriesState.PAUSED else "Ended", Weight.LOOK)
    return Fact(f"Next {moment(series.at, visit.zone, visit.now)}")


def wrong(visit: Visit) -> Iterable[WaitingTask]:
    """Issues that should have left, and weren't made; what was made and didn't leave is told as any newsletter."""
    with visit.database.read() as connection:
        found = [(one, _stuck(one)) for one in all_series(connection, most=5)]
    names = {one.slug: one for one in everything(visit)} if found else {}
    for series, issue in found:
        newsletter = names.get(series.slug)
        if newsletter is None or newsletter.file.is_away:
            continue
        path = HERE.format(name=series.slug)
        if issue is not None and issue.campaign is None:
            when = day(issue.planned_at, visit.zone, visit.now)
            title = f"“{newsletter.name}” did not leave: {when}"
            yield WaitingTask(title, words_of(issue, None), path, "Look", "triangle-alert")
        if series.why:
            yield WaitingTask(f"“{newsletter.name}” stopped", sentence(series.why), path, "Look", "triangle-alert")


ROOM = Room(
    routes=(
        StudioRoute(HERE, show, Access.SIGNED_IN),
        StudioRoute(HERE, keep_rule, Right.WRITE, method="POST"),
        StudioRoute(f"{HERE}/start", start, Right.SEND, method="POST"),
        StudioRoute(f"{HERE}/pause", pause, Right.PAUSE, method="POST"),
        StudioRoute(f"{HERE}/stop", stop, Right.PAUSE, method="POST"),
        StudioRoute(f"{HERE}/send", send, Right.SEND, method="POST"),
        *issue_page.ROUTES,
    ),
    steps=(
        Step(
            "series", "Series", "series", order=4, fact=_fact, when=lambda one: one.repeats or one.is_issue,
            of_issues=True,
        ),
    ),
    wrong=wrong,
)  # fmt: skip
