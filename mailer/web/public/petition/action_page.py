"""/act/<slug>: the page on which people sign. GET shows it and never signs; POST signs, and leads to the thanks.

Somebody who followed a link in their mail is known while the visit in `?t=` is fresh, and is shown only what a person
the mail was forwarded to may see of them. Anybody else fills in the blank form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection, literal, select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.audience.consent.news_opt_in import Agreed, join_known
from mailer.audience.consent.subscribe import Asking, JoinResult
from mailer.audience.petition.signatures import SignatureOrigin, sign, signer, source_of
from mailer.audience.tags import add_tags
from mailer.compose.action_page.parse import ActionPage
from mailer.compose.templating.link_table import LANGUAGE_FIELD
from mailer.delivery.subscriptions.requests import join, tell_of_joining
from mailer.delivery.thanks.queue import SignedBy, thank
from mailer.delivery.webhooks.events import tell_signature
from mailer.locale.language import Language
from mailer.petition_fields.table import KNOWN
from mailer.tracking.hits import opted_out
from mailer.tracking.tokens import VISIT_CHARACTERS, BadToken, LinkVisit, Purpose
from mailer.web.pages.languages import language_switch
from mailer.web.pages.signature_form import EMPTY, Filled, blank, read
from mailer.web.public.core.context import Door, door_of
from mailer.web.public.http.forms import read_form
from mailer.web.public.http.rate_limits import Turns
from mailer.web.public.http.visitors import Visitor, is_on, visitor
from mailer.web.public.petition.own_page import OwnPage
from mailer.web.public.petition.page_now import PURPOSE, now_there, page_now, read_page
from mailer.web.public.petition.thanks import thanks_address

VISIT_FIELD = "t"
# Anything after it is ignored, as after any link (`http.paths`), unless it could be part of the token.
TOKEN = re.compile(rf"[A-Za-z0-9_-]{{{VISIT_CHARACTERS}}}(?![A-Za-z0-9_-])")
SOURCE_FIELDS = ("source", "utm_source")
FORWARDED = "forwarded"  # the source for people who say that the mail was not theirs


@dataclass(frozen=True, slots=True)
class Signing:
    """What is to be stored. `turns`: those that it takes of the rate limits. `thanks`: the page has a mail of them."""

    page: ActionPage
    who: Visitor | None
    filled: Filled
    turns: Turns
    origin: SignatureOrigin
    language: Language
    thanks: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a signature. `waits`: the request for news has to be confirmed by mail. `thanked` and `asked`: a
    mail of thanks, or another, was queued."""

    signature: int
    new: bool
    waits: bool
    thanked: bool
    asked: bool


async def show(request: Request) -> Response:
    """The page."""
    door = door_of(request)
    page, who = await door.threads.read(_arrived, request, door)
    return await _page(request, door, page, who, EMPTY)


async def add(request: Request) -> Response:
    """Sign. 303 to the thanks page; 422 with what was typed if something is missing or wrong."""
    door = door_of(request)
    form = await read_form(request)
    page, who, thanks_on = await door.threads.read(_arrived_to_sign, request, door)
    language = door.language(request, page.language)
    if page.poster.is_closed(now_there(door).date()):
        return await _page(request, door, page, who, EMPTY)
    filled = read(form, page, who, language)
    if filled.trapped:  # a bot: it gets the answer it expects
        return _lead(thanks_address(request, page, None, news=filled.news))
    if filled.errors:
        return await _page(request, door, page, who, filled)
    if who and who.proof:
        thanks = thanks_address(request, page, None, news=filled.news)
        return door.pages.response("signed_test.html", language, thanks=thanks)
    turns = door.limits.of_bearer(PURPOSE, who.visit.named) if who else door.limits.of_network(PURPOSE, request)
    signing, began = Signing(page, who, filled, turns, _origin(request, who), language, thanks=thanks_on), door.clock()
    stored = await door.threads.write_together(partial(_sign, door, signing))
    if stored is None:
        raise HTTPException(429)
    if stored.new:
        door.acts.signed(page, began)
    if stored.thanked:
        door.thanks_courier.wake()
    if stored.asked:
        door.courier.wake()
    own = OwnPage(page.slug, stored.signature, "" if who else filled.typed["first_name"], who is not None)
    return _lead(thanks_address(request, page, own, news=stored.waits))


def own_pages(door: Door) -> str:
    """The beginning of the addresses of our sign pages."""
    return f"{door.workspace.settings.public.url}/act/"


def to_own_page(door: Door, target: str, visit: LinkVisit) -> str:
    """`target` with the visit added if it is one of our sign pages, else unchanged."""
    if not target.startswith(own_pages(door)):
        return target
    address, hash_sign, fragment = target.partition("#")
    joint = "&" if "?" in address else "?"
    return f"{address}{joint}{VISIT_FIELD}={door.signer.sign_visit(Purpose.ACT, visit)}{hash_sign}{fragment}"


def _arrived(request: Request, door: Door) -> tuple[ActionPage, Visitor | None]:
    """The page, and who came by a fresh link in their mail. A damaged or stale link gives a blank form."""
    page = read_page(request, door)
    found = TOKEN.match(request.query_params.get(VISIT_FIELD, ""))
    if not found:
        return page, None
    try:
        visit = door.signer.read_visit(Purpose.ACT, found[0])
    except BadToken:
        return page, None
    fresh = timedelta(days=door.workspace.settings.tracking.fresh_days)
    with door.database.read() as connection:
        who = visitor(connection, visit, now=door.clock(), fresh=fresh)
    return (read_page(request, door, who.language) if who and page.languages else page), who


