"""The studio as an ASGI app: which address leads where, below the secret that `guard` takes off."""

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
from mailer.web.studio import views
from mailer.web.studio.desk import Desk
from mailer.web.studio.guard import Keys, guarded
from mailer.web.studio.room import Studio

ROUTES = (
    Route("/", views.show, methods=["GET"]),
    Route("/proof", views.send_proof, methods=["POST"]),
    Route("/mail", views.mail, methods=["GET"]),
    Route("/pictures/{digest}", views.picture, methods=["GET"]),
    Route("/go/{tab}/{width}/{as}/{n:int}", views.link, methods=["GET"]),
    Route("/own/{tab}/{width}/{as}/{name}", views.own_page, methods=["GET"]),
    Route("/changes", views.changes, methods=["GET"]),
    Route("/{name}", views.give_asset, methods=["GET"]),
)
WORDS = {
    403: "The form was not sent from the studio's page as it is now. Load the page again.",
    404: "There is nothing at this address.",
    413: "That was too much.",
}


def create_app(desk: Desk, *, clock: Callable[[], datetime], keys: Keys | None = None) -> Starlette:
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
