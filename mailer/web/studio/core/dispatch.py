"""From the table of routes to answers: who visits, whether they may, the body within bounds, then the room."""

from __future__ import annotations

import asyncio
import inspect
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive

from mailer.delivery.series.approval import MadeIssue, made_issues
from mailer.editing.folders import lists_of
from mailer.errors import MailerError
from mailer.staff.actor import Actor, NotAllowed
from mailer.staff.rights import Right
from mailer.store.engine.errors import DatabaseTrouble
from mailer.web.studio.core import errors
from mailer.web.studio.core.access import actor_of_request
from mailer.web.studio.core.context import NUL, Studio, Visit
from mailer.web.studio.core.pages import may
from mailer.web.studio.core.rooms import StudioRoute
from mailer.workspace import Workspace

BODY_SECONDS = 30.0  # for the whole body of a form


def to_starlette(studio: Studio, route: StudioRoute) -> Route:
    """The route with everything that is done around it."""

    async def answer(request: Request) -> Response:
        limited = Request(request.scope, _at_most(request.receive, route.most_bytes))
        visit = await run_in_threadpool(visit_of, studio, limited)
        if not may(visit, route.asks):
            return await run_in_threadpool(_kept_out, visit, route)
        try:
            if NUL in request.scope["path"]:  # no file is called so, and PostgreSQL keeps no text with it
                raise HTTPException(404)
            return await _shown(visit, route)
        except NotAllowed as error:
            return await run_in_threadpool(errors.refused, visit, error.right)
        except HTTPException as error:
            return await run_in_threadpool(errors.problem, visit, error.status_code)
        except MailerError as error:
            if home := await run_in_threadpool(_home_of_issue, visit):
                return RedirectResponse(home, 303)
            status = 503 if isinstance(error, DatabaseTrouble) else 422
            return await run_in_threadpool(errors.told, visit, error, status)

    return Route(route.path, answer, methods=["GET", "HEAD"] if route.method == "GET" else [route.method])


def visit_of(studio: Studio, request: Request) -> Visit:
    """The visit that a request is. It reads the database, so call it in a thread."""
    address = request.client.host if request.client else ""
    whole, workspace = actor_of_request(studio, request.cookies, address=address), studio.reader.read()
    actor = whole
    of_newsletter = request.url.path.startswith(("/newsletters/", "/automations/")) and "name" in request.path_params
    if actor is not None and of_newsletter:
        actor = _within_lists(actor, studio, workspace, str(request.path_params["name"]))
    return Visit(
        studio=studio, request=request, actor=actor, now=studio.clock(), nonce=secrets.token_urlsafe(16),
        workspace=workspace, whole_actor=whole,
    )  # fmt: skip


def _within_lists(actor: Actor, studio: Studio, workspace: Workspace, slug: str) -> Actor:
    """Who is limited to lists may look at the newsletters of others, and nothing else: no room has to ask."""
    if actor.lists is None:
        return actor
    lists = lists_of(workspace, slug)
    if not lists and (issue := _issue(studio, slug)):
        lists = issue.lists
    return actor if actor.may_work_on(lists) else replace(actor, rights=frozenset())


def _issue(studio: Studio, slug: str) -> MadeIssue | None:
    """The issue of a series that is called so; it has no folder."""
    with studio.database.read() as connection:
        return made_issues(connection, slug).get(slug)


def _home_of_issue(visit: Visit) -> str:
    """Where an issue is shown, for an address that only a newsletter with files has; "" for all else."""
    name, request = visit.path.get("name", ""), visit.request
    if not name or request.method not in ("GET", "HEAD") or not request.url.path.startswith("/newsletters/"):
        return ""
    issue = None if visit.workspace.has_folder(name) else _issue(visit.studio, name)
    return f"/newsletters/{issue.parent}/series/{name}" if issue else ""


async def _shown(visit: Visit, route: StudioRoute) -> Response:
    if inspect.iscoroutinefunction(route.show):
        return await route.show(visit)
    if route.method != "GET":
        visit = replace(visit, body=await _body(visit.request))
    show = cast("Callable[[Visit], Response]", route.show)
    return await run_in_threadpool(show, visit)


def _kept_out(visit: Visit, route: StudioRoute) -> Response:
    if visit.actor is None or not isinstance(route.asks, Right):
        return errors.stranger(visit)
    return errors.refused(visit, route.asks)


async def _body(request: Request) -> bytes:
    try:
        return await asyncio.wait_for(request.body(), BODY_SECONDS)
    except TimeoutError:
        raise HTTPException(408) from None
    except ClientDisconnect:
        raise HTTPException(400) from None


def _at_most(receive: Receive, most_bytes: int) -> Receive:
    """The same body, until it is longer than that: then HTTPException 413."""
    read = 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > most_bytes:
            raise HTTPException(413)
        return message

    return counted
