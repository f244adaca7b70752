"""One issue of a series that is made: the mail as it leaves, and who approves it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from mailer.delivery.campaigns.lifecycle import take_off
from mailer.delivery.series.approval import issue_content, why_issue_not_approved
from mailer.delivery.series.issues import SeriesIssue, issues_of
from mailer.errors import MailerError
from mailer.review import approvals
from mailer.review.approvals import may_approve, review_state
from mailer.review.content import NewsletterContent
from mailer.staff.actor import NotAllowed
from mailer.staff.rights import Right
from mailer.store.engine.database import DatabaseTrouble
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page, way
from mailer.web.studio.core.rooms import Access, StudioRoute
from mailer.web.studio.newsletters.listing import one
from mailer.web.studio.preview.frame import policy
from mailer.web.studio.results.mail_picture import kept_picture, mail_picture
from mailer.web.studio.series.told import sentence, state_of_issue, words_of

HERE = "/newsletters/{name}/series/{issue}"
Change = Callable[[Connection, str, str], object]  # of a newsletter, and of the list that it goes to


def show(visit: Visit) -> Response:
    """The issue."""
    return _page(visit)


def mail(visit: Visit) -> Response:
    """Its mail, for the frame."""
    issue = _issue(visit)
    below = f"{_path(visit)}/pictures"
    with visit.database.read() as connection:
        html = mail_picture(connection, issue.campaign_slug, figures={}, pictures=below)
    if html is None:
        raise HTTPException(404)
    host = visit.request.headers["host"]
    origin = next(origin for origin in visit.studio.origins if urlsplit(origin).netloc == host)
    headers = {
        "X-Frame-Options": "SAMEORIGIN", "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": policy(f"{origin}{below}/"),
    }  # fmt: skip
    return HTMLResponse(html, headers=headers)


def picture(visit: Visit) -> Response:
    """A picture of its mail."""
    with visit.database.read() as connection:
        found = kept_picture(connection, _issue(visit).campaign_slug, visit.path["digest"])
    if found is None:
        raise HTTPException(404)
    return Response(found[1], media_type=found[0])


def approve(visit: Visit) -> Response:
    """Approve it exactly as it was made."""
    settings = visit.workspace.settings.studio

    def give(connection: Connection, content: NewsletterContent) -> None:
        approvals.approve(connection, visit.who, content, seen=visit.form.get("seen"), settings=settings, at=visit.now)

    return _change(visit, give)


def withdraw(visit: Visit) -> Response:
    """Take one's own approval back."""
    return _change(visit, lambda connection, content: approvals.withdraw(connection, visit.who, content, at=visit.now))


def skip(visit: Visit) -> Response:
    """Take it off the schedule: the next issue comes as planned."""
    issue = _issue(visit)
    list_name = one(visit, issue.campaign_slug).file.list
    if not visit.who.may(Right.SEND, list_name):
        visit.who.require(Right.PAUSE, list_name)
    try:
        with visit.database.write() as connection:
            take_off(connection, issue.campaign_slug, now=visit.now, by=visit.who)
    except DatabaseTrouble:
        raise
    except MailerError:  # it left: the page says so
        pass
    return RedirectResponse(f"/newsletters/{visit.path['name']}/series", 303)


def _change(visit: Visit, what: Callable[[Connection, NewsletterContent], None]) -> Response:
    issue = _issue(visit)
    try:
        with visit.database.write() as connection:
            content = issue_content(connection, issue.campaign_slug)
            if content is None:
                raise HTTPException(404)
            what(connection, content)
    except (NotAllowed, DatabaseTrouble):
        raise
    except MailerError as error:
        return _page(visit, wrong=sentence(error.message), status=422)
    return RedirectResponse(_path(visit), 303)


def _page(visit: Visit, *, wrong: str = "", status: int = 200) -> Response:
    issue, settings = _issue(visit), visit.workspace.settings.studio
    newsletter = one(visit, issue.campaign_slug)
    with visit.database.read() as connection:
        content = issue_content(connection, issue.campaign_slug)
        review = review_state(connection, content, settings) if content and settings.approvals else None
        barred = why_issue_not_approved(connection, issue.campaign, settings) if issue.campaign is not None else ""
        can_approve = review is not None and may_approve(
            connection, visit.who, issue.campaign_slug, list_name=newsletter.file.list, settings=settings
        )
    given = review is not None and any(one.person == visit.who.person for one in review.counting)
    return page(
        visit, "series/issue.html", status=status, newsletter=newsletter, parent=visit.path["name"], issue=issue,
        steps=way(visit, newsletter, here="series"), state=state_of_issue(issue, newsletter),
        words=words_of(issue, newsletter), review=review, barred=barred, digest=content.digest if content else "",
        can_approve=can_approve and not given, given=given, wrong=wrong, address=_path(visit),
        may_stop=visit.who.may(Right.PAUSE, newsletter.file.list),
    )  # fmt: skip


def _issue(visit: Visit) -> SeriesIssue:
    """The issue that the address names. Raises HTTPException 404 when it isn't one of this newsletter, or isn't there
    any more."""
    with visit.database.read() as connection:
        found = issues_of(connection, visit.path["name"])
    named = next((issue for issue in found if issue.campaign_slug == visit.path["issue"]), None)
    if named is None or named.campaign is None:
        raise HTTPException(404)
    return named


def _path(visit: Visit) -> str:
    return HERE.format(**visit.path)


ROUTES = (
    StudioRoute(HERE, show, Access.SIGNED_IN),
    StudioRoute(f"{HERE}/mail", mail, Access.SIGNED_IN),
    StudioRoute(f"{HERE}/pictures/{{digest}}", picture, Access.SIGNED_IN),
    StudioRoute(f"{HERE}/approve", approve, Right.APPROVE, method="POST"),
    StudioRoute(f"{HERE}/withdraw", withdraw, Right.APPROVE, method="POST"),
    StudioRoute(f"{HERE}/skip", skip, Right.PAUSE, method="POST"),
)
