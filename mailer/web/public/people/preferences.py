"""/p/<token>: what a person can choose about their mail. GET changes nothing; POST sets what the form says.

The link is in each mail, and mails get forwarded. So the pages show an address masked, a copy of one's data goes by
mail to the person, and another address is mailed only when its owner says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from mailer.audience.addresses import BadAddress, normalise
from mailer.audience.consent.changes import forget
from mailer.audience.people.preferences import HOW, Choices, Wanted, choices, come_back, prefer
from mailer.delivery.subscriptions.requests import ask_for_data, ask_to_be_mailed_at
from mailer.delivery.subscriptions.unsubscribe import RecipientStatus, leave_some, standing
from mailer.locale.cldr import own_name
from mailer.locale.language import LANGUAGES, closest
from mailer.petition_fields.table import EMAIL
from mailer.store.tables.states import Frequency
from mailer.timezones.guesses import zones_lived_in
from mailer.tracking.tokens import Named, Purpose
from mailer.web.pages.signature_form import clean
from mailer.web.pages.templates import mask
from mailer.web.public.core.context import Door, door_of
from mailer.web.public.http.forms import read_form
from mailer.web.public.http.rate_limits import REQUESTS

SHOWN, ON = "shown", "on"  # fields: the numbers of the lists on the page, and of those that are ticked
Form = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Now:
    """What the person of a mail has chosen. `choices` is None for somebody who was forgotten."""

    standing: RecipientStatus
    choices: Choices | None


async def show(request: Request) -> Response:
    """The page with everything that can be chosen."""
    door = door_of(request)
    named = door.named(request, Purpose.PREFERENCES)
    if named.proof:
        return await _proof(request, named)
    return _page(request, await door.threads.read(_read, door, named.id))


async def change(request: Request) -> Response:
    """Set what the form says, and show the result."""
    door = door_of(request)
    named = door.named(request, Purpose.PREFERENCES)
    form = await read_form(request)
    if named.proof:
        return await _proof(request, named)
    return _page(request, await door.threads.write(_change, door, named.id, form), done="saved")


async def move(request: Request) -> Response:
    """Ask the new address, by mail, whether it is right. The page says the same whatever that address is."""
    door = door_of(request)
    named = door.named(request, Purpose.PREFERENCES)
    form = await read_form(request)
    if named.proof:
        return await _proof(request, named)
    await door.limits.hold_bearer("requests", named, REQUESTS)
    now = await door.threads.read(_read, door, named.id)
    typed = form.get("email", ("",))[0]
    try:
        address = normalise(typed)
    except BadAddress:
        return _page(request, now, done="no-address", status=422, typed=clean(typed, EMAIL.longest))
    await door.threads.write(_move, door, named, now, address, door.language(request, now.standing.language).code)
    door.courier.wake()
    return _page(request, now, done="asked-address")


async def data(request: Request) -> Response:
    """Mail the person a link to everything that is kept of them."""
    door = door_of(request)
    named = door.named(request, Purpose.PREFERENCES)
    await read_form(request)
    if named.proof:
        return await _proof(request, named)
    await door.limits.hold_bearer("requests", named, REQUESTS)
    now = await door.threads.read(_read, door, named.id)
    await door.threads.write(_ask_for_data, door, named, now, door.language(request, now.standing.language).code)
    door.courier.wake()
    return _page(request, now, done="asked-data")


async def ask_to_delete(request: Request) -> Response:
    """The page that explains deletion, with one button."""
    door = door_of(request)
    named = door.named(request, Purpose.PREFERENCES)
    if named.proof:
        return await _proof(request, named)
    return _delete_page(request, await door.threads.read(_read, door, named.id), deleted=False)


async def delete(request: Request) -> Response:
    """Forget the person. 200 for repeats too."""
    door = door_of(request)
    named = door.named(request, Purpose.PREFERENCES)
    await read_form(request)
    if named.proof:
        return await _proof(request, named)
    before = await door.threads.read(_read, door, named.id)
    if before.choices:
        await door.threads.write(_forget, door, before.choices.address)
    return _delete_page(request, before, deleted=True)


def _page(request: Request, now: Now, *, done: str = "", status: int = 200, typed: str = "") -> Response:
    door, chosen = door_of(request), now.choices
    if chosen is None:
        return _delete_page(request, now, deleted=True)
    language = door.language(request, now.standing.language)
    reads = closest(chosen.language) or chosen.language or language.code
    every = [(number, door.about_list(name)) for number, name in {**chosen.on, **chosen.left}.items()]
    every.sort(key=lambda pair: (pair[1].title.casefold(), pair[0]))
    return door.pages.response(
        "preferences.html",
        language,
        status=status,
        here=request.path_params["token"],
        lists=[(number, one, number in chosen.on) for number, one in every],
        chosen=chosen,
        zones=sorted({*zones_lived_in(), chosen.timezone} - {""}),
        languages=[(code, own_name(code)) for code in LANGUAGES],
        reads=reads,
        reads_name=own_name(reads) if reads in LANGUAGES else reads,
        on=[one.title for number, one in every if number in chosen.on],
        address=mask(chosen.address),
        done=done,
        typed=typed,
    )


def _delete_page(request: Request, now: Now, *, deleted: bool) -> Response:
    door = door_of(request)
    return door.pages.response(
        "delete.html",
        door.language(request, now.standing.language),
        here=request.path_params["token"],
        address=mask(now.choices.address) if now.choices else "",
        deleted=deleted or now.choices is None,
    )


async def _proof(request: Request, named: Named) -> Response:
    door = door_of(request)
    letter = await door.threads.read(door.letters.find, named)
    language = door.language(request, letter.message.language)
    return door.pages.response("proof.html", language, choosing=True)


def _read(door: Door, delivery_id: int) -> Now:
    with door.database.read() as connection:
        return _now(connection, delivery_id)


def _now(connection: Connection, delivery_id: int) -> Now:
    now = standing(connection, delivery_id)
    return Now(now, None if now.person_id is None else choices(connection, now.person_id))


def _change(door: Door, delivery_id: int, form: Form) -> Now:
    """Only lists they are on, or left themselves, can be changed, whatever was posted. Returns how it is then."""
    shown, ticked = _numbers(form, SHOWN), _numbers(form, ON)
    at = door.clock()
    with door.database.write() as connection:
        person_id = standing(connection, delivery_id).person_id
        now = None if person_id is None else choices(connection, person_id)
        if now is None:
            return _now(connection, delivery_id)
        leaving = [number for number in now.on if number in shown - ticked]
        leave_some(connection, delivery_id=delivery_id, list_ids=leaving, how=HOW, at=at)
        wordings = {name: door.about_list(name).consent for name in now.left.values()}
        come_back(connection, now, shown & ticked, wordings=wordings, source="/p", at=at)
        prefer(connection, now.person_id, _wanted(form, now), at=at)
        return _now(connection, delivery_id)


def _wanted(form: Form, now: Choices) -> Wanted:
    frequency, language = form.get("frequency", ("",))[0], form.get("language", ("",))[0]
    zone = form.get("timezone", (now.timezone,))[0]
    return Wanted(
        frequency=Frequency(frequency) if frequency in set(Frequency) else None,
        language=language if language in LANGUAGES else None,
        tracking="tracking" in form if "tracking-shown" in form else None,
        timezone=zone if zone != now.timezone and zone in ("", *zones_lived_in()) else None,
    )


def _move(door: Door, named: Named, now: Now, address: str, language: str) -> None:
    if now.choices is None:
        return
    with door.database.write() as connection:
        ask_to_be_mailed_at(
            connection,
            person_id=now.choices.person_id,
            address=address,
            source=f"delivery {named.id}",
            language=language,
            address_key=door.network_key,
            at=door.clock(),
        )


def _ask_for_data(door: Door, named: Named, now: Now, language: str) -> None:
    if now.choices is None:
        return
    with door.database.write() as connection:
        ask_for_data(
            connection,
            person_id=now.choices.person_id,
            source=f"delivery {named.id}",
            language=language,
            address_key=door.network_key,
            at=door.clock(),
        )


def _forget(door: Door, address: str) -> None:
    with door.database.write() as connection:
        forget(connection, address=address)


def _numbers(form: Form, name: str) -> set[int]:
    """Numbers of lists as our own page writes them; anything else is no list's."""
    return {int(text) for text in form.get(name, ()) if text.isascii() and text.isdigit() and len(text) < 19}
