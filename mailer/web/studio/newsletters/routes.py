"""The addresses of Newsletters: the list, a new one, another name, put away."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from starlette.responses import HTMLResponse, RedirectResponse, Response

from mailer.compose.source.message_file import read_source
from mailer.editing import folders
from mailer.editing.first_draft import make_newsletter
from mailer.editing.git.commits import into_git
from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.rights import Right
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.moments import WHOLE_MONTHS
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.palette import matches
from mailer.web.studio.core.rooms import Access, Deed, PaletteHit, Room, SidebarPlace, StudioRoute
from mailer.web.studio.following.told import time_left
from mailer.web.studio.newsletters.again import aimed, aims
from mailer.web.studio.newsletters.gallery import choices, picture
from mailer.web.studio.newsletters.listing import (
    VIEWS,
    ListedNewsletter,
    ListFilter,
    everything,
    grouped,
    in_view,
    list_titles,
    one,
    wanted,
    writers,
)
from mailer.web.studio.preview.frame import FRAMED

SHOWN = 200  # of a list at once; a search finds the rest
FOUND = 8
LONGEST_NAME = 70


def show(visit: Visit) -> Response:
    """The list."""
    asked = ListFilter(*(visit.query.get(name, "").strip()[:100] for name in ("q", "state", "list", "month", "writer")))
    found = everything(visit)
    if not found:
        return page(visit, "newsletters/none.html")
    shown = wanted(found, asked, visit)
    views = [(name, label, sum(in_view(one, name) for one in found)) for name, label in VIEWS.items()]
    return page(
        visit, "newsletters/newsletters.html", asked=asked, total=len(found), groups=grouped(shown[:SHOWN], visit),
        left_off=max(0, len(shown) - SHOWN), views=views, lists=sorted(list_titles(visit).items()),
        months=_months(visit, found), writers=writers(visit), time_left=partial(time_left, visit),
    )  # fmt: skip


def new(visit: Visit) -> Response:
    """Where a new newsletter begins: the gallery, or a copy of one there is."""
    return _new(visit)


def make(visit: Visit) -> Response:
    """Make the newsletter, and open it."""
    form, workspace = visit.form, visit.workspace
    name, copied, aim = form.get("name")[:LONGEST_NAME], form.get("copy"), form.get("aim")
    repeats = form.get("series")  # the template of one that does
    template = repeats or form.get("template")
    try:
        slug = folders.free_name(workspace, folders.folder_name(name, at=visit.now.astimezone(visit.zone)))
        if copied:
            changes = aimed(read_source(workspace.newsletter(copied)), aim) if aim else {}
            folders.copy_newsletter(workspace, visit.who, copied, to=slug, name=name, changes=changes)
        else:
            lists = visit.who.lists
            make_newsletter(workspace, slug, template=template, name=name, lists=lists, repeats=bool(repeats))
    except MailerError as error:
        return _new(visit, name=name, wrong=error, copied=copied, aim=aim)
    with visit.database.write() as connection:
        detail = f"a copy of {copied}" if copied else f"from the template {template}"
        subject = audit.newsletter_subject(slug)
        audit.record(connection, visit.who, "newsletter begun", at=visit.now, subject=subject, detail=detail)
    into_git(
        workspace, visit.database, visit.who, slug, f"Begin {slug}" + (f" as a copy of {copied}" if copied else "")
    )
    return RedirectResponse(f"/newsletters/{slug}/{'audience' if copied and aim else ''}", 303)


def rename(visit: Visit) -> Response:
    """Call it something else."""
    slug, name = visit.path["name"], visit.form.get("name")[:LONGEST_NAME]
    if name:
        with visit.database.write() as connection:
            folders.rename_newsletter(visit.workspace, connection, visit.who, slug, to=name, at=visit.now)
        into_git(visit.workspace, visit.database, visit.who, slug, f"Call {slug} “{name}”")
    return RedirectResponse(f"/newsletters/{slug}/", 303)


def put_away(visit: Visit) -> Response:
    """Take it out of sight."""
    slug = visit.path["name"]
    with visit.database.write() as connection:
        folders.put_away(visit.workspace, connection, visit.who, slug, at=visit.now)
    into_git(visit.workspace, visit.database, visit.who, slug, f"Put {slug} away")
    return RedirectResponse("/newsletters", 303)


def take_out(visit: Visit) -> Response:
    """Have it among the others again."""
    slug = visit.path["name"]
    with visit.database.write() as connection:
        folders.take_out(visit.workspace, connection, visit.who, slug, at=visit.now)
    into_git(visit.workspace, visit.database, visit.who, slug, f"Take {slug} out again")
    return RedirectResponse(f"/newsletters/{slug}/", 303)


def thumbnail(visit: Visit) -> Response:
    """What a template looks like, for the frame that shows it small."""
    html, policy = picture(visit, visit.path["template"])
    headers = {"Content-Security-Policy": policy, "Cache-Control": "private, max-age=60"}
    return HTMLResponse(html, headers=FRAMED | headers)


def find(visit: Visit, words: str) -> Iterable[PaletteHit]:
    """Newsletters for Ctrl-K."""
    found = [one for one in everything(visit) if matches(words, one.name, one.file.subject)]
    return [PaletteHit(one.name, one.state.label, f"/newsletters/{one.slug}/", "mail") for one in found[:FOUND]]


def _new(
    visit: Visit, *, name: str = "", wrong: MailerError | None = None, copied: str = "", aim: str = ""
) -> Response:
    words = visit.query.get("q", "").strip()[:100]
    found = [one for one in everything(visit) if matches(words, one.name, one.file.subject)]
    slug = copied or visit.query.get("copy", "")
    original = one(visit, slug) if slug else None
    return page(
        visit, "newsletters/new.html", status=422 if wrong else 200, name=name, wrong=wrong, words=words,
        templates=choices(visit.workspace), found=found[:12], copied=original,
        aims=aims(original) if original else {}, aim=aim,
    )  # fmt: skip


def _months(visit: Visit, found: Iterable[ListedNewsletter]) -> list[tuple[str, str]]:
    moments = sorted(((one.when or one.file.changed_at).astimezone(visit.zone) for one in found), reverse=True)
    return list({f"{at:%Y-%m}": f"{WHOLE_MONTHS[at.month - 1]} {at.year}" for at in moments}.items())


ROOM = Room(
    routes=(
        StudioRoute("/newsletters", show, Access.SIGNED_IN),
        StudioRoute("/newsletters/new", new, Right.WRITE),
        StudioRoute("/newsletters/new", make, Right.WRITE, method="POST"),
        StudioRoute("/newsletters/{name}/rename", rename, Right.WRITE, method="POST"),
        StudioRoute("/newsletters/{name}/put-away", put_away, Right.WRITE, method="POST"),
        StudioRoute("/newsletters/{name}/take-out", take_out, Right.WRITE, method="POST"),
        StudioRoute("/looks/{template}", thumbnail, Right.WRITE),
    ),
    places=(SidebarPlace("/newsletters", "Newsletters", "mail", group=1, key="N", phone=True),),
    deeds=(Deed("New newsletter", "/newsletters/new", "plus", asks=Right.WRITE, key="N"),),
    find=find,
)
