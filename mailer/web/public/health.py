"""/healthz and /readyz for whatever watches over the server, /robots.txt, and the plain page at /."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from mailer.web.public.door import door_of


async def alive(_request: Request) -> Response:
    """200 while the process answers."""
    return PlainTextResponse("ok\n")


async def ready(request: Request) -> Response:
    """200 when a click could be written now, else 503."""
    if await door_of(request).recorder.ready():
        return PlainTextResponse("ok\n")
    return PlainTextResponse("the database can't be written\n", status_code=503)


async def robots(_request: Request) -> Response:
    """Nothing here is for search engines."""
    return PlainTextResponse("User-agent: *\nDisallow: /\n")


async def home(request: Request) -> Response:
    """Who mails from here."""
    return door_of(request).pages.response("home.html")
