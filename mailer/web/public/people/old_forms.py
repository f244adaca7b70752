"""Sign-up forms made for listmonk go on working after the move: `/subscription/form`, and its JSON twin.

What they post names lists by listmonk's numbers (UUIDs), which `formerly` in a list's file keeps. We don't know what
such a form says, so the link in the mail is always asked for: the page behind it shows the list's own wording, and that
is agreed to. Addresses and answers: https://listmonk.app/docs/apis/subscribers/#post-apipublicsubscription
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mailer.audience.addresses import BadAddress, normalise
from mailer.audience.consent.subscribe import Asking
from mailer.audience.names import holds_address
from mailer.delivery.subscriptions.requests import ask_to_join
from mailer.errors import MailerError
from mailer.senders import LONGEST_ADDRESS
from mailer.web.pages.signature_form import clean
from mailer.web.public.core.context import Door, door_of
from mailer.web.public.http.forms import LONGEST_BODY_BYTES, read_body, read_form
from mailer.web.public.http.paths import up
from mailer.web.public.people.subscribe import PURPOSE
from mailer.workspace import ListDefinition

TRAP = "nonce"  # listmonk's: empty unless a program filled it in
MOST_LISTS = 20
ELSEWHERE = {  # scripts of other sites may post here: there is no cookie and no state
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Content-Type",
}


@dataclass(frozen=True, slots=True)
class OldForm:
    """What such a form holds."""

    email: str = field(repr=False)
    name: str = field(repr=False)
    lists: Sequence[str]  # listmonk's UUIDs
    is_trapped: bool = False


async def join(request: Request) -> Response:
    """The HTML form: to the page that says what happens next, whatever the address is."""
    joined = await _join(request, _read_form(await read_form(request), lists="l"))
    return Response(status_code=303, headers={"Location": f"{up(request)}../join/{joined[0].name}/sent"})


async def join_by_json(request: Request) -> Response:
    """The same for scripts. 400 with a `message` for what can't be read."""
    try:
        is_json = request.headers.get("content-type", "").startswith("application/json")
        found = (
            _read_json(await read_body(request, most_bytes=LONGEST_BODY_BYTES))
            if is_json
            else (_read_form(await read_form(request), lists="list_uuids"))
        )
        await _join(request, found)
    except HTTPException as error:
        return JSONResponse({"message": error.detail}, status_code=error.status_code, headers=ELSEWHERE)
    return JSONResponse({"data": {"has_optin": True}}, headers=ELSEWHERE)


async def allow(_request: Request) -> Response:
    """What a browser asks before a script of another site may post JSON (CORS)."""
    return Response(status_code=204, headers=ELSEWHERE)


def _read_form(form: Mapping[str, tuple[str, ...]], *, lists: str) -> OldForm:
    email, name = (form.get(one, ("",))[0] for one in ("email", "name"))
    return OldForm(email, name, form.get(lists, ()), any(form.get(TRAP, ())))


def _read_json(body: bytes) -> OldForm:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(400, "the body must be JSON") from None
    if not isinstance(found, dict):
        raise HTTPException(400, "the body must be an object")
    said = cast(dict[str, Any], found)
    email, name, lists = said.get("email"), said.get("name", ""), said.get("list_uuids")
    if not isinstance(lists, list) or not all(isinstance(one, str) for one in cast(list[Any], lists)):
        raise HTTPException(400, "list_uuids must be a list of texts")
    if not isinstance(email, str) or not isinstance(name, str):
        raise HTTPException(400, "email and name must be texts")
    return OldForm(email, name, cast(list[str], lists))


async def _join(request: Request, found: OldForm) -> Sequence[ListDefinition]:
    """Ask, and return the lists it is about. Raises HTTPException 400 for an address or lists that are nobody's."""
    door = door_of(request)
    await door.limits.hold(PURPOSE, request)
    wanted = await door.threads.read(_lists, door, found.lists[:MOST_LISTS])
    if not wanted:
        raise HTTPException(400, "no list of ours has one of these numbers")
    try:
        address = normalise(clean(found.email, LONGEST_ADDRESS))
    except BadAddress:
        raise HTTPException(400, "that email address doesn't look right") from None
    name = clean(found.name, LONGEST_ADDRESS)
    if not found.is_trapped:  # a program learns nothing, and nobody is mailed
        fields = {} if holds_address(name) else {"first_name": name}
        await door.threads.write(_ask, door, address, fields, wanted)
        door.courier.wake()
    return wanted


def _lists(door: Door, numbers: Sequence[str]) -> list[ListDefinition]:
    """Those lists, open to everybody, that had these numbers in listmonk."""
    found: list[ListDefinition] = []
    for name in door.workspace.list_names():
        try:
            one = door.workspace.list_definition(name)
        except MailerError:  # its own page says so, and `mailer check`
            continue
        if one.public_form and not {number.lower() for number in numbers}.isdisjoint(one.formerly):
            found.append(one)
    return found


def _ask(door: Door, address: str, fields: Mapping[str, str], wanted: Sequence[ListDefinition]) -> None:
    """One mail for lists of the same words and language: nobody agrees to words that they weren't shown."""
    alike: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for one in wanted:
        alike[one.consent, one.language].append(one.name)
    with door.database.write() as connection:
        for (wording, language), names in alike.items():
            asking = Asking(address, tuple(names), "/subscription/form", wording, {**fields, "language": language})
            ask_to_join(
                connection, asking, confirmed=names, language=language, address_key=door.network_key, at=door.clock()
            )
