"""The addresses of the Write room: the page, the look of what is being written, and what its frame shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from mailer.automations.definition import messages_in_order
from mailer.compose.merge import BadDestination
from mailer.compose.source.text_file import LARGEST_BYTES
from mailer.delivery.thanks.queue import count_thanks
from mailer.editing.pictures import MOST_UPLOADED
from mailer.errors import MailerError
from mailer.staff.rights import Right
from mailer.web.studio.compose import drafts, page_room, pictures, proof
from mailer.web.studio.compose.editor_options import count, editor_options
from mailer.web.studio.compose.fields import changed_fields, form_of
from mailer.web.studio.compose.looks import DraftLook, Written, head_of, looks_of, saved_text
from mailer.web.studio.compose.panel import (
    PanelView,
    data_shown,
    fact_words,
    findings,
    inboxes,
    lengths,
    letter_of,
    marks,
    read_panel_view,
    reader_for,
    readers,
    searched,
    sees_people,
    versions,
)
from mailer.web.studio.compose.parts import (
    MAIL,
    MESSAGE,
    PARTS,
    THANKS_MAIL,
    Part,
    message_part,
    of_original,
    of_translation,
    tabs,
)
from mailer.web.studio.compose.saving import SentForm, form_at, kept_with, read_form, read_sent, save_text
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.live import live
from mailer.web.studio.core.pages import ShownStep, page, way
from mailer.web.studio.core.pages import part as piece
from mailer.web.studio.core.rooms import Access, Fact, Room, Step, StudioRoute, Weight
from mailer.web.studio.core.static import static_base
from mailer.web.studio.newsletters.listing import ListedNewsletter, one
from mailer.web.studio.preview.frame import FRAMED, dressed, policy
from mailer.web.studio.preview.progress import with_progress
from mailer.web.studio.translate.since import original_beside
from mailer.web.studio.vendored import import_map

OWN_PAGES = {
    "unsubscribe": "the page where this person leaves the list",
    "view": "this mail in the browser",
    "preferences": "the page where this person chooses lists",
}
LOOK_EVERY_SECONDS = 0.2
MOST_SENT = 8 * LARGEST_BYTES  # a form: the text and what it is based on, where one byte may be written as three
HERE = "/newsletters/{name}"
LOOK = f"{HERE}/look/{{look}}"


def show(visit: Visit, part: Part = MAIL) -> Response:
    """The page, with the newsletter as it is saved."""
    if part.name == MAIL.name and visit.workspace.newsletter(visit.path["name"]).is_automation:
        return RedirectResponse(f"/automations/{visit.path['name']}", 303)
    if not page_room.is_there(visit, part):
        return page_room.offered(visit, part)
    look = looks_of(visit.studio).checked(visit, visit.path["name"], part)
    return _page(visit, look, SentForm(_saved_body(visit, part), {}, done=visit.query.get("done", "")), part=part)


def show_written(visit: Visit, part: Part = MAIL) -> Response:
    """The same with what was typed, saved where that was pressed, for browsers without script."""
    if not page_room.is_there(visit, part):  # it was taken away meanwhile
        return RedirectResponse(f"{part.base(visit.path['name'])}/", 303)
    sent = read_form(visit, part, shown=_saved_body(visit, part))
    if sent.done and not sent.wrong:
        return RedirectResponse(f"{part.base(visit.path['name'])}/?done={sent.done}", 303)
    looks = looks_of(visit.studio)
    written = Written(sent.body, sent.changed)
    look = looks.whole(visit, looks.written(visit, visit.path["name"], written, part))
    return _page(visit, look, sent, part=part)


def look(visit: Visit, part: Part = MAIL) -> Response:
    """What the panel shows of what is in the editor: sent as JSON, since a form would change its line ends."""
    sent = read_sent(visit)
    fields, body, viewed = sent.get("fields", {}), sent.get("body", ""), sent.get("view", {})
    if not (isinstance(fields, dict) and isinstance(body, str) and isinstance(viewed, dict)):
        raise HTTPException(400)
    changed = changed_fields(cast(dict[str, object], fields), form_at(visit, part))
    looks = looks_of(visit.studio)
    found = looks.written(visit, visit.path["name"], Written(body, changed), part)
    if whole := bool(sent.get("whole")):
        found = looks.whole(visit, found)
    view = read_panel_view({name: str(value) for name, value in cast(dict[str, Any], viewed).items()})
    letter = letter_of(visit, found, view)
    words, weight = fact_words(found)
    return JSONResponse({
        "look": found.id, "can": found.press is not None, "words": words, "weight": weight,
        "text": letter.text if letter else "", "lengths": lengths(found, letter),
        "inboxes": piece(visit, "compose/inboxes.html", lines=inboxes(found, letter, visit), letter=letter),
        "findings": piece(
            visit, "compose/findings.html", found=findings(found), data=data_shown(found), slug=found.slug
        ),
        "marks": marks(found),
        "partial": not (whole or found.errors),  # there may be more to find: what was found last stays on the page
    })  # fmt: skip


def who_reads(visit: Visit) -> Response:
    """The menu of readers: versions of the mail, and people who were searched for."""
    found = looks_of(visit.studio).kept(visit.query.get("look", ""))
    if found is None or found.slug != visit.path["name"]:
        found = looks_of(visit.studio).saved(visit, visit.path["name"])
    view, words = read_panel_view(visit.query), visit.query.get("q", "").strip()[:100]
    people = searched(visit, found, words) if words else None
    shown = readers(visit, found)
    kinds = None if people is not None else versions(visit, found)
    html = piece(
        visit,
        "compose/readers.html",
        readers=shown,
        view=view,
        kinds=kinds,
        people=people,
        words=words,
        sees_people=_searches(visit, found),
    )
    return HTMLResponse(html)


def changes(visit: Visit) -> Response:
    """Events whenever one of the newsletter's files is saved, here or by anybody's editor."""
    slug = visit.path["name"]
    return live(visit, lambda later: looks_of(later.studio).mark(later, slug), every_seconds=LOOK_EVERY_SECONDS)


def mail(visit: Visit) -> Response:
    """The mail for the frame, merged and dressed as the address asks."""
    found, view = _look(visit), read_panel_view(visit.query)
    if found.press is None:
        return HTMLResponse("<!doctype html><title>No mail yet</title>", headers=FRAMED)
    reader = reader_for(visit, view.reader).supporter
    press = found.press.read_by(reader) if visit.query.get("whose") == "theirs" else found.press
    html = press.in_frame(reader, base=_base(found), place=view.path)
    pictures = f"{_origin(visit)}{_base(found)}/pictures/ data:" if view.pictures else ""
    headers = FRAMED | {"Content-Security-Policy": policy(pictures)}
    return HTMLResponse(dressed(with_progress(visit, html), view.scheme, narrow=view.shape == "phone"), headers=headers)


def picture(visit: Visit) -> Response:
    """A picture of the mail that is shown."""
    found = _look(visit)
    try:
        image = found.press.picture(visit.path["digest"]) if found.press else None
    except MailerError:
        image = None
    if image is None:
        raise HTTPException(404)
    return Response(image[1], media_type=image[0].content_type)


def link(visit: Visit) -> Response:
    """Where a link leads for this reader: told, not followed."""
    found, view = _look(visit), read_panel_view(visit.path)
    led = found.press.link(int(visit.path["n"])) if found.press else None
    if led is None:
        raise HTTPException(404)
    target, program = led
    try:
        destination = program.destination(target, reader_for(visit, view.reader).supporter)
    except BadDestination:
        destination = ""
    return _framed(visit, found, view, target.label, destination=destination, is_action=target.is_action)


def own_page(visit: Visit) -> Response:
    """Where the reader's own addresses lead."""
    about = OWN_PAGES.get(visit.path["page"])
    if about is None:
        raise HTTPException(404)
    return _framed(visit, _look(visit), read_panel_view(visit.path), about)


