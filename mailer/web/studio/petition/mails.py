"""The mails to those who signed: the thanks, written, looked at and switched off here, and that it was delivered."""

from __future__ import annotations

from dataclasses import dataclass, replace

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from mailer.checking.preflight import THANKS, check_source
from mailer.compose.source.message_file import read_source
from mailer.compose.source.text_file import LARGEST_BYTES
from mailer.compose.thank_you import CONFIRMATION, with_own_links
from mailer.delivery.campaigns.freeze import Plan
from mailer.delivery.thanks.queue import count_thanks
from mailer.diagnostics import Diagnostic
from mailer.editing import folders
from mailer.editing.first_mails import make_delivered, make_thanks
from mailer.editing.git.commits import into_git
from mailer.editing.save import SaveConflict, Saved, WholeText, read_exact, save
from mailer.editing.splice import splice
from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.rights import Right
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page, way
from mailer.web.studio.core.rooms import Access, StudioRoute
from mailer.web.studio.newsletters.listing import ListedNewsletter, one
from mailer.web.studio.preview.frame import FRAMED, Look, dressed, policy
from mailer.web.studio.preview.person_mail import Press
from mailer.web.studio.preview.sample_readers import HARD_CASES
from mailer.workspace import THANKS_FILE

HERE = "/newsletters/{name}/petition"
BY_NAME, TYPED = "named", "typed"  # who reads it: by their own link, or an address that was typed into the form


@dataclass(frozen=True, slots=True)
class _Made:
    """The mail as its file is now. `plan` is None where it can't be shown."""

    found: tuple[Diagnostic, ...]
    plan: Plan | None = None
    is_off: bool = False


def show(visit: Visit) -> Response:
    """The mail of thanks: its text, what it looks like, and how many got it."""
    return _show(visit)


def save_text(visit: Visit) -> Response:
    """Save the text; what was typed stays on the page when somebody else saved meanwhile."""
    slug = _with_page(visit).slug
    base, text = (visit.form.text(name) for name in ("base", "text"))
    kept = _save(visit, slug, WholeText(base, text))
    return _show(visit, typed=kept.mine) if isinstance(kept, SaveConflict) else _back(slug)


def begin(visit: Visit) -> Response:
    """Write the first draft."""
    slug = _with_page(visit).slug
    make_thanks(visit.workspace.newsletter(slug))
    _note(visit, slug, "mail of thanks begun", f"Begin the mail of thanks of {slug}")
    return _back(slug)


def switch(visit: Visit) -> Response:
    """Switch it off, or on again."""
    slug = _with_page(visit).slug
    now = read_exact(visit.workspace, slug, THANKS_FILE)
    _save(visit, slug, WholeText(now, splice(now, {"send": None if visit.form.get("on") else False})))
    return _back(slug)


def mail(visit: Visit) -> Response:
    """The saved mail for the frame."""
    made = _made(visit, _with_page(visit).slug)
    if made.plan is None:
        return HTMLResponse("<!doctype html><title>No mail yet</title>", headers=FRAMED)
    named = visit.query.get("as") != TYPED
    supporter = HARD_CASES[0].supporter if named else {CONFIRMATION: "preview"}
    html = _press(visit, made.plan).in_frame(supporter, base=f"{_base(visit)}/thanks", place="")
    return HTMLResponse(dressed(html, Look.LIGHT), headers=FRAMED | {"Content-Security-Policy": policy("'self' data:")})


def picture(visit: Visit) -> Response:
    """A picture of the mail."""
    made = _made(visit, _with_page(visit).slug)
    found = _press(visit, made.plan).picture(visit.path["digest"]) if made.plan else None
    if found is None:
        raise HTTPException(404)
    return Response(found[1], media_type=found[0].content_type)


