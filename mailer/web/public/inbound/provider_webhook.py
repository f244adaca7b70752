"""/hooks/<provider>: takes posts in. Signature, disk, 204; what they say is applied after (`apply_worker`).

Providers repeat for hours or days what isn't answered with 2xx, so a post is answered once it is committed. Everything
that isn't the provider's is refused alike, whatever is wrong with it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.delivery.feedback.webhook_events import keep_post
from mailer.transports.events import PostUndecided
from mailer.web.public.core.context import Door, door_of
from mailer.web.public.http.forms import read_body
from mailer.web.public.inbound.apply_worker import Applier

log = logging.getLogger(__name__)

# The largest posts that a provider documents have 768 kB; 10,000 events in one post are about 5 MB.
LONGEST_BODY_BYTES = 8_000_000
PATIENCE_SECONDS = 20.0  # for the whole body
# Bodies in memory at a time, since whether one is the provider's is only known when all of it is there. A post that
# finds no room is asked to come again, as providers do.
MOST_AT_ONCE = 16


async def take_post(request: Request) -> Response:
    """Take a post. 403 for what isn't signed, 413 and 408 for what is too long or too slow, 503 to be sent again when
    many others are being read or it can't be verified for now, 404 for a provider that has no webhook."""
    door = door_of(request)
    applier = cast(Applier, request.app.state.applier)
    provider = str(request.path_params["provider"])
    if provider not in applier.verifiers:
        raise HTTPException(404)
    verifier = applier.verifiers[provider]
    if verifier is None or not verifier.promising(request.headers):
        return Response(status_code=403)  # before anything of its body is read
    room = cast(asyncio.Semaphore, request.app.state.room_for_posts)
    if room.locked():
        return _later()
    async with room:
        body = await read_body(request, most_bytes=LONGEST_BODY_BYTES, seconds=PATIENCE_SECONDS)
        try:
            theirs = await door.threads.read(verifier.is_theirs, request.headers, body)
        except PostUndecided as error:
            log.warning("a post from %s waits to be sent again: %s", provider, error.message)
            return _later()
        if not theirs:
            return Response(status_code=403)
        await door.threads.write(_keep, door, body, provider)
    applier.wake()
    return Response(status_code=204)


def _later() -> Response:
    return Response(status_code=503, headers={"Retry-After": "60"})


def _keep(door: Door, body: bytes, provider: str) -> None:
    with door.database.write() as connection:
        keep_post(connection, body, provider=provider, at=door.clock())