def send_proof(visit: Visit, part: Part = MAIL) -> Response:
    """Mail a proof of the saved newsletter, and show the page with what became of it."""
    found = looks_of(visit.studio).saved(visit, visit.path["name"], part)
    told = proof.send(visit, found, reader_for(visit, visit.form.get("as")), visit.form.get("to"))
    return _page(visit, found, SentForm(_saved_body(visit, part), {}), told=told, part=part)


def _page(
    visit: Visit, found: DraftLook, sent: SentForm, *, part: Part, told: proof.ProofResult | None = None
) -> Response:
    newsletter, view = one(visit, found.slug), read_panel_view(visit.query)
    letter = letter_of(visit, found, view)
    can_write = visit.who.may(Right.WRITE) and (part.name != MAIL.name or not newsletter.was_sent)
    return page(
        visit, "compose/write.html", newsletter=newsletter, steps=_steps(visit, newsletter, part), look=found,
        tabs=tabs(visit.workspace.newsletter(newsletter.slug), part), part=part, base_path=part.base(newsletter.slug),
        form=form_at(visit, part) if part.language else form_of(found.source, visit.workspace),
        thanked=_thanked(visit, part),
        sent=sent, view=view, letter=letter, beside=original_beside(visit, part), **kept_with(visit, part, sent),
        lines=inboxes(found, letter, visit), found=findings(found), data=data_shown(found), slug=found.slug,
        lengths=lengths(found, letter),
        readers=readers(visit, found), language=found.source.language if found.source else "",
        sees_people=_searches(visit, found), told=told,
        kinds=None, people=None, words="", mark=looks_of(visit.studio).mark(visit, found.slug),
        imports=Markup(import_map(static_base())),  # noqa: S704 - names and addresses of our own
        reader=reader_for(visit, view.reader), can_write=can_write,
        editor=editor_options(visit, found) if can_write else {},
        draft=drafts.unsaved(visit, part) if can_write else None,
        writing=drafts.writing(visit, part) if can_write else (),
    )  # fmt: skip


