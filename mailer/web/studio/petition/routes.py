"""The addresses of a newsletter's petition: comments to show or hide, the bundle to hand in, that it was delivered."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from mailer.audience.petition.bundle import LETTER_FILE, make_bundle, zipped
from mailer.audience.petition.comments import MOST_COUNTED, comments_to_decide, decide
from mailer.audience.petition.delivered import LONGEST_NOTE, forget_delivery, note_delivery, petition_delivered
from mailer.audience.petition.signatures import count
from mailer.compose.action_page.parse import CommentsShown, read_action_page
from mailer.counting import counted
from mailer.editing import folders
from mailer.editing.first_mails import make_delivered
from mailer.editing.git.commits import into_git
from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.rights import Right
from mailer.store.tables.states import CommentState
from mailer.web.studio.core import moments
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page, way
from mailer.web.studio.core.rooms import Fact, Room, Step, StudioRoute, WaitingTask, Weight
from mailer.web.studio.newsletters.listing import ListedNewsletter, one
from mailer.web.studio.petition.waiting import page_of, waiting_comments

DECISIONS = {"show": CommentState.SHOWN, "hide": CommentState.HIDDEN, "hold": CommentState.HELD}


def show(visit: Visit) -> Response:
    """What was written, for those who may see people; the bundle; the delivery."""
    newsletter = _with_page(visit)
    found, how = page_of(visit.workspace, newsletter.slug), CommentsShown.NEVER
    if found:
        how = found.show_comments
    sees = visit.who.may(Right.SEE_PEOPLE)
    with visit.database.read() as connection:
        comments = comments_to_decide(connection, newsletter.slug) if sees else ()
        delivered = petition_delivered(connection, newsletter.slug)
    return page(
        visit, "petition/petition.html", newsletter=newsletter, steps=way(visit, newsletter, here="petition"),
        waiting=[one for one in comments if one.waits(how)], shown=[one for one in comments if one.shows(how)],
        others=[one for one in comments if not one.waits(how) and not one.shows(how)], how=how.value,
        delivered=delivered, delivered_on=_day(delivered.day, visit) if delivered else "",
        can_print=found is not None, sees=sees,
        today=visit.now.astimezone(visit.zone).date().isoformat(), longest=LONGEST_NOTE,
        letter=visit.workspace.newsletter(newsletter.slug).place(LETTER_FILE),
        address=f"/newsletters/{newsletter.slug}/petition",
    )  # fmt: skip


def decide_comment(visit: Visit) -> Response:
    """Show, hide or hold one comment."""
    slug = _with_page(visit).slug
    chosen = next((name for name in DECISIONS if name in visit.form), "")
    number = visit.form.get(chosen) if chosen else ""
    if not re.fullmatch(r"[0-9]{1,18}", number):
        raise HTTPException(400)
    with visit.database.write() as connection:
        decide(connection, visit.who, slug, DECISIONS[chosen], numbers=(int(number),), at=visit.now)
    return _back(slug)


def masked(visit: Visit) -> Response:
    """The bundle with names masked where people didn't agree to be shown."""
    return _bundle(visit, full_names=False)


def full(visit: Visit) -> Response:
    """The bundle with every name."""
    return _bundle(visit, full_names=True)


def deliver(visit: Visit) -> Response:
    """Note that it was delivered, or take that back."""
    slug = _with_page(visit).slug
    with visit.database.write() as connection:
        if "not" in visit.form:
            forget_delivery(connection, visit.who, slug, at=visit.now)
            return _back(slug)
        try:
            day = date.fromisoformat(visit.form.get("day"))
        except ValueError:
            raise MailerError("the day is missing", remedy="Choose the day it was delivered.") from None
        note_delivery(connection, visit.who, slug, day=day, note=visit.form.get("note"), at=visit.now)
    return _back(slug)


