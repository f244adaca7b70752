"""The sign page and its thanks in the Write room: as they are saved and as they are being written; and how a text that
isn't there yet begins."""

from __future__ import annotations

from typing import cast

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from mailer.editing.files import one_at_a_time
from mailer.editing.first_mails import make_thanks
from mailer.editing.first_page import make_page
from mailer.editing.git.commits import into_git
from mailer.staff import audit
from mailer.staff.rights import Right
from mailer.web.studio.compose import drafts
from mailer.web.studio.compose.fields import as_values, changed_fields
from mailer.web.studio.compose.looks import looks_of
from mailer.web.studio.compose.page_looks import PageLook, kept_page, rendered, saved_page, written_page
from mailer.web.studio.compose.panel import fact_words, findings, marks, read_panel_view
from mailer.web.studio.compose.parts import THANKS_MAIL, Part, tabs
from mailer.web.studio.compose.saving import SentForm, form_at, kept_with, read_form, read_sent
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page, way
from mailer.web.studio.core.pages import part as piece
from mailer.web.studio.core.static import static_base
from mailer.web.studio.newsletters.listing import one
from mailer.web.studio.preview.frame import FRAMED, dressed, policy
from mailer.web.studio.translate.since import original_beside
from mailer.web.studio.vendored import import_map


def show(visit: Visit, part: Part) -> Response:
    """The page as it is saved."""
    if not is_there(visit, part):
        return offered(visit, part)
    look = saved_page(visit, part)
    return _page(visit, part, look, SentForm(look.text, {}, done=visit.query.get("done", "")))


def show_written(visit: Visit, part: Part) -> Response:
    """The same with what was typed, saved where that was pressed, for browsers without script."""
    here = f"{part.base(visit.path['name'])}/"
    if not is_there(visit, part):  # it was taken away meanwhile
        return RedirectResponse(here, 303)
    sent = read_form(visit, part, shown=saved_page(visit, part).text)
    if sent.done and not sent.wrong:
        return RedirectResponse(f"{here}?done={sent.done}", 303)
    look = written_page(visit, part, sent.body, as_values(sent.changed, form_at(visit, part)))
    return _page(visit, part, look, sent)


def is_there(visit: Visit, part: Part) -> bool:
    """Whether the text has its file. That of the mail is missed by its own look."""
    return not part.file or (visit.workspace.newsletter(visit.path["name"]).folder / part.file).is_file()


def offered(visit: Visit, part: Part) -> Response:
    """What a text that isn't there would be for, and how it begins."""
    newsletter = one(visit, visit.path["name"])
    files = visit.workspace.newsletter(newsletter.slug)
    return page(
        visit, "compose/no_page.html", newsletter=newsletter, steps=way(visit, newsletter, here="write"),
        tabs=tabs(files, part), part=part, has_page=files.has_action_page,
        has_original=(files.folder / part.original_file).is_file(), can_write=visit.who.may(Right.WRITE),
    )  # fmt: skip


def _page(visit: Visit, part: Part, look: PageLook, sent: SentForm) -> Response:
    newsletter, view = one(visit, visit.path["name"]), read_panel_view(visit.query)
    can_write = visit.who.may(Right.WRITE)
    return page(
        visit, "compose/page.html", newsletter=newsletter, steps=way(visit, newsletter, here="write"),
        tabs=tabs(visit.workspace.newsletter(newsletter.slug), part), part=part, look=look,
        beside=original_beside(visit, part), form=form_at(visit, part), sent=sent, view=view,
        **kept_with(visit, part, sent), base_path=part.base(newsletter.slug), found=findings(look),
        can_write=can_write, mark=looks_of(visit.studio).mark(visit, newsletter.slug),
        url=f"{visit.workspace.settings.public.url}/act/{newsletter.slug}",
        asking=f"?lang={part.language}" if part.language else "",
        imports=Markup(import_map(static_base())),  # noqa: S704 - names and addresses of our own
        editor={"labels": {"text": part.label}, "only": PAGE_TOOLS, "diagnostics": marks(look)},
        language=look.page.language if look.page else "",
        draft=drafts.unsaved(visit, part) if can_write else None,
        writing=drafts.writing(visit, part) if can_write else (),
    )  # fmt: skip


# What a page can hold of all that a mail can: it is the same for everybody, and loads nothing.
PAGE_TOOLS = ("bold", "heading", "list", "link", "note", "undo")


def look(visit: Visit, part: Part) -> Response:
    """What the panel shows of what is in the editor."""
    sent = read_sent(visit)
    fields, body = sent.get("fields", {}), sent.get("body", "")
    if not (isinstance(fields, dict) and isinstance(body, str)):
        raise HTTPException(400)
    form = form_at(visit, part)
    changed = changed_fields(cast(dict[str, object], fields), form)
    found = written_page(visit, part, body, as_values(changed, form))
    words, weight = fact_words(found)
    return JSONResponse({
        "look": found.id, "can": found.page is not None, "words": words, "weight": weight,
        "findings": piece(visit, "compose/findings.html", found=findings(found)), "marks": marks(found),
    })  # fmt: skip


def shown(visit: Visit, part: Part) -> Response:
    """The page for the frame. Its links lead nowhere: the frame may not go anywhere."""
    found, view = kept_page(visit, visit.path["look"]), read_panel_view(visit.query)
    if found is None or found.slug != visit.path["name"]:
        raise HTTPException(404)
    if found.page is None:
        return HTMLResponse("<!doctype html><title>No page yet</title>", headers=FRAMED)
    html = dressed(rendered(visit, part, found.page), view.scheme, narrow=view.shape == "phone")
    return HTMLResponse(html, headers=FRAMED | {"Content-Security-Policy": policy("data:")})


def begin(visit: Visit) -> Response:
    """Make the newsletter a sign page, and lead its button there."""
    slug = visit.path["name"]
    with visit.database.write() as connection:
        make_page(visit.workspace, connection, visit.who, slug, at=visit.now)
    into_git(visit.workspace, visit.database, visit.who, slug, f"Begin the sign page of {slug}")
    return RedirectResponse(f"/newsletters/{slug}/page/", 303)


def begin_thanks(visit: Visit) -> Response:
    """Write the first draft of the mail that thanks people for signing."""
    slug = visit.path["name"]
    with visit.database.write() as connection:
        one_at_a_time(connection)
        make_thanks(visit.workspace.newsletter(slug))
        audit.record(
            connection, visit.who, "mail of thanks begun", at=visit.now, subject=audit.newsletter_subject(slug)
        )
    into_git(visit.workspace, visit.database, visit.who, slug, f"Begin the mail of thanks of {slug}")
    return RedirectResponse(THANKS_MAIL.base(slug) + "/", 303)
