"""/o/<token>.gif: the open pixel. Only mails to people who agree to be tracked have it."""

from __future__ import annotations

from base64 import b64decode

from starlette.requests import Request
from starlette.responses import Response

from mailer.tracking.bot_rules import OPENING
from mailer.tracking.tokens import Purpose
from mailer.web.public.core.context import door_of
from mailer.web.public.mail.clicks import hit_of

# One transparent pixel, 43 bytes (GIF89a with a graphic control extension).
GIF = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
HEADERS = {"Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "cross-origin"}  # webmail shows it


async def opened(request: Request) -> Response:
    """Store the hit and answer the picture. Nothing is stored once the setting is off, nor of a proof."""
    door = door_of(request)
    named = door.named(request, Purpose.OPEN)
    if door.workspace.settings.tracking.opens and not named.proof:
        await door.recorder.record(hit_of(request.scope, door, named=named, n=OPENING))
    return Response(GIF, media_type="image/gif", headers=HEADERS)
