"""The public site as an ASGI app: routes and the 404 page."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, Router

from mailer.delivery.ledger.mailed_message import NotKept
from mailer.store.engine.database import Database, DatabaseTrouble
from mailer.tracking.tokens import BadToken
from mailer.web.public import health
from mailer.web.public.core.context import Door, door_of, open_door
from mailer.web.public.http.middleware import guarded
from mailer.web.public.http.paths import Whole
from mailer.web.public.inbound import conversions, provider_webhook
from mailer.web.public.inbound.apply_worker import Applier
from mailer.web.public.mail import archive, calendar_file, clicks, issue_pictures, opens, view_in_browser
from mailer.web.public.people import confirm, old_forms, preferences, subscribe, unsubscribe
from mailer.web.public.petition import action_page, page_now, pictures, progress_bar, thanks
from mailer.workspace import Workspace

log = logging.getLogger(__name__)

# From the last answer to the end of the process. With the 7 s for answers (`server.DRAIN_SECONDS`) that is less than
# the 15 s that docs/deploy.md promises, also while another program holds the database.
STOP_SECONDS = 5.0
TRYING_SECONDS = 3.0  # of these, for clicks that can't be written; the last try may begin then (`door.RECORD_SECONDS`)

ROUTES = (
    Route("/c/{token}/{n}", clicks.follow),
    Route("/o/{token}.gif", opens.opened),
    Route("/api/conversions", conversions.report, methods=["POST"]),
    Route("/u/{token}", unsubscribe.ask, methods=["GET"]),
    Route("/u/{token}", unsubscribe.leave, methods=["POST"]),
    Route("/u/{token}/undo", unsubscribe.undo, methods=["POST"]),
    Route("/u/{token}/less", unsubscribe.less, methods=["POST"]),
    Route("/v/{token}", view_in_browser.view),
    Route("/v/{token}/event.ics", calendar_file.of_mail),
    Route("/p/{token}", preferences.show, methods=["GET"]),
    Route("/p/{token}", preferences.change, methods=["POST"]),
    Route("/act/{slug}", action_page.show, methods=["GET"]),
    Route("/act/{slug}", action_page.add, methods=["POST"]),
    Route("/act/{slug}/thanks", thanks.show, methods=["GET"]),
    Route("/act/{slug}/thanks", thanks.add, methods=["POST"]),
    Route("/act/{slug}/count", page_now.count, methods=["GET"]),
    Route("/act/{slug}/picture/{name}", pictures.show),
    Route("/act/{slug}/card/{name}", pictures.card),
    Route("/p/{token}/address", preferences.move, methods=["POST"]),
    Route("/p/{token}/data", preferences.data, methods=["POST"]),
    Route("/p/{token}/delete", preferences.ask_to_delete, methods=["GET"]),
    Route("/p/{token}/delete", preferences.delete, methods=["POST"]),
    Route("/join/{list}", subscribe.show, methods=["GET"]),
    Route("/join/{list}", subscribe.join, methods=["POST"]),
    Route("/join/{list}/sent", subscribe.sent, methods=["GET"]),
    Route("/subscription/form", old_forms.join, methods=["POST"]),
    Route("/api/public/subscription", old_forms.join_by_json, methods=["POST"]),
    Route("/api/public/subscription", old_forms.allow, methods=["OPTIONS"]),
    Route("/confirm/{token}", confirm.ask, methods=["GET"]),
    Route("/confirm/{token}", confirm.confirm, methods=["POST"]),
    Route("/i/{digest}/{name:path}", view_in_browser.picture),
    Route("/brand/{name}", view_in_browser.brand),
    Route("/progress/{slug}.png", progress_bar.show),
    Route("/archive", archive.contents),
    Route("/archive/feed.atom", archive.feed),
    Route("/archive/{slug}", archive.show),
    Route("/archive/{slug}/event.ics", calendar_file.of_archive),
    Route("/archive/{slug}/go/{n}", archive.follow),
    Route("/archive/{slug}/picture/{name}", issue_pictures.show),
    Route("/archive/{slug}/card/{name}", issue_pictures.card),
    Route("/hooks/{provider}", provider_webhook.take_post, methods=["POST"]),
    Route("/healthz", health.alive),
    Route("/healthz/{nonce}", health.identify),
    Route("/readyz", health.ready),
    Route("/robots.txt", health.robots),
    Route("/", health.home),
)


def create_app(workspace: Workspace, database: Database, *, clock: Callable[[], datetime]) -> Starlette:
    """The app over an open database, which stays the caller's to close. Raises `MailerError` without signing keys."""
    door = open_door(workspace, database, clock=clock)
    prefix = urlsplit(workspace.settings.public.url).path
    app = Starlette(
        routes=_routes(prefix),
        middleware=[
            Middleware(Whole, prefix=prefix),
            Middleware(clicks.Quick, door=door),
            Middleware(guarded, pages=door.pages),
        ],
        exception_handlers={
            BadToken: _lost,
            NotKept: _lost,
            DatabaseTrouble: _busy,
            HTTPException: _refused,
        },
        lifespan=_lifespan,
    )
    # RFC 8058 §3.1: no redirect on the way of an unsubscribe, not even for a slash.
    app.router.redirect_slashes = False
    app.state.door = door
    app.state.clicks_lost = 0
    app.state.applier = Applier(workspace.settings, workspace.secrets, database=database, clock=clock)
    app.state.room_for_posts = asyncio.Semaphore(provider_webhook.MOST_AT_ONCE)
    return app


def _routes(prefix: str) -> Sequence[BaseRoute]:
    """The routes, and again below the path of the public address: a web server in front may take it off or leave it."""
    return [*ROUTES, Mount(prefix, app=Router(ROUTES, redirect_slashes=False))] if prefix else ROUTES


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncGenerator[None, None]:
    door: Door = app.state.door
    door.recorder.start()
    door.courier.start()
    door.thanks_courier.start()
    app.state.applier.start()
    try:
        yield
    finally:
        app.state.clicks_lost, *_ = await asyncio.gather(
            asyncio.to_thread(door.recorder.stop, trying_seconds=TRYING_SECONDS, at_most_seconds=STOP_SECONDS),
            asyncio.to_thread(app.state.applier.stop, STOP_SECONDS),
            asyncio.to_thread(door.courier.stop, STOP_SECONDS),
            asyncio.to_thread(door.thanks_courier.stop, STOP_SECONDS),
        )
        door.threads.close()


def _lost(request: Request, _error: Exception) -> Response:
    return _problem(request, 404)


def _busy(request: Request, error: Exception) -> Response:
    # Only the words meant for people: the cause behind them may quote what was to be written.
    log.error("a request could not be served: %s", getattr(error, "message", type(error).__name__))
    return _problem(request, 503)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _problem(request, error.status_code, dict(error.headers or {}))


def _problem(request: Request, status: int, headers: dict[str, str] | None = None) -> Response:
    door = door_of(request)
    return door.pages.problem(status, door.language(request), headers)
