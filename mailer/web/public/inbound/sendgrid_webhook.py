"""/hooks/sendgrid: takes SendGrid's posts in. Signature, disk, 204; what they say is applied after (`apply_worker`).

SendGrid repeats for a day what isn't answered with 2xx (Event Webhook reference), so a post is answered once it is
committed. Everything that isn't SendGrid's is refused alike, whatever is wrong with it.
"""

from __future__ import annotations

import asyncio
from typing import cast

from starlette.requests import Request
from starlette.responses import Response

from mailer.delivery.feedback.webhook_inbox import keep_post
from mailer.transports.sendgrid.settings import Sendgrid
from mailer.transports.sendgrid.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, is_signed
from mailer.web.public.core.context import Door, door_of
from mailer.web.public.http.forms import read_body
from mailer.web.public.inbound.apply_worker import Applier

# SendGrid posts at 768 kB (its 2021 reference); 10,000 events in one post are about 5 MB.
LONGEST_BODY_BYTES = 8_000_000
PATIENCE_SECONDS = 20.0  # for the whole body
# Bodies in memory at a time, since whether one is SendGrid's is only known when all of it is there. Whoever finds no
# room is asked to come again, as SendGrid does.
MOST_AT_ONCE = 16


async def sendgrid(request: Request) -> Response:
    """Take a post. 403 for what isn't signed, 413 and 408 for what is too long or too slow, 503 to be sent again when
    many others are being read."""
    door = door_of(request)
    applier = cast(Applier, request.app.state.applier)
    signature, timestamp = (request.headers.get(name, "") for name in (SIGNATURE_HEADER, TIMESTAMP_HEADER))
    unsigned = door.workspace.settings.section(Sendgrid).webhook_unsigned
    if not unsigned and not (applier.keys and signature and timestamp):
        return Response(status_code=403)  # before anything of its body is read
    room = cast(asyncio.Semaphore, request.app.state.room_for_posts)
    if room.locked():
        return Response(status_code=503, headers={"Retry-After": "60"})
    async with room:
        body = await read_body(request, most_bytes=LONGEST_BODY_BYTES, seconds=PATIENCE_SECONDS)
        if not unsigned and not await door.threads.read(
            is_signed, applier.keys, body, signature=signature, timestamp=timestamp
        ):
            return Response(status_code=403)
        await door.threads.write(_keep, door, body)
    applier.wake()
    return Response(status_code=204)


def _keep(door: Door, body: bytes) -> None:
    with door.database.write() as connection:
        keep_post(connection, body, at=door.clock())