def tell(visit: Visit) -> Response:
    """Begin the newsletter that tells those who signed that it was delivered, and open it."""
    newsletter, workspace = _with_page(visit), visit.workspace
    name = f"{newsletter.name}: delivered"
    slug = folders.free_name(workspace, folders.folder_name(name, at=visit.now.astimezone(visit.zone)))
    make_delivered(workspace, slug, petition=newsletter.slug, name=name)
    detail = f"to those who signed {newsletter.slug}"
    with visit.database.write() as connection:
        audit.record(
            connection, visit.who, "newsletter begun", at=visit.now, subject=f"newsletter {slug}", detail=detail
        )
    into_git(workspace, visit.database, visit.who, slug, f"Begin {slug} for those who signed {newsletter.slug}")
    return RedirectResponse(f"/newsletters/{slug}/", 303)


def _bundle(visit: Visit, *, full_names: bool) -> Response:
    slug = _with_page(visit).slug
    newsletter = visit.workspace.newsletter(slug)
    found, _ = read_action_page(newsletter)
    with visit.database.write() as connection:
        detail = "full names" if full_names else "names masked"
        audit.record(
            connection, visit.who, "petition bundle made", at=visit.now, subject=f"newsletter {slug}", detail=detail
        )
    with visit.database.read() as connection:
        bundle = make_bundle(
            connection, newsletter, found, organisation=visit.workspace.settings.organisation,
            full_names=full_names, at=visit.now,
        )  # fmt: skip
    headers = {"Content-Disposition": f'attachment; filename="{slug}-petition.zip"', "Cache-Control": "no-store"}
    return Response(zipped(bundle, at=visit.now), media_type="application/zip", headers=headers)


def _with_page(visit: Visit) -> ListedNewsletter:
    """The newsletter, which people can sign."""
    newsletter = one(visit, visit.path["name"])
    if not newsletter.file.has_page:
        raise HTTPException(404)
    return newsletter


def _back(slug: str) -> Response:
    return RedirectResponse(f"/newsletters/{slug}/petition", 303)


def _fact(visit: Visit, newsletter: ListedNewsletter) -> Fact:
    with visit.database.read() as connection:
        delivered, signed = petition_delivered(connection, newsletter.slug), count(connection, newsletter.slug)
    if delivered:
        return Fact(f"Delivered {_day(delivered.day, visit)}", Weight.GOOD)
    return Fact(f"{signed:,} signed" if signed else "Nobody signed yet")


def _day(day: date, visit: Visit) -> str:
    """12 Jan; 12 Jan 2025 in another year."""
    year = "" if day.year == visit.now.year else f" {day.year}"
    return f"{day.day} {moments.MONTHS[day.month - 1]}{year}"


def _waits(visit: Visit) -> Iterable[WaitingTask]:
    """Comments that the visitor may decide about."""
    for file, waiting in waiting_comments(visit):
        many = f"{waiting:,} comments or more" if waiting >= MOST_COUNTED else counted(waiting, "comment")
        words, path = f"Of “{file.name}”, for its sign page", f"/newsletters/{file.slug}/petition"
        yield WaitingTask(f"Read {many}", words, path, "Read", "message-square")


HERE = "/newsletters/{name}/petition"
ROOM = Room(
    routes=(
        StudioRoute(HERE, show, Right.REPORTS),
        StudioRoute(f"{HERE}/comments", decide_comment, Right.SEE_PEOPLE, method="POST"),
        StudioRoute(f"{HERE}/masked.zip", masked, Right.SEE_PEOPLE, method="POST"),
        StudioRoute(f"{HERE}/full-names.zip", full, Right.EXPORT_PEOPLE, method="POST"),
        StudioRoute(f"{HERE}/delivered", deliver, Right.WRITE, method="POST"),
        StudioRoute(f"{HERE}/tell", tell, Right.WRITE, method="POST"),
    ),
    steps=(Step("petition", "Petition", "petition", order=7, fact=_fact, when=lambda one: one.file.has_page),),
    waits=_waits,
)
