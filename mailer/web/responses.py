"""What every answer of either app has: headers where it doesn't say otherwise, and a last word when something fails.

A failure is logged by its kind and place alone: its words may quote a token, an address or somebody's data. Who may
ask, and what a visitor is told then, is for each door.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

# For answers that are not pages; a page brings the Content-Security-Policy that fits it.
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


class Answering:
    """ASGI middleware: adds `headers` that are missing; `failed` makes the answer when something fails."""

    def __init__(self, app: ASGIApp, *, headers: Mapping[str, str], failed: Callable[[Scope], ASGIApp]) -> None:
        self._app = app
        self._headers = headers
        self._failed = failed

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
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:  # noqa: BLE001 - the last stop before the visitor
            log.error("a request failed: %s", _where(error))
            if not started:  # else the connection is cut, so that half an answer isn't mistaken for a whole one
                await self._failed(scope)(scope, receive, send_with_headers)
        except asyncio.CancelledError:  # the server ends, and it took too long; its task has nothing more to do
            log.warning("a request was broken off, since the server ends")
            if not started:
                await self._failed(scope)(scope, receive, send_with_headers)


def _where(error: BaseException) -> str:
    """An error's kind and the lines it came through, without its words."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    return f"{type(error).__name__} at {lines}"