def _steps(visit: Visit, newsletter: ListedNewsletter, part: Part) -> list[ShownStep]:
    """The way of a newsletter; of an automation its drawing, and each of its messages."""
    if not newsletter.file.is_automation:
        return way(visit, newsletter, here="write")
    slug, files = newsletter.slug, messages_in_order(visit.workspace.newsletter(newsletter.slug))
    found = [ShownStep("Automation", f"/automations/{slug}", "All its steps", "", is_here=False, apart=False)]
    for file in files:
        one = message_part(file)
        here = file == part.original_file
        found.append(ShownStep(one.label, f"{one.base(slug)}/", "Mail", "", is_here=here, apart=False))
    return found


def _searches(visit: Visit, found: DraftLook) -> bool:
    """Whether the menu of readers finds people: a mail of thanks has no audience that they could be in."""
    return sees_people(visit) and not found.is_thanks


def _thanked(visit: Visit, part: Part) -> Mapping[str, int]:
    """How many were thanked by mail, by what became of it."""
    if part.name != THANKS_MAIL.name:
        return {}
    with visit.database.read() as connection:
        return count_thanks(connection, visit.path["name"])


def _framed(
    visit: Visit,
    found: DraftLook,
    view: PanelView,
    about: str,
    *,
    destination: str | None = None,
    is_action: bool = False,
) -> Response:
    """A small page in the mail's frame, with the way back. `destination`: "" for a bad one, None for our own pages."""
    return page(
        visit, "compose/link.html", headers=FRAMED | {"Content-Security-Policy": policy("")}, about=about,
        destination=destination, action=is_action, host=urlsplit(destination or "").hostname or "",
        back=f"{_base(found)}/mail?as={view.reader}&shape={view.shape}",
    )  # fmt: skip


