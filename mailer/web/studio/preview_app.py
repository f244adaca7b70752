"""The studio as an ASGI app: which address leads where, below the secret that `middleware` takes off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mailer.errors import MailerError
from mailer.web.studio import routes
from mailer.web.studio.live_compile import LiveNewsletter
from mailer.web.studio.middleware import Keys, guarded
from mailer.web.studio.page_state import Studio

ROUTES = (
    Route("/", routes.show, methods=["GET"]),
    Route("/proof", routes.send_proof, methods=["POST"]),
    Route("/mail", routes.mail, methods=["GET"]),
    Route("/pictures/{digest}", routes.picture, methods=["GET"]),
    Route("/go/{tab}/{width}/{as}/{n:int}", routes.link, methods=["GET"]),
    Route("/own/{tab}/{width}/{as}/{name}", routes.own_page, methods=["GET"]),
    Route("/changes", routes.changes, methods=["GET"]),
    Route("/{name}", routes.give_asset, methods=["GET"]),
)
WORDS = {
    403: "The form was not sent from the studio's page as it is now. Load the page again.",
    404: "There is nothing at this address.",
    413: "That was too much.",
}


def create_app(desk: LiveNewsletter, *, clock: Callable[[], datetime], keys: Keys | None = None) -> Starlette:
    """The app over a desk, which stays the caller's to close."""
    keys = keys or Keys()
    app = Starlette(
        routes=ROUTES,
        middleware=[Middleware(guarded, keys=keys)],
        exception_handlers={HTTPException: _refused, MailerError: _told},
    )
    app.router.redirect_slashes = False
    app.state.studio = Studio(desk, keys, clock)
    return app


def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    words = WORDS.get(error.status_code, "That can't be done here.")
    return PlainTextResponse(words + "\n", error.status_code, headers=dict(error.headers or {}))


def _told(_request: Request, error: Exception) -> Response:
    return PlainTextResponse(f"{error}\n", 500)