def tell(visit: Visit) -> Response:
    """Begin the newsletter that tells those who signed that it was delivered, and open it."""
    newsletter, workspace = _with_page(visit), visit.workspace
    name = f"{newsletter.name}: delivered"
    slug = folders.free_name(workspace, folders.folder_name(name, at=visit.now.astimezone(visit.zone)))
    make_delivered(workspace, slug, petition=newsletter.slug, name=name)
    detail = f"to those who signed {newsletter.slug}"
    _note(visit, slug, "newsletter begun", f"Begin {slug} for those who signed {newsletter.slug}", detail=detail)
    return RedirectResponse(f"/newsletters/{slug}/", 303)


def _show(visit: Visit, *, typed: str | None = None) -> Response:
    newsletter = _with_page(visit)
    slug, is_there = newsletter.slug, visit.workspace.newsletter(newsletter.slug).has_thanks_mail
    saved = read_exact(visit.workspace, slug, THANKS_FILE) if is_there else ""
    made = _made(visit, slug) if is_there else _Made(())
    with visit.database.read() as connection:
        counted = count_thanks(connection, slug)
    return page(
        visit, "petition/thanks.html", status=200 if typed is None else 409, newsletter=newsletter,
        steps=way(visit, newsletter, here="petition"), is_there=is_there, saved=saved, typed=typed, made=made,
        errors=[one for one in made.found if one.stops], thanked=counted, address=_base(visit),
    )  # fmt: skip


def _made(visit: Visit, slug: str) -> _Made:
    newsletter = visit.workspace.newsletter(slug)
    if not newsletter.has_thanks_mail:
        raise HTTPException(404)
    try:
        source = read_source(newsletter, THANKS_FILE)
        found = check_source(visit.database, source, scope=THANKS, now=visit.now)
    except MailerError as error:
        return _Made(tuple(error.diagnostics))
    return _Made(tuple(found.remarks), found.plan, source.is_off)


def _press(visit: Visit, plan: Plan) -> Press:
    """Its links as they are, so that the frame, which may not go anywhere, shows where they lead."""
    return Press(replace(plan, message=with_own_links(plan.message)), visit.workspace)


def _save(visit: Visit, slug: str, edit: WholeText) -> Saved | SaveConflict:
    with visit.database.write() as connection:
        kept = save(visit.workspace, connection, visit.who, slug, edit, at=visit.now, file=THANKS_FILE)
    into_git(visit.workspace, visit.database, visit.who, slug, f"Edit the mail of thanks of {slug}")
    return kept


def _note(visit: Visit, slug: str, action: str, message: str, *, detail: str = "") -> None:
    with visit.database.write() as connection:
        audit.record(connection, visit.who, action, at=visit.now, subject=f"newsletter {slug}", detail=detail)
    into_git(visit.workspace, visit.database, visit.who, slug, message)


def _with_page(visit: Visit) -> ListedNewsletter:
    """The newsletter, which people can sign."""
    newsletter = one(visit, visit.path["name"])
    if not newsletter.file.has_page:
        raise HTTPException(404)
    return newsletter


def _base(visit: Visit) -> str:
    return f"/newsletters/{visit.path['name']}/petition"


def _back(slug: str) -> Response:
    return RedirectResponse(f"/newsletters/{slug}/petition/thanks", 303)


ROUTES = (
    StudioRoute(f"{HERE}/tell", tell, Right.WRITE, method="POST"),
    StudioRoute(f"{HERE}/thanks", show, Access.SIGNED_IN),
    StudioRoute(f"{HERE}/thanks", save_text, Right.WRITE, method="POST", most_bytes=8 * LARGEST_BYTES),
    StudioRoute(f"{HERE}/thanks/begin", begin, Right.WRITE, method="POST"),
    StudioRoute(f"{HERE}/thanks/switch", switch, Right.WRITE, method="POST"),
    StudioRoute(f"{HERE}/thanks/mail", mail, Access.SIGNED_IN),
    StudioRoute(f"{HERE}/thanks/pictures/{{digest}}", picture, Access.SIGNED_IN),
)
