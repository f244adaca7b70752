"""/c/<token>/<n>: store the click, then send the supporter on to where the link leads. HEAD is answered and stored too.

There is nothing to redirect to but what was mailed: the destination comes from the frozen message's link table. `Quick`
answers what most clicks are before routing begins: a good token of a message in memory, a link that leads all people
to one place. Everything else takes the usual way, and every refusal is said there.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mailer.delivery.feedback.conversions import may_be_followed
from mailer.errors import MailerError
from mailer.store.engine.by_campaign import campaign_of
from mailer.store.engine.database import DatabaseTrouble
from mailer.tracking.hits import Hit, make_hit, opted_out
from mailer.tracking.tokens import BadToken, LinkVisit, Named, Purpose
from mailer.web.public.core.context import Door, door_of
from mailer.web.public.core.redirect_url import location, with_parameter
from mailer.web.public.http.middleware import HEADERS
from mailer.web.public.petition.action_page import own_pages, to_own_page

log = logging.getLogger(__name__)

PARAMETER = "mailer"  # what another site finds the token under
MOST_DIGITS = 4  # of a link's number
PREFIX = f"/{Purpose.CLICK}/"
# The same as of any other answer, made once.
REDIRECT_HEADERS = (
    (b"content-length", b"0"),
    *((name.lower().encode(), value.encode()) for name, value in HEADERS.items()),
)


async def follow(request: Request) -> Response:
    """Record the click and redirect. 404 for a damaged token, an unknown link or a destination that isn't http(s)."""
    door = door_of(request)
    named = door.named(request, Purpose.CLICK)
    letter = door.letters.kept(named) or await door.threads.click(door.letters.find, named)
    link = letter.links.get(link_number(request.path_params["n"]))
    if link is None:
        raise HTTPException(404)
    if not named.proof:
        await door.recorder.record(hit_of(request.scope, door, named=named, n=link.n))
    supporter: Mapping[str, object] = {}
    if any(isinstance(part, int) for part in link.destination):
        supporter = await door.threads.click(door.letters.supporter, named, letter)
    try:
        target = location(letter.destination(link, supporter))
    except MailerError as error:
        log.error("link %d of %s leads nowhere: %s", link.n, letter.message.slug, type(error).__name__)
        raise HTTPException(404) from None
    target = to_own_page(door, target, LinkVisit(named, link.n, door.clock()))
    if door.workspace.settings.tracking.conversions:
        target = await _reporting(request, door, named=named, n=link.n, target=target)
    return Response(status_code=302, headers={"Location": target})


def link_number(text: str) -> int:
    """The number of a link in its one spelling, or 0, which no link has."""
    proper = text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS and not text.startswith("0")
    return int(text) if proper else 0


async def _reporting(request: Request, door: Door, *, named: Named, n: int, target: str) -> str:
    """The destination with a token for reporting what was done there; without, where it would be of no use or unasked.

    Pages of our own need none, proofs count for nothing, and who asked not to be tracked gets the address as mailed.
    """
    own = urlsplit(door.workspace.settings.public.url)
    if named.proof or opted_out(request.headers) or urlsplit(target).netloc == own.netloc:
        return target
    try:
        followed = await door.threads.click(_may_be_followed, door, named)
    except DatabaseTrouble as error:  # the supporter is redirected anyway
        log.error("a destination got no token: %s", error.message)
        return target
    if not followed:
        return target
    visit = LinkVisit(named, n, door.clock())
    return with_parameter(target, PARAMETER, door.signer.sign_visit(Purpose.CONVERSION, visit))


def _may_be_followed(door: Door, named: Named) -> bool:
    with door.database.read() as connection:
        return may_be_followed(connection, named.id)


class Quick:
    """ASGI middleware, outermost: the fast path of a click that only has to be stored."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door
        self._own_pages = own_pages(door).encode("ascii", "replace")
        self._reporting = door.workspace.settings.tracking.conversions  # then destinations differ from person to person

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._find(scope) if scope["type"] == "http" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        named, n, target = found
        await self._door.recorder.record(hit_of(scope, self._door, named=named, n=n))
        headers = [(b"location", target), *REDIRECT_HEADERS]
        await send({"type": "http.response.start", "status": 302, "headers": headers})
        await send({"type": "http.response.body"})

    def _find(self, scope: Scope) -> tuple[Named, int, bytes] | None:
        """Who clicked which link, and where it leads; None when the fast path doesn't apply."""
        path: str = scope["path"]
        if (
            self._reporting
            or not path.startswith(PREFIX)
            or scope["method"] not in ("GET", "HEAD")
            or scope.get("root_path")
        ):
            return None
        token, _, number = path[len(PREFIX) :].partition("/")
        try:
            named = self._door.signer.read(Purpose.CLICK, token)
        except BadToken:
            return None
        letter = None if named.proof else self._door.letters.kept(named)
        n = link_number(number)
        target = letter.fixed.get(n) if letter else None
        if target and target.startswith(self._own_pages):
            visit = LinkVisit(named, n, self._door.clock())
            target = to_own_page(self._door, target.decode("ascii"), visit).encode("ascii")
        return (named, n, target) if target else None


def hit_of(scope: Scope, door: Door, *, named: Named, n: int) -> Hit:
    """The hit that a request makes."""
    client = scope.get("client")
    return make_hit(
        campaign_id=campaign_of(named.id),
        delivery_id=named.id,
        n=n,
        at=door.clock(),
        method=scope["method"],
        # The first of a name counts, as everywhere else.
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])},
        address=client[0] if client else "",
        key=door.network_key,
    )
