"""Around every request of a supporter: the headers each answer carries, and a plain page when something fails."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Scope

from mailer.locale.language import choose
from mailer.web import responses
from mailer.web.pages.templates import Pages

HEADERS = responses.HEADERS | {
    "Referrer-Policy": "no-referrer",  # the address holds the token
    "X-Robots-Tag": "noindex",
}


def guarded(app: ASGIApp, pages: Pages) -> ASGIApp:
    """The app, wrapped with these headers and the failure page."""

    def problem(scope: Scope) -> ASGIApp:
        return pages.problem(500, choose(accepted=Headers(scope=scope).get("accept-language", "")))

    return responses.Answering(app, headers=HEADERS, failed=problem)
