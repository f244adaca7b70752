"""The addresses of the preview: the page, the framed mail, its pictures, where links lead, changes, and a proof."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncGenerator
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse

from mailer.compose.merge import BadDestination
from mailer.errors import MailerError
from mailer.web.studio import proof
from mailer.web.studio.page_state import Scene, Studio, scene, studio_of
from mailer.web.studio.preview.frame import dressed, marked, policy
from mailer.web.studio.preview.sample_readers import HARD_CASES, Reader, reader_of
from mailer.web.studio.preview.tabs import TABS, WIDE, WIDTHS, View, read_view
from mailer.web.studio.templates import asset, page

LOOK_EVERY_SECONDS = 0.05
QUIET_SECONDS = 15.0  # after which a word is said on an idle line, which finds those that are gone
LONGEST_FORM_BYTES = 16_384

OWN_PAGES = {
    "unsubscribe": "the page where this person leaves the list",
    "view": "this mail in the browser",
    "preferences": "the page where this person chooses lists",
}


async def show(request: Request) -> Response:
    """The page."""
    studio, view = studio_of(request), read_view(request.query_params)
    return _page(studio, await run_in_threadpool(scene, studio, view))


async def send_proof(request: Request) -> Response:
    """Mail a proof, and show the page again with what became of it."""
    studio = studio_of(request)
    if int(request.headers.get("content-length", "0") or 0) > LONGEST_FORM_BYTES:
        raise HTTPException(413)
    form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    if not hmac.compare_digest(form.get("token", "").encode(), studio.keys.form.encode()):
        raise HTTPException(403)
    view = read_view(form)

    def sent() -> Scene:
        return scene(studio, view, proof.send(studio.desk, _reader(studio, view), form.get("to", "").strip()))

    return _page(studio, await run_in_threadpool(sent))


async def mail(request: Request) -> Response:
    """The mail for the frame, merged and dressed as the address asks."""
    studio, view = studio_of(request), read_view(request.query_params)
    html = await run_in_threadpool(_framed, studio, view, follow="after" in request.query_params)
    pictures = f"{_origin(request)}{studio.keys.base}/pictures/" if view.tab.pictures else ""
    headers = {"Content-Security-Policy": policy(pictures), "Referrer-Policy": "no-referrer"}
    return HTMLResponse(html, headers=headers)


async def picture(request: Request) -> Response:
    """A picture of the mail that is shown."""
    studio = studio_of(request)
    press = studio.desk.look().press
    try:
        found = press.picture(request.path_params["digest"]) if press else None
    except MailerError:
        found = None
    if found is None:
        raise HTTPException(404)
    image, content = found
    # A mail in its frame is of no origin, so to the browser its pictures come from another one.
    return Response(content, media_type=image.content_type, headers={"Cross-Origin-Resource-Policy": "cross-origin"})


async def link(request: Request) -> Response:
    """Where a link leads for this person: told, not followed."""
    studio, view = studio_of(request), read_view(request.path_params)

    def told() -> Response:
        press = studio.desk.look().press
        found = press.link(int(request.path_params["n"])) if press else None
        if press is None or found is None:
            raise HTTPException(404)
        try:
            destination = press.builder.program.destination(found, _reader(studio, view).supporter)
        except BadDestination:
            destination = ""
        return _framed_page(studio, view, found.label, destination=destination, action=found.is_action)

    return await run_in_threadpool(told)


async def own_page(request: Request) -> Response:
    """Where the person's own addresses lead."""
    about = OWN_PAGES.get(request.path_params["name"])
    if about is None:
        raise HTTPException(404)
    return _framed_page(studio_of(request), read_view(request.path_params), about)


async def changes(request: Request) -> Response:
    """Server-sent events: the page's mark whenever it is another one than the reader has seen."""
    studio, seen = studio_of(request), request.query_params.get("seen", "")
    return StreamingResponse(_marks(studio, seen), media_type="text/event-stream")


async def give_asset(request: Request) -> Response:
    found = asset(request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    return found


async def _marks(studio: Studio, seen: str) -> AsyncGenerator[str, None]:
    yield "retry: 500\n\n"
    quiet = 0.0
    while not studio.stopping.is_set():
        mark = await run_in_threadpool(studio.desk.mark)
        if mark != seen or quiet >= QUIET_SECONDS:
            yield f"data: {mark}\n\n" if mark != seen else ": still here\n\n"
            seen, quiet = mark, 0.0
        await asyncio.sleep(LOOK_EVERY_SECONDS)
        quiet += LOOK_EVERY_SECONDS


def _page(studio: Studio, shown: Scene) -> Response:
    return page(
        "preview.html", base=studio.keys.base, token=studio.keys.form, slug=studio.desk.slug, scene=shown,
        view=shown.view, tabs=TABS, widths=WIDTHS, wide=WIDE, hard_cases=HARD_CASES,
    )  # fmt: skip


def _framed_page(
    studio: Studio, view: View, about: str, *, destination: str | None = None, action: bool = False
) -> Response:
    """A small page in the mail's frame, with the way back. `destination`: "" for a bad one, None for our own pages."""
    return page(
        "link.html", policy=policy(""), about=about, destination=destination, action=action,
        host=urlsplit(destination or "").hostname or "", back=f"{studio.keys.base}/mail?{view.query()}",
    )  # fmt: skip


def _framed(studio: Studio, view: View, *, follow: bool) -> str:
    showing = studio.desk.look()
    if showing.press is None:
        return "<!doctype html><title>No mail yet</title>"
    supporter = _reader(studio, view).supporter
    html = showing.press.in_frame(supporter, base=studio.keys.base, place=view.path)
    if follow and showing.before:
        html = marked(html, showing.before.in_frame(supporter, base=studio.keys.base, place=view.path))
    return dressed(html, view.tab.look, narrow=view.width != WIDE)


def _reader(studio: Studio, view: View) -> Reader:
    with studio.desk.database.read() as connection:
        return reader_of(connection, view.reader)


def _origin(request: Request) -> str:
    return f"http://{request.headers['host']}"
