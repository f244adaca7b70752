"""/u/<token>: GET shows a page with one button and changes nothing; POST leaves at once, for a person or a provider.

RFC 8058: a mail provider posts `List-Unsubscribe=One-Click` without cookies, and must get no redirect. Scanners fetch
the page (GET, HEAD), so only a POST acts. What a body holds decides only what is noted of how it was done.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from mailer.delivery.subscriptions.undo import LINK, ONE_CLICK, last, undo_last
from mailer.delivery.subscriptions.unsubscribe import RecipientStatus, leave_campaign, standing
from mailer.tracking.tokens import Named, Purpose
from mailer.web.pages.templates import mask
from mailer.web.public.core.context import Door, door_of
from mailer.web.public.http.forms import read_form

PAGE_FIELD = "from"  # our own page's form says so; a provider's post does not


async def ask(request: Request) -> Response:
    """The page with the button."""
    door = door_of(request)
    named = door.named(request, Purpose.UNSUBSCRIBE)
    if named.proof:
        return await _proof(request, named, done=False)
    now, can_undo = await door.threads.read(_standing, door, named.id)
    page = "leave.html" if now.on_asked else "left.html"
    return _page(request, page, now, already=True, can_undo=can_undo)


async def undo(request: Request) -> Response:
    """Undo the unsubscribe, within a day of it, and show the result."""
    door = door_of(request)
    named = door.named(request, Purpose.UNSUBSCRIBE)
    await read_form(request, files=True)
    if named.proof:
        return await _proof(request, named, done=True)
    now, undone = await door.threads.write(_undo, door, named.id)
    return door.pages.response(
        "undone.html",
        door.language(request, now.language),
        lists=door.titles(now.on_asked or now.asked),
        address=mask(now.address) if now.address else "",
        undone=undone or bool(now.on_asked),
        here=request.path_params["token"],
    )


async def leave(request: Request) -> Response:
    """Leave, and say so. 200 for repeats too."""
    door = door_of(request)
    named = door.named(request, Purpose.UNSUBSCRIBE)
    form = await read_form(request, files=True)
    if named.proof:
        return await _proof(request, named, done=True)
    how = LINK if form.get(PAGE_FIELD) == ("page",) else ONE_CLICK
    before, can_undo = await door.threads.write(_leave, door, named.id, how)
    return _page(request, "left.html", before, already=not before.on_asked, can_undo=can_undo)


def _page(request: Request, page: str, now: RecipientStatus, *, already: bool, can_undo: bool) -> Response:
    door = door_of(request)
    return door.pages.response(
        page,
        door.language(request, now.language),
        lists=door.titles(now.on_asked or now.asked),
        address=mask(now.address) if now.address else "",
        can_undo=can_undo,
        already=already,
        here=request.path_params["token"],
    )


async def _proof(request: Request, named: Named, *, done: bool) -> Response:
    door = door_of(request)
    letter = await door.threads.read(door.letters.find, named)
    language = door.language(request, letter.message.language)
    return door.pages.response("proof.html", language, lists=door.titles([letter.message.list]), done=done)


def _standing(door: Door, delivery_id: int) -> tuple[RecipientStatus, bool]:
    with door.database.read() as connection:
        now = standing(connection, delivery_id)
        can_undo = not now.on_asked and last(connection, delivery_id=delivery_id, at=door.clock()) is not None
        return now, can_undo


def _leave(door: Door, delivery_id: int, how: str) -> tuple[RecipientStatus, bool]:
    with door.database.write() as connection:
        before = leave_campaign(connection, delivery_id=delivery_id, how=how, at=door.clock())
        return before, last(connection, delivery_id=delivery_id, at=door.clock()) is not None


def _undo(door: Door, delivery_id: int) -> tuple[RecipientStatus, bool]:
    with door.database.write() as connection:
        undone = undo_last(connection, delivery_id=delivery_id, at=door.clock())
        return standing(connection, delivery_id), undone
