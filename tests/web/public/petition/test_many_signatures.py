"""Where many sign at once: they share transactions, nothing is counted for each, and nobody is woken for nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import Connection, event
from starlette.applications import Starlette

from mailer.compose.action_page.parse import ActionPage
from mailer.store.engine.database import Database
from mailer.store.tables.inbound import rate_limits, signatures
from mailer.tracking.tokens import Signer
from mailer.web.public.app import create_app
from mailer.web.public.core import page_cache
from mailer.web.public.core.page_cache import TALLY_LIFE
from mailer.workspace import ACTION_FILE, Workspace
from tests.web.client import Reply, serving
from tests.web.conftest import Served, seed
from tests.web.strain import Asked, held

pytestmark = pytest.mark.sqlite  # PostgreSQL shares a wait for the disk by itself

PAGE = "---\nheadline: Keep it open\nstatement: We ask you to keep it open.\nlanguage: en\n---\n\nWords.\n"
AT_ONCE = 12


@pytest.fixture
def app(workspace: Workspace, database: Database, now: datetime) -> Starlette:
    folder = workspace.newsletters / "library"
    folder.mkdir()
    (folder / ACTION_FILE).write_text(PAGE, encoding="utf-8")
    seed(database, now)
    return create_app(workspace, database, clock=lambda: now)


@pytest.fixture
def site(app: Starlette, workspace: Workspace, database: Database) -> Iterator[Served]:
    with serving(app) as port:
        yield Served(port, database, Signer(workspace.secrets.require_signing()))


def sign(site: Served, number: int) -> Reply:
    who = {"first_name": "Ana", "last_name": "Li", "email": f"ana{number}@example.net", "country": "IE"}
    return site.post("/act/library", urlencode(who).encode())


def test_who_waits_shares_a_transaction_and_the_limits_are_in_it(site: Served, app: Starlette) -> None:
    begun: list[bool] = []

    def begins(connection: Connection) -> None:
        begun.append(bool(connection.get_execution_options().get("immediate")))

    with held(site.database):
        event.listen(site.database.engine, "begin", begins)
        asked = Asked(lambda number: sign(site, number), AT_ONCE)
        while app.state.door.threads._waiting != AT_ONCE:
            threading.Event().wait(0.005)
    assert {reply.status for reply in asked.join()} == {303}
    assert begun.count(True) <= 2  # of those that came first, and of all who came while these waited
    assert len(site.rows(signatures)) == AT_ONCE
    assert site.rows(rate_limits)


def test_where_many_signed_the_page_is_not_counted_for_each(
    app: Starlette, database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_cache, "MANY", 0)
    acts = app.state.door.acts
    page: ActionPage = acts.find("library")
    second = timedelta(seconds=1)
    assert acts.tally(page, now).signatures == 0
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *said: asked.append(said[2]))
    acts.signed(page, now + second)
    acts.changed(page)
    assert acts.tally(page, now + second).signatures == 1
    acts.signed(page, now - second)  # began before the count was made, which may have it
    assert acts.tally(page, now + second).signatures == 1
    assert asked == []
    assert acts.tally(page, now + TALLY_LIFE).signatures == 0  # counted
    assert asked


def test_nobody_is_woken_for_mails_that_were_not_asked_for(
    site: Served, app: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[str] = []
    for thread in (app.state.door.courier, app.state.door.thanks_courier):
        monkeypatch.setattr(thread, "wake", lambda name=thread._what: woken.append(name))
    assert sign(site, 1).status == 303
    assert woken == []
