"""/archive/<slug>/picture/… and /archive/<slug>/card/…: the pictures of a public newsletter in the sizes that pages
show, and what other sites show of a link to it. They are made as those of sign pages (`petition.pictures`)."""

from __future__ import annotations

import hashlib
from dataclasses import astuple

from sqlalchemy import select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.compose.action_page.page_pictures import PagePicture
from mailer.locale.language import choose
from mailer.store.tables.core import images
from mailer.web.last_used import LastUsed
from mailer.web.pages.article import ArticlePicture
from mailer.web.pages.picture_sizes import JPEG, NAME, TYPES, SizedPicture, made, sized
from mailer.web.pages.share_card import CardWords, LinkPreview, share_card
from mailer.web.public.core.context import Door, door_of
from mailer.web.public.core.public_issues import Entry
from mailer.web.public.http.caching import unless_known
from mailer.web.public.petition.pictures import FOR_A_MINUTE, FOR_EVER, HEADERS, brand_logo

KEPT = 64  # pictures in memory; a large one has 150 kB

_made = LastUsed[tuple[str, ...], bytes](KEPT)


def shown(door: Door, entry: Entry, picture: ArticlePicture | None) -> SizedPicture | None:
    """A picture of the newsletter as a page's HTML names it; None without one, or where its size isn't known."""
    if picture is None or picture.size is None or not (digest := picture.digest):
        return None
    there = PagePicture(entry.slug, picture.alt, digest, *picture.size)
    return sized(there, f"{door.pages.root}/archive/{entry.slug}/picture")


def link_preview(door: Door, entry: Entry) -> LinkPreview:
    """What the page's HTML tells other sites of a newsletter."""
    address = f"{door.workspace.settings.public.url}/archive/{entry.slug}"
    return LinkPreview(
        title=entry.headline, description=entry.preheader or entry.headline, url=address,
        image=f"{address}/card/{_card_name(door, entry)}",
        alt=(entry.picture.alt if entry.picture else "") or entry.headline, kind="article",
    )  # fmt: skip


async def show(request: Request) -> Response:
    """A picture in one of the sizes."""
    door = door_of(request)
    found = NAME.fullmatch(str(request.path_params["name"]))
    entries = await door.threads.read(door.archive.versions, str(request.path_params["slug"]))
    if found is None or found[1] not in {one.digest for entry in entries for one in entry.pictures}:
        raise HTTPException(404)
    content = await door.threads.read(_sized, door, found[1], int(found[2]), found[3])
    headers = {**HEADERS, "ETag": f'"{found[0]}"'}
    return unless_known(request, Response(content, media_type=TYPES[found[3]], headers=headers))


async def card(request: Request) -> Response:
    """What other sites show of a link to the newsletter."""
    door, asked = door_of(request), str(request.path_params["name"])
    entries = await door.threads.read(door.archive.versions, str(request.path_params["slug"]))
    if not entries:
        raise HTTPException(404)
    names = {_card_name(door, entry): entry for entry in entries}
    name = asked if asked in names else next(iter(names))
    content = await door.threads.read(_card, door, names[name], name)
    kept = FOR_EVER if name == asked else FOR_A_MINUTE
    headers = {**HEADERS, "Cache-Control": kept, "ETag": f'"{name}"'}
    return unless_known(request, Response(content, media_type=TYPES[JPEG], headers=headers))


def _words(door: Door, entry: Entry) -> CardWords:
    language = choose(entry.language)
    return CardWords(entry.headline, "", door.workspace.settings.organisation.name, language.direction)


def _card_name(door: Door, entry: Entry) -> str:
    """The card's file name: it changes with anything that is on it."""
    brand = door.workspace.settings.brand
    picture = entry.picture.digest if entry.picture else ""
    parts = (*astuple(_words(door, entry)), picture, repr(door.pages.look.light), brand.logo, brand.logo_dark)
    return f"{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:16]}.{JPEG}"


def _card(door: Door, entry: Entry, name: str) -> bytes:
    if (kept := _made.get((name,))) is not None:
        return kept
    data = _content(door, entry.picture.digest) if entry.picture else None
    drawn = share_card(_words(door, entry), door.pages.look.light, picture=data, logo=brand_logo(door))
    return _made.keep((name,), drawn)


def _sized(door: Door, digest: str, width: int, ending: str) -> bytes:
    key = (digest, str(width), ending)
    kept = _made.get(key)
    data = _content(door, digest) if kept is None else None
    if kept is None and data is None:
        raise HTTPException(404)
    return kept if kept is not None else _made.keep(key, made(data or b"", width, ending))


def _content(door: Door, digest: str) -> bytes | None:
    with door.database.read() as connection:
        return connection.execute(select(images.c.content).where(images.c.digest == digest)).scalar()
