"""/c/<token>/<n>: store the click, then send the supporter on to where the link leads. HEAD is answered and stored too.

There is nothing to redirect to but what was mailed: the destination comes from the frozen message's link table.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

import idna
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.delivery.frozen import campaign_of
from mailer.errors import MailerError
from mailer.tracking.hits import Hit, make_hit
from mailer.tracking.tokens import Named, Purpose, Visit
from mailer.web.public.acting import to_own_page
from mailer.web.public.door import Door, door_of

log = logging.getLogger(__name__)

MOST_DIGITS = 4  # of a link's number
# RFC 3986 §2.2 and §2.3: reserved and unreserved characters, and the percent sign of what is encoded already.
URL_SAFE = "%:/?#[]@!$&'()*+,;=-._~"


class NoDestination(MailerError):
    """The link's destination is not a web address, so nobody is sent there."""


async def follow(request: Request) -> Response:
    """Record the click and redirect. 404 for a damaged token, an unknown link or a destination that isn't http(s)."""
    door = door_of(request)
    named = door.named(request, Purpose.CLICK)
    letter = door.letters.kept(named) or await door.wait_for(door.letters.find, named)
    link = letter.links.get(_number(request.path_params["n"]))
    if link is None:
        raise HTTPException(404)
    if not named.proof:
        await door.recorder.record(_hit(request, door, named=named, n=link.n))
    supporter: Mapping[str, object] = {}
    if any(isinstance(part, int) for part in link.destination):
        supporter = await door.wait_for(door.letters.supporter, named, letter)
    try:
        target = location(letter.destination(link, supporter))
    except MailerError as error:
        log.error("link %d of %s leads nowhere: %s", link.n, letter.message.slug, type(error).__name__)
        raise HTTPException(404) from None
    target = to_own_page(door, target, Visit(named, link.n, door.clock()))
    return Response(status_code=302, headers={"Location": target})


def location(url: str) -> str:
    """`url` as a Location header may hold it (RFC 9110 §10.2.2): ASCII, no control characters, host in IDNA.

    Raises `NoDestination` unless it is http or https with a host.
    """
    try:
        parts = urlsplit(url.strip())
        netloc = parts.netloc if parts.netloc.isascii() else _in_ascii(parts)
        _ = parts.port  # raises when it is none
    except ValueError:  # a broken port or bracket, a label IDNA can't carry
        raise NoDestination("this is not a web address") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NoDestination("this is not a web address")
    return quote(urlunsplit(parts._replace(netloc=netloc)), safe=URL_SAFE)


def _in_ascii(parts: SplitResult) -> str:
    host = idna.encode(parts.hostname or "", uts46=True).decode("ascii")
    return f"{host}:{parts.port}" if parts.port else host


def _number(text: str) -> int:
    """The number of a link in its one spelling, or 0, which no link has."""
    proper = text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS and not text.startswith("0")
    return int(text) if proper else 0


def _hit(request: Request, door: Door, *, named: Named, n: int) -> Hit:
    return make_hit(
        campaign_id=campaign_of(named.id),
        delivery_id=named.id,
        n=n,
        at=door.clock(),
        method=request.method,
        headers=request.headers,
        address=request.client.host if request.client else "",
        key=door.network_key,
    )
