"""/join/<list>: a form to sign up with, here or pasted into another site, and one answer whatever the address is.

What joining does is decided in `delivery.subscriptions`. A form of another site may post here: there is no cookie and
no state, and posting a stranger's address only sends them a mail that asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.audience.addresses import BadAddress, normalise
from mailer.audience.consent.subscribe import Asking
from mailer.audience.names import holds_address
from mailer.delivery.subscriptions.requests import ask_to_join
from mailer.errors import MailerError
from mailer.locale.language import later
from mailer.senders import LONGEST_ADDRESS
from mailer.web.pages.join_form import EMBEDDED, TRAP, TYPED, blank_form, mark
from mailer.web.pages.signature_form import BAD_NAME, clean
from mailer.web.pages.templates import Pages
from mailer.web.public.core.context import Door, door_of
from mailer.web.public.http.forms import read_form
from mailer.web.public.http.paths import up
from mailer.workspace import ListDefinition

PURPOSE = "form"  # of the limit by network

# Field → what is said when it is wrong.
FAULTS = {
    "email": later("That email address doesn’t look right. Is there a typo?"),
    "first_name": BAD_NAME,
    "agreed": later("Tick the box so we know we can email you"),
}


async def show(request: Request) -> Response:
    """The form. 404 for a list that isn't open to everybody."""
    definition = await _list(request)
    door = door_of(request)
    return _pages(door, definition).response("join.html", door.language(request), **_blank(request, definition))


async def join(request: Request) -> Response:
    """Do what the form says, and go to the page that says what happens next. 422 with the form for a mistake in it."""
    door = door_of(request)
    definition = await _list(request)
    await door.limits.hold(PURPOSE, request)
    form = await read_form(request)
    typed = {name: clean(form.get(name, ("",))[0], LONGEST_ADDRESS) for name in TYPED}
    if any(form.get(TRAP, ())):
        return _sent(request, definition, form)  # a program: it learns nothing, and nobody is mailed
    ticked = form.get("agreed") == (mark(definition.consent),)
    try:
        address = normalise(typed["email"])
    except BadAddress:
        return _form(request, definition, typed=typed, ticked=ticked, wrong="email")
    if holds_address(typed["first_name"]):  # anybody may type any address: our mails would carry their link
        return _form(request, definition, typed=typed, ticked=ticked, wrong="first_name")
    if not ticked:
        # Not ticked, or ticked beside other words: a form pasted elsewhere before the wording was changed.
        return _form(request, definition, typed=typed, wrong="agreed")
    language = door.language(request).code
    fields = {"first_name": typed["first_name"], "language": language}
    asking = Asking(address, (definition.name,), f"/join/{definition.name}", definition.consent, fields)
    await door.threads.write(_ask, door, asking, definition, language)
    door.courier.wake()
    return _sent(request, definition, form)


async def sent(request: Request) -> Response:
    """What happens next, the same for everybody."""
    definition = await _list(request)
    door = door_of(request)
    values: dict[str, Any] = {"list": definition, "query": language_asked(request)}
    return _pages(door, definition).response("sent.html", door.language(request), **values)


def _ask(door: Door, asking: Asking, definition: ListDefinition, language: str) -> None:
    confirmed = [definition.name] if definition.opt_in == "double" else []
    with door.database.write() as connection:
        ask_to_join(
            connection, asking, confirmed=confirmed, language=language, address_key=door.network_key, at=door.clock()
        )


async def _list(request: Request) -> ListDefinition:
    door = door_of(request)
    try:
        definition = await door.threads.read(door.workspace.list_definition, str(request.path_params["list"]))
    except MailerError:
        raise HTTPException(404) from None
    if not definition.public_form:
        raise HTTPException(404)
    return definition


def _form(
    request: Request, definition: ListDefinition, *, typed: dict[str, str], ticked: bool = False, wrong: str
) -> Response:
    """The form with what was typed, and what is wrong with it."""
    door = door_of(request)
    language = door.language(request)
    filled: dict[str, Any] = {"typed": typed, "ticked": ticked, "wrong": wrong, "fault": language.say(FAULTS[wrong])}
    values = {**_blank(request, definition), **filled}
    return _pages(door, definition).response("join.html", language, status=422, **values)


def _sent(request: Request, definition: ListDefinition, form: Mapping[str, tuple[str, ...]]) -> Response:
    """A redirect, so that reloading the page posts nothing again. Relative: whatever path we are served under.

    From a form on the group's own site it goes to the page there that the list's file names, which the form can't say.
    """
    if definition.afterwards and any(form.get(EMBEDDED, ())):
        return Response(status_code=303, headers={"Location": definition.afterwards})
    return Response(
        status_code=303, headers={"Location": f"{up(request)}{definition.name}/sent{language_asked(request)}"}
    )


def _blank(request: Request, definition: ListDefinition) -> dict[str, Any]:
    return blank_form(definition, query=language_asked(request))


def _pages(door: Door, definition: ListDefinition) -> Pages:
    return door.pages.in_colour(definition.colour)


def language_asked(request: Request) -> str:
    """The language that the address asks for, to be kept on the way."""
    asked = request.query_params.get("lang", "")
    return (
        f"?lang={asked}"
        if asked.isascii() and asked.replace("-", "").isalnum() and len(asked) < LONGEST_ADDRESS
        else ""
    )
