"""/p/<token>: the lists a person is on, each with a box to tick. GET changes nothing; POST leaves the ticked ones."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from mailer.delivery.leaving import Standing, leave_some, standing
from mailer.tracking.tokens import Named, Purpose
from mailer.web.public.door import Door, door_of
from mailer.web.public.forms import read_form
from mailer.web.public.pages import mask

LEAVE_FIELD = "leave"  # one value for each ticked list: its number
HOW = "link"


async def show(request: Request) -> Response:
    """The page with the lists."""
    door = door_of(request)
    named = door.named(request, Purpose.PREFERENCES)
    if named.proof:
        return await _proof(request, named)
    return _page(request, await door.wait_for(_standing, door, named.id), left=())


async def change(request: Request) -> Response:
    """Leave the ticked lists and show what is left."""
    door = door_of(request)
    named = door.named(request, Purpose.PREFERENCES)
    form = await read_form(request)
    if named.proof:
        return await _proof(request, named)
    ticked = {text for text in form.get(LEAVE_FIELD, ()) if text.isascii() and text.isdigit()}
    before, after = await door.wait_for(_leave, door, named.id, ticked)
    left = tuple(name for _, name in before.subscribed if name not in {name for _, name in after.subscribed})
    return _page(request, after, left=left)


def _page(request: Request, now: Standing, *, left: tuple[str, ...]) -> Response:
    door = door_of(request)
    return door.pages.response(
        "preferences.html",
        door.language(request, now.language),
        lists=[(number, door.about_list(name)) for number, name in now.subscribed],
        left=door.titles(left),
        address=mask(now.address) if now.address else "",
    )


async def _proof(request: Request, named: Named) -> Response:
    door = door_of(request)
    letter = await door.wait_for(door.letters.find, named)
    language = door.language(request, letter.message.language)
    return door.pages.response("proof.html", language, lists=door.titles([letter.message.list]), done=False)


def _standing(door: Door, delivery_id: int) -> Standing:
    with door.database.read() as connection:
        return standing(connection, delivery_id)


def _leave(door: Door, delivery_id: int, ticked: set[str]) -> tuple[Standing, Standing]:
    """How they stood before and after. Only lists they are on can be left, whatever was posted."""
    with door.database.write() as connection:
        before = standing(connection, delivery_id)
        numbers = [number for number, _ in before.subscribed if str(number) in ticked]
        leave_some(connection, delivery_id=delivery_id, list_ids=numbers, how=HOW, at=door.clock())
        return before, standing(connection, delivery_id)
