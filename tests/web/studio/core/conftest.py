"""A running studio with the rooms there are, and one more whose routes do what a test needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from starlette.responses import PlainTextResponse, Response

from mailer.errors import MailerError
from mailer.staff.rights import Right
from mailer.store.engine.database import Database
from mailer.web.studio.app import ROOMS, create_app, open_studio
from mailer.web.studio.core.access import cookie_name
from mailer.web.studio.core.context import Studio, Visit
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.rooms import Room, StudioRoute
from mailer.workspace import Workspace
from tests.web.client import BROWSER, Reply, fetch, serving


def _show(visit: Visit) -> Response:
    return page(visit, "core/find.html", words="", found=())


def _echo(visit: Visit) -> Response:
    return PlainTextResponse(visit.form.text("words"))


def _fails(_visit: Visit) -> Response:
    raise RuntimeError("Ada's address is in here")


def _told(_visit: Visit) -> Response:
    raise MailerError("the ink is empty", remedy="Fill it.")


TRIED = Room(
    routes=(
        StudioRoute("/tried", _show, Right.WRITE),
        StudioRoute("/tried", _echo, Right.WRITE, method="POST"),
        StudioRoute("/tried/fails", _fails, Right.WRITE),
        StudioRoute("/tried/told", _told, Right.WRITE),
        StudioRoute("/tried/approve", _show, Right.APPROVE),
    )
)


@dataclass(frozen=True, slots=True)
class House:
    """A running studio and what tests do with it."""

    port: int
    studio: Studio
    cookie: str = field(repr=False)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, *, cookie: str | None = None, **headers: str) -> Reply:
        return fetch(self.port, path, headers=self._headers(cookie, headers))

    def post(self, path: str, body: bytes = b"", *, cookie: str | None = None, **headers: str) -> Reply:
        found = {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.origin, **headers}
        return fetch(self.port, path, method="POST", body=body, headers=self._headers(cookie, found))

    def _headers(self, cookie: str | None, headers: dict[str, str]) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items() if value}
        return {**BROWSER, "Cookie": self.cookie if cookie is None else cookie, **named}


@pytest.fixture
def house(workspace: Workspace, database: Database, now: datetime) -> Iterator[House]:
    from mailer.web.server import listen

    with listen("127.0.0.1", 0) as held:  # its port is part of the studio's name
        port = held.getsockname()[1]
    studio = open_studio(
        workspace, database, clock=lambda: now, origins=[f"http://127.0.0.1:{port}", f"http://localhost:{port}"],
        is_private=True, rooms=(*ROOMS, TRIED),
    )  # fmt: skip
    with serving(create_app(studio), port=port) as served:
        yield House(served, studio, f"{cookie_name(studio, 'run')}={studio.run_key}")
