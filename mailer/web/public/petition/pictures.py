"""/act/<slug>/picture/… and /act/<slug>/card/…: the pictures of a sign page, and what other sites show of a link.

They are made when they are first asked for, and the last are kept in memory. An address has the digest of its
content, so browsers keep it for a year. Posts are read for longer than that: the address of an older card shows the one
there is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import astuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.compose.action_page.page_pictures import PagePicture, digest_of
from mailer.compose.action_page.parse import ActionPage
from mailer.locale.language import choose
from mailer.web.last_used import LastUsed
from mailer.web.pages.picture_sizes import JPEG, NAME, TYPES, made
from mailer.web.pages.share_card import CardWords, LinkPreview, share_card
from mailer.web.public.core.context import Door, door_of
from mailer.web.public.http.caching import unless_known

KEPT = 64  # pictures in memory; a large one has 150 kB
FOR_EVER = "public, max-age=31536000, immutable"  # the address changes with the content
HEADERS = {"Cache-Control": FOR_EVER, "Cross-Origin-Resource-Policy": "cross-origin", "X-Robots-Tag": "all"}
FOR_A_MINUTE = "public, max-age=60"

_made = LastUsed[tuple[str, ...], bytes](KEPT)


async def show(request: Request) -> Response:
    """A picture in one of the sizes."""
    door = door_of(request)
    found = NAME.fullmatch(str(request.path_params["name"]))
    pages = await door.threads.read(door.acts.all, str(request.path_params["slug"]))
    shown = [(page, one) for page in pages for one in page.poster.pictures if found and one.digest == found[1]]
    if found is None or not shown:
        raise HTTPException(404)
    content = await door.threads.read(_sized, door, *shown[0], int(found[2]), found[3])
    if content is None:
        raise HTTPException(404)
    headers = {**HEADERS, "ETag": f'"{found[0]}"'}
    return unless_known(request, Response(content, media_type=TYPES[found[3]], headers=headers))


async def card(request: Request) -> Response:
    """What other sites show of a link to the page."""
    door = door_of(request)
    pages = await door.threads.read(door.acts.all, str(request.path_params["slug"]))
    if not pages:
        raise HTTPException(404)
    names = {card_name(door, page): page for page in pages}
    asked = str(request.path_params["name"])
    name = asked if asked in names else next(iter(names))
    page = names[name]
    content = await door.threads.read(_card, door, page, name)
    kept = FOR_EVER if name == asked else FOR_A_MINUTE
    headers = {**HEADERS, "Cache-Control": kept, "ETag": f'"{name}"'}
    return unless_known(request, Response(content, media_type=TYPES[JPEG], headers=headers))


def link_preview(door: Door, page: ActionPage) -> LinkPreview:
    """What the page's HTML tells other sites about it."""
    base = f"{door.workspace.settings.public.url}/act"
    picture = page.poster.card or page.poster.picture
    return LinkPreview(
        title=page.headline, description=page.description, url=f"{base}/{page.path}",
        image=f"{base}/{page.slug}/card/{card_name(door, page)}",
        alt=(picture.alt if picture and picture.alt else page.headline),
    )  # fmt: skip


def card_words(door: Door, page: ActionPage) -> CardWords:
    """What is written on the page's card, in the page's language."""
    language = choose(page.language)
    button = page.button or language.say("Add your name")
    return CardWords(page.headline, button, door.workspace.settings.organisation.name, language.direction)


def card_name(door: Door, page: ActionPage) -> str:
    """The card's file name: it changes with anything that is on it."""
    settings, poster = door.workspace.settings, page.poster
    shown = [one.digest for one in (poster.card, poster.picture) if one]
    parts = (*astuple(card_words(door, page)), *shown, repr(door.pages.look.light), settings.brand.logo)
    return f"{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:16]}.{JPEG}"


def _sized(door: Door, page: ActionPage, picture: PagePicture, width: int, ending: str) -> bytes | None:
    key = (picture.digest, str(width), ending)
    if (kept := _made.get(key)) is not None:
        return kept
    data = _read(door, page, picture)
    return None if data is None else _made.keep(key, made(data, width, ending))


def _card(door: Door, page: ActionPage, name: str) -> bytes:
    if (kept := _made.get((name,))) is not None:
        return kept
    own, picture = page.poster.card, page.poster.picture
    if own is not None and (data := _read(door, page, own)) is not None:
        return _made.keep((name,), made(data, 1200, JPEG))
    data = _read(door, page, picture) if picture else None
    drawn = share_card(card_words(door, page), door.pages.look.light, picture=data, logo=brand_logo(door))
    return _made.keep((name,), drawn)


def _read(door: Door, page: ActionPage, picture: PagePicture) -> bytes | None:
    """The file's bytes; None when they have changed since the page was read, which the next request sees."""
    path = door.workspace.newsletters / page.slug / picture.name
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return data if digest_of(data) == picture.digest else None


def brand_logo(door: Door) -> bytes | None:
    """The brand's logo for dark grounds, if it is a file of the workspace that can be drawn."""
    brand = door.workspace.settings.brand
    for name in _names(brand.logo_dark, brand.logo):
        path = (door.workspace.root / name).resolve()
        if path.is_relative_to(door.workspace.root.resolve()) and path.is_file():
            return path.read_bytes()
    return None


def _names(*names: str) -> Sequence[str]:
    return [name for name in names if name and not name.startswith(("http://", "https://"))]
