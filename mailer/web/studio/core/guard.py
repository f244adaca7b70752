"""Around every request: the name it was asked by, the page it came from, and the headers that each answer carries.

A foreign name that is made to lead here (DNS rebinding) gets nothing. What changes something must come from a page of
ours, which browsers say themselves (Sec-Fetch-Site, else Origin): no token in any form is needed, and none can leak.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mailer.web import responses

SAFE = ("GET", "HEAD")
OURS = ("same-origin", "none")  # "none": typed, or from a bookmark
FRAMES = ("iframe", "frame", "embed", "object")
HEADERS = responses.HEADERS | {
    "X-Frame-Options": "DENY",  # for browsers that know no frame-ancestors
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Our own pages need their Origin on forms, which a stricter policy hides; other sites never learn the address.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


def guarded(app: ASGIApp, origins: tuple[str, ...]) -> ASGIApp:
    """The app, wrapped so that only pages of `origins` can use it."""

    def failed(_: Scope) -> ASGIApp:
        return _plain(500, "Something went wrong in the studio. Nothing was sent. Load the page again.")

    headers = dict(HEADERS)
    if all(origin.startswith("https://") for origin in origins):
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return responses.Answering(_Guard(app, origins), headers=headers, failed=failed)


class _Guard:
    """ASGI middleware that refuses what isn't ours."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        self._app = app
        self._origins = origins
        self._hosts = [[urlsplit(origin).netloc] for origin in origins]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (refusal := self._refusal(scope)) is not None:
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        """Why a request is not answered, or None."""
        headers = Headers(scope=scope)
        if headers.getlist("host") not in self._hosts:
            return _plain(421, "The studio answers on its own name only.")
        site = headers.get("sec-fetch-site")
        if site not in (None, *OURS) and headers.get("sec-fetch-dest") in FRAMES:
            return _plain(403, "The studio is not shown inside another site.")
        if scope["method"] in SAFE:
            return None
        ours = site in OURS if site is not None else headers.get("origin") in self._origins
        return None if ours else _plain(403, "This must be sent from the studio's own page.")


def _plain(status: int, words: str) -> PlainTextResponse:
    return PlainTextResponse(words + "\n", status_code=status)
