"""Ctrl-K: finds a newsletter, a room or something to begin, by any of its words. Rooms add what only they know of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from starlette.responses import JSONResponse, Response

from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import may, page, places
from mailer.web.studio.core.rooms import Access, PaletteHit, Room, StudioRoute

MOST = 12


def matches(words: str, *texts: str) -> bool:
    """Whether every word begins a word of the texts, or is inside one when it has three letters or more."""
    whole = " ".join(texts).casefold()
    starts = f" {whole}"
    return all(f" {word}" in starts or (len(word) > 2 and word in whole) for word in words.casefold().split())


def hits(visit: Visit, words: str) -> Sequence[PaletteHit]:
    """What the visitor may open that matches, the doors of rooms and what can be begun first."""
    found = [
        PaletteHit(deed.label, "", deed.path, deed.icon)
        for room in visit.studio.rooms
        for deed in room.deeds
        if may(visit, deed.asks) and matches(words, deed.label)
    ]
    found += [
        PaletteHit(place.label, "Room", place.path, place.icon)
        for place in places(visit)
        if matches(words, place.label)
    ]
    for room in visit.studio.rooms:
        if room.find is not None and words.strip():
            found += room.find(visit, words)
    return found[:MOST]


def _find(visit: Visit) -> Response:
    words = visit.query.get("q", "")[:100]
    found = hits(visit, words)
    if "application/json" in visit.request.headers.get("accept", ""):
        return JSONResponse([asdict(one) for one in found])
    return page(visit, "core/find.html", words=words, found=found)


def _keys(visit: Visit) -> Response:
    return page(visit, "core/keys.html")


ROOM = Room(
    routes=(StudioRoute("/find", _find, Access.SIGNED_IN), StudioRoute("/keys", _keys, Access.SIGNED_IN)),
)
