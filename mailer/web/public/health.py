"""/healthz and /readyz for whatever watches over the server, /robots.txt, and the plain page at /."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from mailer.tracking.server_identity import NONCE, prove
from mailer.web.public.core.context import door_of


async def alive(_request: Request) -> Response:
    """200 while the process answers."""
    return PlainTextResponse("ok\n")


async def identify(request: Request) -> Response:
    """Proof that this server knows the workspace's signing keys: `mailer doctor` asks whether the way leads here."""
    nonce = str(request.path_params["nonce"])
    if not NONCE.fullmatch(nonce):
        raise HTTPException(404)
    return PlainTextResponse(prove(door_of(request).signing_keys, nonce) + "\n")


async def ready(request: Request) -> Response:
    """200 when a click could be written now, else 503."""
    if await door_of(request).recorder.ready():
        return PlainTextResponse("ok\n")
    return PlainTextResponse("the database can't be written\n", status_code=503)


async def robots(_request: Request) -> Response:
    """Search engines may index only what is meant for everybody."""
    return PlainTextResponse("User-agent: *\nAllow: /archive\nAllow: /act/\nAllow: /i/\nAllow: /brand/\nDisallow: /\n")


async def home(request: Request) -> Response:
    """The page at /: where somebody can go who typed the address, or cut it off a link."""
    door = door_of(request)
    lists = await door.threads.read(door.open_lists)
    return door.pages.response("home.html", door.language(request), lists=lists)
