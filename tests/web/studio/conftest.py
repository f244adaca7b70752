"""An open studio: a newsletter with a picture and a condition, three people, the page over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette

from mailer.store.engine.database import Database, open_database
from mailer.web.studio.live_compile import LiveNewsletter
from mailer.web.studio.middleware import Keys
from mailer.web.studio.preview_app import create_app
from mailer.workspace import Workspace
from tests.conftest import REPOSITORY
from tests.reports.builders import add_people
from tests.web.client import BROWSER, Reply, fetch, serving

SLUG = "our-appeal"
FRONT = """\
---
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


@dataclass(frozen=True, slots=True)
class Room:
    """A running studio and what tests do with it."""

    port: int
    workspace: Workspace
    database: Database
    desk: LiveNewsletter
    app: Starlette
    keys: Keys = field(repr=False)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.origin}{self.keys.base}/"

    @property
    def file(self) -> Path:
        return self.workspace.newsletters / SLUG / "message.md"

    def write(self, body: str, front: str = FRONT) -> None:
        self.file.write_text(front + body, encoding="utf-8")

    def get(self, path: str = "", **options: object) -> Reply:
        return fetch(self.port, f"{self.keys.base}/{path}", **options)  # pyright: ignore[reportArgumentType]

    def post(self, form: Mapping[str, str], *, origin: str | None = None) -> Reply:
        headers = {
            **BROWSER, "Origin": self.origin if origin is None else origin,
            "Content-Type": "application/x-www-form-urlencoded",
        }  # fmt: skip
        body = urlencode({"token": self.keys.form, **form}).encode()
        return fetch(self.port, f"{self.keys.base}/proof", method="POST", headers=headers, body=body)


@pytest.fixture
def room(workspace: Workspace, now: datetime) -> Iterator[Room]:
    folder = workspace.newsletters / SLUG
    folder.mkdir()
    (folder / "message.md").write_text(FRONT + BODY, encoding="utf-8")
    picture = REPOSITORY / "newsletters" / "2026-12-year-in-review" / "school.png"
    (folder / "lamp.png").write_bytes(picture.read_bytes())
    database = open_database(workspace.settings.database_url)
    with database.write() as connection:
        add_people(connection, 3, now=now)
    desk, keys = LiveNewsletter(workspace, database, SLUG, clock=lambda: now), Keys()
    try:
        app = create_app(desk, clock=lambda: now, keys=keys)
        with serving(app) as port:
            yield Room(port, workspace, database, desk, app, keys)
    finally:
        desk.close()
        database.close()
