"""/archive: the newsletters that staff marked public, a page for each, and their Atom feed (RFC 4287).

A page shows the mail as somebody would get it of whom nothing is known: merge tags show their fallbacks. Its links lead
on without being counted, since nobody's mail they stand in; those of the footer lead to the pages anyone may see.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from mailer.compose.merge import MergeProgram, Urls
from mailer.errors import MailerError
from mailer.store.base import EPOCH
from mailer.web.public.archived import NOBODY, Entry
from mailer.web.public.clicks import link_number
from mailer.web.public.door import door_of
from mailer.web.public.locations import location
from mailer.web.public.viewing import mail_policy
from mailer.xmlwriting import add, begin

MOST_IN_FEED = 20
KEPT = {"Cache-Control": "public, max-age=300"}
INDEXED = {**KEPT, "X-Robots-Tag": "all"}
ATOM = "http://www.w3.org/2005/Atom"


async def contents(request: Request) -> Response:
    """The list of newsletters."""
    door = door_of(request)
    entries = await door.wait_for(door.archive.entries)
    language = door.language(request)
    return door.pages.response("archive.html", language, headers=INDEXED, entries=entries)


async def show(request: Request) -> Response:
    """One newsletter."""
    door = door_of(request)
    slug = str(request.path_params["slug"])
    program = await _program(request, slug)
    base = door.workspace.settings.public.url
    here = f"{base}/archive/{slug}"
    html = program.html(NOBODY, Urls(click=f"{here}/go", unsubscribe=f"{base}/", view=here, preferences=f"{base}/"))
    return HTMLResponse(html, headers={**INDEXED, "Content-Security-Policy": mail_policy(door)})


async def follow(request: Request) -> Response:
    """A link of an archived newsletter leads on; nothing is counted."""
    program = await _program(request, str(request.path_params["slug"]))
    number = link_number(request.path_params["n"])
    link = next((link for link in program.message.links if link.n == number), None)
    if link is None:
        raise HTTPException(404)
    try:
        target = location(program.destination(link, NOBODY))
    except MailerError:
        raise HTTPException(404) from None
    return Response(status_code=302, headers={"Location": target})


async def feed(request: Request) -> Response:
    """The newest newsletters for feed readers."""
    door = door_of(request)
    entries = await door.wait_for(door.archive.entries)
    settings = door.workspace.settings
    return Response(
        atom(entries[:MOST_IN_FEED], base=settings.public.url, organisation=settings.organisation.name),
        media_type="application/atom+xml",
        headers=INDEXED,
    )


async def _program(request: Request, slug: str) -> MergeProgram:
    door = door_of(request)
    program = await door.wait_for(door.archive.program, slug, door.workspace.settings.public.url)
    if program is None:
        raise HTTPException(404)
    return program


def atom(entries: Sequence[Entry], *, base: str, organisation: str) -> bytes:
    """The feed as XML. An entry's id is its address, which never changes as long as the public address doesn't."""
    root = begin("feed", ATOM)
    add(root, "title", organisation or base)
    add(root, "id", f"{base}/archive")
    add(root, "link", rel="self", href=f"{base}/archive/feed.atom")
    add(root, "link", rel="alternate", type="text/html", href=f"{base}/archive")
    add(add(root, "author"), "name", organisation or base)
    # A feed must say when it changed, also while it is empty (RFC 4287 §4.2.15).
    add(root, "updated", max((entry.sent_at for entry in entries), default=EPOCH).isoformat())
    for entry in entries:
        item = add(root, "entry")
        item.set("{http://www.w3.org/XML/1998/namespace}lang", entry.language)
        address = f"{base}/archive/{entry.slug}"
        add(item, "title", entry.subject)
        add(item, "id", address)
        add(item, "link", rel="alternate", type="text/html", href=address)
        add(item, "updated", entry.sent_at.isoformat())
        add(item, "summary", entry.preheader)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)
