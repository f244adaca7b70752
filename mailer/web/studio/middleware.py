"""Who may speak with the studio: this machine's own browser, at the address that was printed, and nobody through it.

Three things keep out what other sites in the same browser try. The name asked for must be this machine's, so a foreign
name that is made to point here (DNS rebinding) gets nothing. Every address begins with a secret made for this run. And
what changes something must come from a page of ours (its Origin) and bring a second secret that only our pages hold.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mailer.web import responses

HOSTS = ("127.0.0.1", "localhost")
SAFE = ("GET", "HEAD")
HEADERS = responses.HEADERS | {
    "Cross-Origin-Opener-Policy": "same-origin",
    # Our own pages need their Origin on forms, which a stricter policy hides; other sites never learn the address.
    "Referrer-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Keys:
    """The secrets of one run: what addresses begin with, and what forms carry."""

    path: str = field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)
    form: str = field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)

    @property
    def base(self) -> str:
        return f"/{self.path}"


def guarded(app: ASGIApp, keys: Keys) -> ASGIApp:
    """The app, wrapped so that nobody else can use it."""

    def problem(_: Scope) -> ASGIApp:
        return _plain(500, "Something went wrong in the studio. Load the page again; the terminal says more.")

    return responses.Answering(StudioGuard(app, keys), headers=HEADERS, failed=problem)


class StudioGuard:
    """ASGI middleware. The app behind it sees paths without the secret."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif (refusal := self._refusal(scope)) is not None:
            await refusal(scope, receive, send)
        else:
            path = scope["path"].removeprefix(self._keys.base) or "/"
            await self._app({**scope, "path": path, "raw_path": path.encode()}, receive, send)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        """Why a request is not answered, or None."""
        headers = Headers(scope=scope)
        port = scope["server"][1]
        hosts = [f"{name}:{port}" for name in HOSTS]
        if headers.getlist("host") not in [[host] for host in hosts]:
            return _plain(421, "The studio answers on this machine's own name only.")
        first = scope["path"].partition("/")[2].partition("/")[0]  # of "*" too, which has no slash
        if not hmac.compare_digest(first.encode(), self._keys.path.encode()):
            return _plain(404, "Open the address that `mailer preview` printed; it is another one each time.")
        if scope["method"] not in SAFE and headers.get("origin") not in [f"http://{host}" for host in hosts]:
            return _plain(403, "This must be sent from the studio's own page.")
        return None


def _plain(status: int, words: str) -> PlainTextResponse:
    return PlainTextResponse(words + "\n", status_code=status)
