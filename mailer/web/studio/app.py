"""The studio as an ASGI app: the rooms it has, each with its routes, behind the guard. A room is added here alone."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from mailer.store.engine.database import Database
from mailer.web.studio.all_results import routes as all_results
from mailer.web.studio.audience import routes as audience
from mailer.web.studio.automations import routes as automations
from mailer.web.studio.backups import routes as backups
from mailer.web.studio.compose import routes as compose
from mailer.web.studio.core import dispatch, errors, opening, palette, static
from mailer.web.studio.core.context import Studio, WorkspaceReader
from mailer.web.studio.core.guard import guarded
from mailer.web.studio.core.rooms import Room
from mailer.web.studio.data import routes as data
from mailer.web.studio.following import routes as following
from mailer.web.studio.history import routes as history
from mailer.web.studio.history.repository import keep_together
from mailer.web.studio.imports import routes as imports
from mailer.web.studio.inbox import routes as inbox
from mailer.web.studio.library import routes as library
from mailer.web.studio.lists import routes as lists
from mailer.web.studio.moving import routes as moving
from mailer.web.studio.newsletters import routes as newsletters
from mailer.web.studio.people import routes as people
from mailer.web.studio.petition import routes as petition
from mailer.web.studio.results import routes as results
from mailer.web.studio.review import routes as review
from mailer.web.studio.send import routes as send
from mailer.web.studio.series import routes as series
from mailer.web.studio.settings import routes as settings
from mailer.web.studio.staff import routes as staff
from mailer.web.studio.testing import routes as testing
from mailer.web.studio.today import routes as today
from mailer.web.studio.translate import routes as translate
from mailer.web.studio.work import routes as work
from mailer.web.studio.work.beside import worker_of
from mailer.workspace import Workspace

ROOMS: tuple[Room, ...] = (
    static.ROOM,
    opening.ROOM,
    palette.ROOM,
    today.ROOM,
    staff.ROOM,
    newsletters.ROOM,
    automations.ROOM,
    lists.ROOM,
    all_results.ROOM,
    compose.ROOM,
    translate.ROOM,
    audience.ROOM,
    people.ROOM,
    review.ROOM,
    following.ROOM,
    results.ROOM,
    petition.ROOM,
    history.ROOM,
    send.ROOM,
    moving.ROOM,  # before Imports, whose addresses begin alike
    testing.ROOM,
    series.ROOM,
    imports.ROOM,
    library.ROOM,
    data.ROOM,
    settings.ROOM,
    inbox.ROOM,
    work.ROOM,
    backups.ROOM,
)


def open_studio(
    workspace: Workspace, database: Database, *, clock: Callable[[], datetime], origins: Sequence[str],
    is_private: bool, rooms: tuple[Room, ...] = ROOMS,
) -> Studio:  # fmt: skip
    """A studio over an open database, which stays the caller's to close.

    `origins`: how browsers call it. `is_private`: only this machine reaches it, so the holder of the run's key may come
    in while nobody has an account.
    """
    return Studio(
        reader=WorkspaceReader(workspace), database=database, clock=clock, origins=tuple(origins),
        run_key=secrets.token_urlsafe(18) if is_private else None, rooms=rooms,
    )  # fmt: skip


def create_app(studio: Studio) -> Starlette:
    """The app of a studio."""

    async def refused(request: Request, error: Exception) -> Response:
        """No such address, or not by this method."""
        assert isinstance(error, HTTPException)
        visit = await run_in_threadpool(dispatch.visit_of, studio, request)
        return await run_in_threadpool(errors.problem, visit, error.status_code)

    @asynccontextmanager
    async def until_the_end(_app: Starlette) -> AsyncGenerator[None]:
        together = asyncio.create_task(keep_together(studio))
        worker = worker_of(studio)
        worker.start()
        yield
        together.cancel()
        await run_in_threadpool(worker.stop)
        await run_in_threadpool(studio.beside.shutdown, cancel_futures=True)

    app = Starlette(
        routes=[dispatch.to_starlette(studio, route) for room in studio.rooms for route in room.routes],
        middleware=[Middleware(guarded, origins=studio.origins)],
        exception_handlers={HTTPException: refused},
        lifespan=until_the_end,
    )
    app.router.redirect_slashes = False
    app.state.studio = studio
    return app
