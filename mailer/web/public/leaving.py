"""/u/<token>: GET shows a page with one button and changes nothing; POST leaves at once, for a person or a provider.

RFC 8058: a mail provider posts `List-Unsubscribe=One-Click` without cookies, and must get no redirect. Scanners fetch
the page (GET, HEAD), so only a POST acts. What a body holds decides only what is noted of how it was done.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from mailer.delivery.leaving import Standing, leave_campaign, standing
from mailer.tracking.tokens import Named, Purpose
from mailer.web.public.door import Door, door_of
from mailer.web.public.forms import read_form
from mailer.web.public.pages import mask

PAGE_FIELD = "from"  # our own page's form says so; a provider's post does not
LINK = "link"
ONE_CLICK = "one-click"


async def ask(request: Request) -> Response:
    """The page with the button."""
    door = door_of(request)
    named = door.named(request, Purpose.UNSUBSCRIBE)
    if named.proof:
        return await _proof(request, named, done=False)
    now = await door.wait_for(_standing, door, named.id)
    page = "leave.html" if now.on_asked else "left.html"
    return _page(request, page, now, lists=now.on_asked or now.asked, already=True)


async def leave(request: Request) -> Response:
    """Leave, and say so. 200 for repeats too."""
    door = door_of(request)
    named = door.named(request, Purpose.UNSUBSCRIBE)
    form = await read_form(request)
    if named.proof:
        return await _proof(request, named, done=True)
    how = LINK if form.get(PAGE_FIELD) == ("page",) else ONE_CLICK
    before = await door.wait_for(_leave, door, named.id, how)
    return _page(request, "left.html", before, lists=before.on_asked or before.asked, already=not before.on_asked)


def _page(request: Request, page: str, now: Standing, *, lists: tuple[str, ...], already: bool) -> Response:
    door = door_of(request)
    return door.pages.response(
        page,
        door.language(request, now.language),
        lists=door.titles(lists),
        address=mask(now.address) if now.address else "",
        already=already,
    )


async def _proof(request: Request, named: Named, *, done: bool) -> Response:
    door = door_of(request)
    letter = await door.wait_for(door.letters.find, named)
    language = door.language(request, letter.message.language)
    return door.pages.response("proof.html", language, lists=door.titles([letter.message.list]), done=done)


def _standing(door: Door, delivery_id: int) -> Standing:
    with door.database.read() as connection:
        return standing(connection, delivery_id)


def _leave(door: Door, delivery_id: int, how: str) -> Standing:
    with door.database.write() as connection:
        return leave_campaign(connection, delivery_id=delivery_id, how=how, at=door.clock())
