"""Around every request: the headers each answer carries, and a plain page when something fails. Logs name no one."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mailer.languages import choose
from mailer.web.public.pages import Pages

log = logging.getLogger(__name__)

# Where a page does not say otherwise. The Content-Security-Policy here is for answers that are not pages.
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # the address holds the token
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


class Guard:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, pages: Pages) -> None:
        self._app = app
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:  # noqa: BLE001 - the last stop before the supporter
            log.error("a request failed: %s", where(error))
            if started:
                raise ConnectionAbortedError("the answer had begun") from None
            language = choose(accepted=Headers(scope=scope).get("accept-language", ""))
            await self._pages.problem(500, language)(scope, receive, send_with_headers)


def where(error: BaseException) -> str:
    """An error's kind and the lines it came through, without its words: those may quote a token or an address."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    return f"{type(error).__name__} at {lines}"