def _arrived_to_sign(request: Request, door: Door) -> tuple[ActionPage, Visitor | None, bool]:
    """The same, and whether the page has a mail of thanks that is on: all that a signature asks before it is stored."""
    page, who = _arrived(request, door)
    return page, who, door.thanks.is_on(page.slug)


def _on_list(door: Door, page: ActionPage, who: Visitor | None) -> bool:
    """Whether they get the news already that the page offers."""
    if who is None or who.person_id is None or page.opt_in is None:
        return False
    with door.database.read() as connection:
        return is_on(connection, who.person_id, page.opt_in.list)


async def _page(request: Request, door: Door, page: ActionPage, who: Visitor | None, filled: Filled) -> Response:
    language = door.language(request, page.language)
    now = await page_now(door, page, language)
    on_list = await door.threads.read(_on_list, door, page, who) if who else False
    if filled is EMPTY:
        filled = blank(request.headers.get("accept-language", ""), guess=True)
    values: dict[str, Any] = {
        **now.signing(language, who, filled), "known": who.masked(language) if who else "",
        "initials": who.initials if who else "", "proof": bool(who and who.proof),
        "opt_in": None if on_list else page.opt_in, "not_you": _not_you(request),
        "switch": language_switch(page.languages, page.language, request.query_params),
    }  # fmt: skip
    # Search engines may list the page, but not under the address in one person's mail.
    robots = {} if request.query_params.get(VISIT_FIELD) else {"X-Robots-Tag": "all"}
    status = 422 if filled.errors else 409 if now.closed and request.method == "POST" else 200
    return door.pages.response("act.html", language, status=status, headers=robots, indexed=bool(robots), **values)


def _sign(door: Door, signing: Signing, connection: Connection) -> Stored | None:
    """Store the signature, the request for news and the call to the webhook, all or nothing; None, and nothing, when
    there were too many from there."""
    if not door.limits.take(connection, signing.turns):
        return None
    page, who, filled, language = signing.page, signing.who, signing.filled, signing.language
    at, settings, key = door.clock(), door.workspace.settings, door.network_key
    particulars = filled.who(page, who)
    if who and who.person_id is not None:
        person_id, address = who.person_id, who.address
    else:
        address = filled.address
        person_id = signer(connection, address=address, address_key=key, who=particulars, language=language.code, at=at)
    waits, joining = False, None
    if filled.news and page.opt_in:
        fields = {**particulars.of(KNOWN), "language": language.code}
        known = person_id if who else None
        asking = Asking(address, (page.opt_in.list,), f"act/{page.slug}", page.opt_in.wording, fields)
        waits, joining = _wants_news(door, connection, known=known, asking=asking)
    signed = sign(
        connection, page=page.slug, statement=page.statement, person_id=person_id, who=particulars,
        origin=signing.origin, at=at, language=page.language,
    )  # fmt: skip
    by = SignedBy(person_id, address, by_link=who is not None, language=language.code)
    thanked = signing.thanks and thank(
        connection, signed, by, joining=joining, limited=waits and joining is None, address_key=key, at=at
    )
    if joining and not thanked:
        tell_of_joining(connection, address, joining, language=language.code, address_key=key, at=at)
    if page.tags:
        add_tags(connection, select(literal(person_id)), page.tags, source=f"act/{page.slug}", at=at)
    if not signed.kept:
        tell_signature(connection, settings=settings, signature_id=signed.id, opt_in=filled.news, new=signed.new, at=at)
    return Stored(signed.id, signed.new, waits=waits, thanked=thanked, asked=bool(joining) and not thanked)


def _wants_news(
    door: Door, connection: Connection, *, known: int | None, asking: Asking
) -> tuple[bool, JoinResult | None]:
    """Handle a ticked box for news: whether it still has to be confirmed by mail, and what that mail is to say, None
    for no mail. Those who came by their own link and had not left the list are on it now.

    Everybody else joins once they confirm by mail, whatever the list's own setting: anybody can type any address, and
    the thanks page must not give away who is on the list.
    """
    at = door.clock()
    if known is not None:
        (name,) = asking.lists
        if join_known(connection, person_id=known, agreed=Agreed(name, asking.wording, asking.source), at=at):
            return False, None
    return True, join(connection, asking, confirmed=asking.lists, address_key=door.network_key, at=at)


def _origin(request: Request, who: Visitor | None) -> SignatureOrigin:
    """What brought them. People who are not to be tracked, or whose browser says so, are counted without a delivery."""
    named = next((text for name in SOURCE_FIELDS if (text := source_of(request.query_params.get(name, "")))), "")
    if who is None:
        return SignatureOrigin(source=named)
    delivery_id = who.visit.named.id if who.tracking and not opted_out(request.headers) else None
    return SignatureOrigin(who.campaign_id, delivery_id, who.visit.n, named)


def _lead(address: str) -> Response:
    return Response(status_code=303, headers={"Location": address})


def _not_you(request: Request) -> str:
    """The address of the blank form: the same page without the visit."""
    language = request.query_params.get(LANGUAGE_FIELD, "")[:20]
    return "?" + urlencode({"source": FORWARDED, **({LANGUAGE_FIELD: language} if language else {})})
