"""/archive: the newsletters that staff marked public, a page for each, and their Atom feed (RFC 4287).

A page has the words and pictures of the mail as somebody we know nothing about would get it: merge tags show their
fallbacks, and what belongs in a mail alone is left out (`pages.article`). Its links lead on without being counted,
since they are in nobody's mail.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from mimetypes import guess_type
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID
from xml.etree import ElementTree as ET

from markupsafe import escape
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.compose.merge import MergeProgram
from mailer.compose.templating.link_table import LANGUAGE_FIELD
from mailer.errors import MailerError
from mailer.store.tables.types import EPOCH
from mailer.web.pages.join_form import blank_form
from mailer.web.pages.languages import language_switch
from mailer.web.pages.share_card import LinkPreview
from mailer.web.public.core.context import Door, door_of
from mailer.web.public.core.public_issues import NOBODY, Entry
from mailer.web.public.core.redirect_url import location
from mailer.web.public.http.caching import unless_known
from mailer.web.public.mail.clicks import link_number
from mailer.web.public.mail.issue_pictures import link_preview, shown
from mailer.web.public.people.subscribe import language_asked
from mailer.xml_elements import add, begin

MOST_IN_FEED = 20
A_PAGE = 9  # newsletters: a large one and four rows of two, so that a page stays light
KEPT = {"Cache-Control": "public, max-age=300", "Vary": "Accept-Language"}
INDEXED = {**KEPT, "X-Robots-Tag": "all"}
ATOM = "http://www.w3.org/2005/Atom"


async def contents(request: Request) -> Response:
    """The list of newsletters, some to a page."""
    door = door_of(request)
    number = _page_number(request)
    read = partial(door.archive.entries, after=(number - 1) * A_PAGE, most=A_PAGE)
    entries, has_older = await door.threads.read(read, door.wishes(request))
    if not entries and number > 1:
        raise HTTPException(404)
    form = await _form(request, entries[0].list if entries else "")
    page = door.pages.response(
        "archive.html", door.language(request), headers=INDEXED if entries else KEPT, form=form,
        entries=[(entry, shown(door, entry, entry.picture)) for entry in entries], preview=_preview(door, entries),
        newer=_page_query(request, number - 1) if number > 1 else "",
        older=_page_query(request, number + 1) if has_older else "",
    )  # fmt: skip
    return unless_known(request, page)


def _page_number(request: Request) -> int:
    asked = request.query_params.get("page", "1")
    return int(asked) if asked.isascii() and asked.isdigit() and int(asked[:4]) > 0 and len(asked) < 5 else 1


def _page_query(request: Request, number: int) -> str:
    language = request.query_params.get(LANGUAGE_FIELD, "")[:20]
    return "?" + urlencode({**({LANGUAGE_FIELD: language} if language else {}), "page": number})


async def show(request: Request) -> Response:
    """One newsletter, in the language that its reader asks for or prefers, and links to the others."""
    door = door_of(request)
    issue = await door.threads.read(door.archive.issue, str(request.path_params["slug"]), door.wishes(request))
    if issue is None:
        raise HTTPException(404)
    language = door.language(request)
    form = await _form(request, issue.entry.list)
    switch = language_switch(issue.spoken, issue.entry.language, {})
    page = door.pages.response(
        "issue.html", language, headers=INDEXED, article=issue.article, entry=issue.entry, form=form, switch=switch,
        lead=shown(door, issue.entry, issue.article.lead), preview=link_preview(door, issue.entry),
    )  # fmt: skip
    return unless_known(request, page)


def _preview(door: Door, entries: Sequence[Entry]) -> LinkPreview | None:
    """What other sites show of a link to the list: the newest newsletter's card."""
    if not entries:
        return None
    settings = door.workspace.settings
    newest = link_preview(door, entries[0])
    return replace(newest, title=settings.organisation.name, url=f"{settings.public.url}/archive", kind="website")


async def _form(request: Request, name: str) -> dict[str, Any] | None:
    """A short form to sign up with: for this list if anybody may join it, else for the first that is open."""
    door = door_of(request)
    lists = await door.threads.read(door.open_lists)
    chosen = sorted(lists, key=lambda one: one.name != name)[:1]
    return blank_form(chosen[0], query=language_asked(request)) | {"brief": True} if chosen else None


async def follow(request: Request) -> Response:
    """Redirect a link of an archived newsletter; nothing is counted."""
    door = door_of(request)
    number = link_number(request.path_params["n"])
    for one in await door.threads.read(door.archive.every_version, str(request.path_params["slug"])):
        for link in one.links:
            if link.n == number:
                try:
                    target = location(MergeProgram(one).destination(link, NOBODY))
                except MailerError:
                    raise HTTPException(404) from None
                return Response(status_code=302, headers={"Location": target})
    raise HTTPException(404)


async def feed(request: Request) -> Response:
    """The newest newsletters for feed readers."""
    door = door_of(request)
    entries, _ = await door.threads.read(partial(door.archive.entries, most=MOST_IN_FEED), door.wishes(request))
    settings = door.workspace.settings
    xml = atom(entries, base=settings.public.url, organisation=settings.organisation.name, key=door.network_key)
    return unless_known(request, Response(xml, media_type="application/atom+xml", headers=INDEXED))


def atom(entries: Sequence[Entry], *, base: str, organisation: str, key: bytes = b"") -> bytes:
    """The feed as XML. The ids of feed and entries are made with the workspace's `key` and don't change with the public
    address (RFC 4287 §4.2.6), so that a move shows nobody the old newsletters as new."""
    root = begin("feed", ATOM)
    add(root, "title", organisation or base)
    add(root, "id", _id(key, "feed"))
    add(root, "link", rel="self", href=f"{base}/archive/feed.atom")
    add(root, "link", rel="alternate", type="text/html", href=f"{base}/archive")
    add(add(root, "author"), "name", organisation or base)
    # A feed must say when it changed, also while it is empty (RFC 4287 §4.2.15).
    add(root, "updated", max((entry.sent_at for entry in entries), default=EPOCH).isoformat())
    for entry in entries:
        item = add(root, "entry")
        item.set("{http://www.w3.org/XML/1998/namespace}lang", entry.language)
        address = f"{base}/archive/{entry.slug}"
        add(item, "title", entry.headline)
        add(item, "id", _id(key, f"entry {entry.number or entry.slug}"))
        add(item, "link", rel="alternate", type="text/html", href=address)
        add(item, "updated", entry.sent_at.isoformat())
        add(item, "summary", entry.preheader)
        if entry.picture:
            origin = base.removesuffix(urlsplit(base).path)
            src = f"{origin}{entry.picture.src}"
            add(item, "link", rel="enclosure", type=guess_type(src)[0] or "image/png", href=src)
            words = (
                f'<p><img src="{escape(src)}" alt="{escape(entry.picture.alt)}"></p><p>{escape(entry.preheader)}</p>'
            )
            add(item, "content", words, type="html")
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def _id(key: bytes, what: str) -> str:
    return UUID(bytes=hmac.digest(key, b"mailer.archive." + what.encode(), "sha256")[:16], version=5).urn
