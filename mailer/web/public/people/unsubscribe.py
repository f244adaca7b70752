"""/u/<token>: GET shows a page with one button and changes nothing; POST leaves at once, for a person or a provider.

RFC 8058: a mail provider posts `List-Unsubscribe=One-Click` without cookies, and must get no redirect. Scanners fetch
the page (GET, HEAD), so only a POST acts; that somebody who has left looks at it again is noted. What a body holds
decides only what is noted of how it was done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.audience.people.preferences import Wanted, choices, prefer
from mailer.delivery.subscriptions.presses import LOOKED, Presser, note_press
from mailer.delivery.subscriptions.undo import A_DAY, LINK, ONE_CLICK, last, undo_last
from mailer.delivery.subscriptions.unsubscribe import RecipientStatus, leave_campaign, standing
from mailer.store.engine.by_campaign import campaign_of
from mailer.store.tables.states import Frequency
from mailer.timezones import zone_named
from mailer.tracking.hits import make_hit
from mailer.tracking.tokens import Named, Purpose
from mailer.web.pages.templates import mask
from mailer.web.public.core.context import Door, door_of
from mailer.web.public.http.forms import read_form

PAGE_FIELD = "from"  # our own page's form says so; a provider's post does not
# How often somebody gets mail → what is less.
LESS = {
    Frequency.EVERY: (Frequency.MONTHLY, Frequency.URGENT),
    Frequency.MONTHLY: (Frequency.URGENT,),
    Frequency.URGENT: (),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody is subscribed, and what the page can offer them."""

    status: RecipientStatus
    until: datetime | None  # their leaving can be undone until then
    fewer: tuple[Frequency, ...]


async def ask(request: Request) -> Response:
    """The page with the button."""
    door = door_of(request)
    named = door.named(request, Purpose.UNSUBSCRIBE)
    if named.proof:
        return await _proof(request, named)
    now = await door.threads.read(_standing, door, named.id)
    if request.method == "GET" and not now.status.on_asked:
        await door.threads.write(_note_look, door, named.id, _presser(request, door, named.id))
    return _page(request, now, already=True)


async def leave(request: Request) -> Response:
    """Leave, and say so. 200 for repeats too."""
    door = door_of(request)
    named = door.named(request, Purpose.UNSUBSCRIBE)
    form = await read_form(request, files=True)
    if named.proof:
        return await _proof(request, named)
    how = LINK if form.get(PAGE_FIELD) == ("page",) else ONE_CLICK
    before, now = await door.threads.write(_leave, door, named.id, how, _presser(request, door, named.id))
    return _page(request, now, already=not before.on_asked, of=before.on_asked)


async def undo(request: Request) -> Response:
    """Undo the unsubscribe, within a day of it, and show the result."""
    door = door_of(request)
    named = door.named(request, Purpose.UNSUBSCRIBE)
    await read_form(request, files=True)
    if named.proof:
        return await _proof(request, named)
    return _back(request, await door.threads.write(_undo, door, named.id, None))


async def less(request: Request) -> Response:
    """Get mail less often, and for that undo the unsubscribe if it was already done."""
    door = door_of(request)
    named = door.named(request, Purpose.UNSUBSCRIBE)
    form = await read_form(request, files=True)
    if named.proof:
        return await _proof(request, named)
    wished = form.get("frequency", ("",))[0]
    if wished not in LESS[Frequency.EVERY]:
        raise HTTPException(422)
    now = await door.threads.write(_undo, door, named.id, Frequency(wished))
    if not now.on_asked:
        return _back(request, now)
    return door.pages.response(
        "less.html",
        door.language(request, now.language),
        lists=door.titles(now.on_asked),
        address=mask(now.address or ""),
        frequency=wished,
    )


def _page(request: Request, now: Standing, *, already: bool, of: Sequence[str] = ()) -> Response:
    """The page before leaving and after it. `of`: the lists that were left just now."""
    door, status = door_of(request), now.status
    zone = zone_named(door.workspace.settings.zone)
    return door.pages.response(
        "leave.html" if status.on_asked else "left.html",
        door.language(request, status.language),
        lists=door.titles(of or status.on_asked or status.asked),
        address=mask(status.address) if status.address else "",
        until=now.until.astimezone(zone) if now.until else None,
        fewer=now.fewer,
        already=already,
        here=request.path_params["token"],
    )


def _back(request: Request, now: RecipientStatus) -> Response:
    """After an undo, or when it was too late for one."""
    door = door_of(request)
    lists = [door.about_list(name) for name in now.on_asked or now.asked]
    return door.pages.response(
        "undone.html",
        door.language(request, now.language),
        lists=[one.title for one in lists],
        address=mask(now.address) if now.address else "",
        undone=bool(now.on_asked),
        again=[(one.name, one.title) for one in lists if one.public_form],
    )


async def _proof(request: Request, named: Named) -> Response:
    door = door_of(request)
    letter = await door.threads.read(door.letters.find, named)
    language = door.language(request, letter.message.language)
    return door.pages.response("proof.html", language, choosing=False)


def _standing(door: Door, delivery_id: int) -> Standing:
    with door.database.read() as connection:
        return _now(door, connection, delivery_id)


def _now(door: Door, connection: Connection, delivery_id: int) -> Standing:
    status = standing(connection, delivery_id)
    person = None if status.person_id is None else choices(connection, status.person_id)
    left = None if status.on_asked else last(connection, delivery_id=delivery_id, at=door.clock())
    fewer = LESS[Frequency(person.frequency)] if person and (status.on_asked or left) else ()
    return Standing(status, left.at + A_DAY if left else None, fewer)


def _presser(request: Request, door: Door, delivery_id: int) -> Presser:
    """By what program and from which network it was pressed, as is kept of a click."""
    hit = make_hit(
        campaign_id=campaign_of(delivery_id), delivery_id=delivery_id, n=0, at=door.clock(), method=request.method,
        headers=request.headers, address=request.client.host if request.client else "", key=door.network_key,
    )  # fmt: skip
    return Presser(hit.headers.get("user-agent", ""), hit.network)


def _note_look(door: Door, delivery_id: int, by: Presser) -> None:
    """They read that they are off the list, so they count on it, no matter who pressed before."""
    with door.database.write() as connection:
        note_press(connection, delivery_id, by, how=LOOKED, at=door.clock())


def _leave(door: Door, delivery_id: int, how: str, by: Presser) -> tuple[RecipientStatus, Standing]:
    """How it was before, and how it is."""
    with door.database.write() as connection:
        before = leave_campaign(connection, delivery_id=delivery_id, how=how, at=door.clock())
        note_press(connection, delivery_id, by, how=how, at=door.clock())
        return before, _now(door, connection, delivery_id)


def _undo(door: Door, delivery_id: int, frequency: Frequency | None) -> RecipientStatus:
    """Put them back if they left, then note how often they want mail, all or nothing. Returns how it is then."""
    with door.database.write() as connection:
        now = standing(connection, delivery_id)
        if not now.on_asked and undo_last(connection, delivery_id=delivery_id, at=door.clock()):
            now = standing(connection, delivery_id)
        if frequency and now.on_asked and now.person_id is not None:
            prefer(connection, now.person_id, Wanted(frequency=frequency), at=door.clock())
        return now
