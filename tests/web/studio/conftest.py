"""A running studio: the rooms there are, one newsletter with a picture and a condition, three people."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from mailer.staff.accounts import add_account, find_account
from mailer.staff.actor import terminal
from mailer.staff.rights import Role
from mailer.staff.sessions import open_session
from mailer.store.engine.database import Database
from mailer.web.server import listen
from mailer.web.studio.app import ROOMS, create_app, open_studio
from mailer.web.studio.core.access import cookie_name
from mailer.web.studio.core.context import Studio
from mailer.web.studio.core.opening import address
from mailer.web.studio.core.rooms import Room
from mailer.workspace import Workspace
from tests.conftest import REPOSITORY
from tests.reports.builders import add_people
from tests.web.client import BROWSER, Reply, fetch, serving

SLUG = "2026-11-our-appeal"
HERE = f"/newsletters/{SLUG}/"
FRONT = """\
---
name: "Our appeal"
subject: "{{ supporter.first_name | default('Friend') }}, ask them"
preheader: "Twelve of them asked already, and got no answer that says anything."
list: supporters
template: appeal
action:
  url: https://act.example.org/ask?who={{ supporter.country }}
  label: Add your name
---
"""
BODY = """\

Dear {{ supporter.first_name | default("friend") }},

Ask them **now**. Or read [the sources](https://example.org/sources).

{% if supporter.country == "GB" %}
You live in Britain.
{% elif supporter.country == "DE" %}
You live in Germany.
{% endif %}

::: ask
:::

![A notebook and a lamp](lamp.png)
"""


@dataclass(slots=True)
class Clock:
    """What the studio takes for now: it stays `at` until a test moves it."""

    at: datetime

    def __call__(self) -> datetime:
        return self.at


@dataclass(frozen=True, slots=True)
class House:
    """A running studio and what tests do with it. `cookie` is that of this machine's own browser."""

    port: int
    studio: Studio
    workspace: Workspace
    cookie: str = field(repr=False)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def door(self) -> str:
        """The address that the terminal prints."""
        return address(self.studio)

    @property
    def file(self) -> Path:
        return self.workspace.newsletters / SLUG / "message.md"

    def write(self, body: str = BODY, front: str = FRONT) -> None:
        self.file.write_text(front + body, encoding="utf-8")

    def get(self, path: str, *, cookie: str | None = None, **headers: str) -> Reply:
        return fetch(self.port, path, headers=self._headers(cookie, headers))

    def post(self, path: str, body: bytes = b"", *, cookie: str | None = None, **headers: str) -> Reply:
        found = {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.origin, **headers}
        return fetch(self.port, path, method="POST", body=body, headers=self._headers(cookie, found))

    def sign_in(self, role: Role, name: str = "", *, lists: Collection[str] | None = None) -> str:
        """The cookie of an account with a role, made if need be; limited to `lists` if there are any."""
        named = f"{role}{name.lower()}@example.org"
        with self.studio.database.write() as connection:
            account = find_account(connection, named)
            now = self.studio.clock()
            account = account or add_account(connection, terminal(), named, role, at=now, name=name, lists=lists)
            token = open_session(connection, account, now=now)
        return f"{cookie_name(self.studio)}={token}"

    def _headers(self, cookie: str | None, headers: dict[str, str]) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items() if value}
        return {**BROWSER, "Cookie": self.cookie if cookie is None else cookie, **named}


@pytest.fixture
def more_rooms() -> tuple[Room, ...]:
    """Rooms beside those there are."""
    return ()


@pytest.fixture
def clock(now: datetime) -> Clock:
    return Clock(now)


@pytest.fixture
def house(workspace: Workspace, database: Database, clock: Clock, more_rooms: tuple[Room, ...]) -> Iterator[House]:
    folder = workspace.newsletters / SLUG
    folder.mkdir()
    (folder / "message.md").write_text(FRONT + BODY, encoding="utf-8")
    picture = REPOSITORY / "newsletters" / "2026-12-year-in-review" / "school.png"
    (folder / "lamp.png").write_bytes(picture.read_bytes())
    with database.write() as connection:
        add_people(connection, 3, now=clock())
    with listen("127.0.0.1", 0) as held:  # its port is part of the studio's name
        port = held.getsockname()[1]
    studio = open_studio(
        workspace, database, clock=clock, origins=[f"http://127.0.0.1:{port}", f"http://localhost:{port}"],
        is_private=True, rooms=(*ROOMS, *more_rooms),
    )  # fmt: skip
    with serving(create_app(studio), port=port) as served:
        yield House(served, studio, workspace, f"{cookie_name(studio, 'run')}={studio.run_key}")
        studio.stopping.set()