def _saved_body(visit: Visit, part: Part) -> str:
    text = saved_text(visit.workspace.newsletter(visit.path["name"]).folder, part.file)
    return text.removeprefix(head_of(text))


def _look(visit: Visit) -> DraftLook:
    """The look an address names. Its newsletter must be the one in the address, too."""
    found = looks_of(visit.studio).kept(visit.path["look"])
    if found is None or found.slug != visit.path["name"]:
        raise HTTPException(404)
    return found


def _base(found: DraftLook) -> str:
    return f"/newsletters/{found.slug}/look/{found.id}"


def _origin(visit: Visit) -> str:
    host = visit.request.headers["host"]
    return next(origin for origin in visit.studio.origins if urlsplit(origin).netloc == host)


def _fact(visit: Visit, newsletter: ListedNewsletter) -> Fact:
    if newsletter.was_sent or newsletter.is_moving:
        return Fact("As sent")
    words, weight = fact_words(looks_of(visit.studio).checked(visit, newsletter.slug))
    return Fact(words, Weight(weight))


def _of_text(part: Part) -> Iterator[StudioRoute]:
    """What each text has at its address, in every language: its room, looks at it, saving, and drafts."""
    for here, at in ((f"{HERE}/{part.path}", of_original), (f"{HERE}/in/{{language}}/{part.path}", of_translation)):
        base = here.rstrip("/")
        room, written, seen = (
            (show, show_written, look) if part.is_mail else (page_room.show, page_room.show_written, page_room.look)
        )
        yield StudioRoute(f"{base}/", at(room, part), Access.SIGNED_IN)
        yield StudioRoute(f"{base}/", at(written, part), Right.WRITE, method="POST", most_bytes=MOST_SENT)
        yield StudioRoute(f"{base}/look", at(seen, part), Right.WRITE, method="POST", most_bytes=2 * LARGEST_BYTES)
        for name, handle in (("save", save_text), ("draft", drafts.keep)):
            most = 4 * LARGEST_BYTES
            yield StudioRoute(f"{base}/{name}", at(handle, part), Right.WRITE, method="POST", most_bytes=most)
        yield StudioRoute(f"{base}/drafts", at(drafts.show_all, part), Right.WRITE)
        yield StudioRoute(f"{base}/drafts/{{draft}}", at(drafts.show_one, part), Right.WRITE)
        if part.is_mail:
            yield StudioRoute(f"{base}/proof", at(send_proof, part), Right.PROOF, method="POST")
        else:
            yield StudioRoute(f"{base}/look/{{look}}/page", at(page_room.shown, part), Access.SIGNED_IN)


ROOM = Room(
    routes=(
        *(route for part in (*PARTS, MESSAGE) for route in _of_text(part)),
        StudioRoute(f"{HERE}/known", count, Right.WRITE),
        StudioRoute(f"{HERE}/pictures", pictures.add, Right.WRITE, method="POST", most_bytes=MOST_UPLOADED),
        StudioRoute(f"{HERE}/pictures/{{file}}", pictures.show, Access.SIGNED_IN),
        StudioRoute(f"{HERE}/page", page_room.begin, Right.WRITE, method="POST"),
        StudioRoute(f"{HERE}/thanks-mail", page_room.begin_thanks, Right.WRITE, method="POST"),
        StudioRoute(f"{HERE}/readers", who_reads, Access.SIGNED_IN),
        StudioRoute(f"{HERE}/changes", changes, Access.SIGNED_IN),
        StudioRoute(f"{LOOK}/mail", mail, Access.SIGNED_IN),
        StudioRoute(f"{LOOK}/pictures/{{digest}}", picture, Access.SIGNED_IN),
        StudioRoute(f"{LOOK}/go/{{shape}}/{{as}}/{{n:int}}", link, Access.SIGNED_IN),
        StudioRoute(f"{LOOK}/own/{{shape}}/{{as}}/{{page}}", own_page, Access.SIGNED_IN),
    ),
    steps=(Step("write", "Write", "", order=1, fact=_fact),),
)
