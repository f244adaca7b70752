"""Who may speak with the studio: this machine's own browser, at the address that was printed, and nobody through it.

Three things keep out what other sites in the same browser try. The name asked for must be this machine's, so a foreign
name that is made to point here (DNS rebinding) gets nothing. Every address begins with a secret made for this run. And
what changes something must come from a page of ours (its Origin) and bring a second secret that only our pages hold.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import traceback
from dataclasses import dataclass, field
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

HOSTS = ("127.0.0.1", "localhost")
SAFE = ("GET", "HEAD")
# Where an answer does not say otherwise.
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Our own pages need their Origin on forms, which a stricter policy hides; other sites never learn the address.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Keys:
    """The secrets of one run: what addresses begin with, and what forms carry."""

    path: str = field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)
    form: str = field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)

    @property
    def base(self) -> str:
        return f"/{self.path}"


class Guard:
    """ASGI middleware. The app behind it sees paths without the secret."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app = app
        self._keys = keys

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

        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send_with_headers)
            return
        path = scope["path"].removeprefix(self._keys.base) or "/"
        inner = {**scope, "path": path, "raw_path": path.encode()}
        try:
            await self._app(inner, receive, send_with_headers)
        except Exception as error:  # noqa: BLE001 - the last stop: staff see words, the log sees the lines
            log.error("a request failed: %s", _where(error))
            if started:
                raise ConnectionAbortedError("the answer had begun") from None
            answer = _plain(500, "Something went wrong in the studio. Load the page again; the terminal says more.")
            await answer(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        """Why a request is not answered, or None."""
        headers = Headers(scope=scope)
        port = scope["server"][1]
        hosts = [f"{name}:{port}" for name in HOSTS]
        if headers.getlist("host") not in [[host] for host in hosts]:
            return _plain(421, "The studio answers on this machine's own name only.")
        first = scope["path"].split("/")[1]
        if not hmac.compare_digest(first.encode(), self._keys.path.encode()):
            return _plain(404, "Open the address that `mailer preview` printed; it is another one each time.")
        if scope["method"] not in SAFE and headers.get("origin") not in [f"http://{host}" for host in hosts]:
            return _plain(403, "This must be sent from the studio's own page.")
        return None


def _plain(status: int, words: str) -> PlainTextResponse:
    return PlainTextResponse(words + "\n", status_code=status)


def _where(error: BaseException) -> str:
    """An error's kind and the lines it came through, without its words: those may quote somebody's data."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    return f"{type(error).__name__} at {lines}"
