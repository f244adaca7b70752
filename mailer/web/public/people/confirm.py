"""/confirm/<token>: the link of a mail that asks whether somebody really wished for it. GET shows a page with one
button and changes nothing, since scanners follow links; POST does it."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import Response

from mailer.audience.consent.confirmations import ConfirmationState
from mailer.audience.people.data_export import everything
from mailer.delivery.subscriptions.requests import Confirmed, look
from mailer.delivery.subscriptions.requests import confirm as do_confirm
from mailer.store.tables.states import RequestKind
from mailer.tracking.tokens import Purpose
from mailer.web.pages.templates import mask
from mailer.web.public.core.context import Door, door_of


async def ask(request: Request) -> Response:
    """The page with the button, or the outcome of the request."""
    door = door_of(request)
    named = door.named(request, Purpose.CONFIRM)
    return _page(request, await door.threads.read(_look, door, named.id))


async def confirm(request: Request) -> Response:
    """Do what was asked for, and say so. For a copy of one's data: the file."""
    door = door_of(request)
    named = door.named(request, Purpose.CONFIRM)
    language = door.language(request).code
    now = await door.threads.write(_confirm, door, named.id, language)
    door.courier.wake()
    if now.request and now.request.kind is RequestKind.DATA and now.stage is ConfirmationState.ASKED:
        content = await door.threads.read(_data, door, now.request.address)
        disposition = 'attachment; filename="my-data.json"'
        return Response(content, media_type="application/json", headers={"Content-Disposition": disposition})
    return _page(request, now)


def _page(request: Request, now: Confirmed) -> Response:
    door = door_of(request)
    asked = now.request
    lists = [door.about_list(name) for name in (asked.lists if asked else ())]
    language = door.language(request, asked.fields.get("language", "") if asked else "")
    return door.pages.response(
        "confirm.html",
        language,
        status=410 if now.stage is ConfirmationState.EXPIRED else 200,
        stage=now.stage.value,
        kind=asked.kind.value if asked else "",
        lists=[one.title for one in lists],
        wording=asked.wording if asked else "",
        address=mask(asked.address) if asked else "",
        again=[(one.name, one.title) for one in lists if one.public_form],
    )


def _look(door: Door, number: int) -> Confirmed:
    with door.database.read() as connection:
        return look(connection, number, at=door.clock())


def _confirm(door: Door, number: int, language: str) -> Confirmed:
    with door.database.write() as connection:
        return do_confirm(connection, number, address_key=door.network_key, language=language, at=door.clock())


def _data(door: Door, address: str) -> bytes:
    with door.database.read() as connection:
        kept = everything(connection, address, address_key=door.network_key)
    return json.dumps(kept, indent=2, ensure_ascii=False, default=str).encode()
