"""While another program writes for long: pages and clicks go on, changes wait a little or are refused, the end comes.

No test here measures time. What must not wait is answered while the lock is held and what does wait is still waiting.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from datetime import datetime

import pytest
from sqlalchemy.pool import QueuePool
from starlette.applications import Starlette

from mailer.locale.language import LANGUAGES, Language
from mailer.store.engine.database import Database, DatabaseTrouble
from mailer.store.engine.dialects import waiting_at_most
from mailer.store.tables.core import hits, subscriptions
from mailer.tracking.tokens import Named, Purpose, Signer
from mailer.web import server
from mailer.web.public import app as app_module
from mailer.web.public.app import create_app
from mailer.web.public.core import context as door_module
from mailer.web.public.http import executors
from mailer.web.public.http.executors import Busy, Executors
from mailer.workspace import Workspace
from tests.reports.builders import ACTION, delivery_id
from tests.web.client import fetch, serving
from tests.web.conftest import Served, seed
from tests.web.strain import Asked, held
from tests.web.test_serve import started

FOR_EVER = 600.0
WRITERS = 16
ONE_CLICK = b"List-Unsubscribe=One-Click"


@pytest.fixture
def app(workspace: Workspace, database: Database, now: datetime) -> Starlette:
    seed(database, now, people=WRITERS)
    made = create_app(workspace, database, clock=lambda: now)
    made.state.door.recorder._patience = 0.1
    made.state.door.recorder._retry = 0.02
    return made


@pytest.fixture
def served(app: Starlette, workspace: Workspace, database: Database) -> Iterator[Served]:
    with serving(app) as port:
        yield Served(port, database, Signer(workspace.secrets.require_signing()))


def leaving(served: Served, times: int) -> Asked:
    return Asked(lambda n: served.post(served.path(Purpose.UNSUBSCRIBE, n + 1), ONE_CLICK), times)


def waiting(app: Starlette) -> int:
    return app.state.door.threads._waiting


def until(app: Starlette, number: int) -> None:
    while waiting(app) != number:
        threading.Event().wait(0.005)


def test_pages_and_clicks_go_on_while_changes_wait(
    served: Served, app: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "LOCK_SECONDS", FOR_EVER)
    monkeypatch.setattr(door_module, "RECORD_SECONDS", 0.05)
    with held(served.database):
        changes = leaving(served, WRITERS)
        until(app, WRITERS)
        for path in ("/", "/archive", served.path(Purpose.UNSUBSCRIBE), served.path(Purpose.VIEW),
                     served.path(Purpose.PREFERENCES), "/i/0123456789abcdef/x.png"):  # fmt: skip
            assert served.get(path).status == 200, path
        for n in (1, 2, 3):
            reply = served.get(f"{served.path(Purpose.CLICK, n)}/1")
            assert (reply.status, reply.headers["location"]) == (302, ACTION)
        assert waiting(app) == WRITERS
        assert changes.replies == []
    assert {reply.status for reply in changes.join()} == {200}
    assert {row.status for row in served.rows(subscriptions) if row.list_id == 1} == {"unsubscribed"}


def test_a_change_that_waits_too_long_changes_nothing_and_says_so(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "LOCK_SECONDS", 0.3)
    with held(served.database):
        replies = leaving(served, WRITERS).join()
    assert {reply.status for reply in replies} == {503}
    assert all("Nothing has changed" in reply.text for reply in replies)
    assert {row.status for row in served.rows(subscriptions)} == {"subscribed"}
    assert served.post(served.path(Purpose.UNSUBSCRIBE), ONE_CLICK).status == 200


def test_who_finds_the_queue_full_is_told_at_once_in_their_language(
    served: Served, app: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "LOCK_SECONDS", FOR_EVER)
    monkeypatch.setattr(executors, "MOST_WAITING", 2)
    words = "Nothing has changed. The link in your email still works."
    with held(served.database):
        changes = leaving(served, 2)
        until(app, 2)
        for code in LANGUAGES:
            reply = fetch(
                served.port, served.path(Purpose.UNSUBSCRIBE), method="POST", body=ONE_CLICK,
                headers={"Accept-Language": code, "Content-Type": "application/x-www-form-urlencoded"},
            )  # fmt: skip
            assert reply.status == 503
            assert reply.headers["retry-after"].isdigit()
            assert reply.headers["content-language"] == code
            assert Language(code).say(words) in reply.text
        assert changes.replies == []
    assert {reply.status for reply in changes.join()} == {200}


def test_the_wait_of_one_request_is_bounded_however_often_it_writes(database: Database) -> None:
    async def second() -> None:
        threads = Executors(database)
        try:
            assert await threads.write(lambda: 1) == 1
            executors._waited.set(executors.LOCK_SECONDS)
            with pytest.raises(Busy):
                await threads.write(lambda: 1)
        finally:
            threads.close()

    asyncio.run(second())


@pytest.mark.sqlite  # one writer
def test_what_is_still_in_the_queue_when_time_is_up_is_never_begun(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "LOCK_SECONDS", FOR_EVER)
    free, begun = threading.Event(), threading.Event()
    done: list[str] = []

    def first() -> str:
        begun.set()
        assert free.wait(60)
        return "late, but done"

    async def both() -> None:
        threads = Executors(database)
        slow = asyncio.create_task(threads.write(first))
        await asyncio.to_thread(begun.wait)
        monkeypatch.setattr(executors, "LOCK_SECONDS", 0.05)
        with pytest.raises(Busy):
            await threads.write(done.append, "second")
        free.set()
        assert await slow == "late, but done"
        threads.close()

    asyncio.run(both())
    assert done == []


def test_patience_for_locks_ends_with_its_block(database: Database) -> None:
    with held(database), waiting_at_most(0.05), pytest.raises(DatabaseTrouble), database.write() as connection:
        connection.execute(hits.delete())
    shown = "PRAGMA busy_timeout" if database.is_sqlite else "SHOW lock_timeout"
    with database.read() if database.is_sqlite else database.write() as connection:
        assert connection.exec_driver_sql(shown).scalar() in (30_000, "30s")


def test_while_the_disk_is_late_others_wait_only_a_moment(
    served: Served, app: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door_module, "RECORD_SECONDS", FOR_EVER)
    recorder = app.state.door.recorder
    with held(served.database):
        served.get(f"{served.path(Purpose.CLICK)}/1")
        assert recorder._late
    while served.get("/readyz").status != 200:
        pass
    assert not recorder._late
    assert len(served.rows(hits)) == 1


def test_told_to_stop_it_ends_while_the_database_is_held_and_counts_what_is_lost(
    workspace: Workspace, database: Database, now: datetime
) -> None:
    seed(database, now)
    signer = Signer(workspace.secrets.require_signing())
    with started(workspace.root) as (process, port), held(database):
        for number in (1, 2):
            token = signer.sign(Purpose.CLICK, Named(delivery_id(number)))
            assert fetch(port, f"/c/{token}/1").status == 302
        process.send_signal(signal.SIGTERM)
        assert process.stdout
        said = process.stdout.read()
        assert process.wait() == 0
    assert "Clicks stored: 0. Clicks lost, since the database could not be written: 2." in said
    assert "Traceback" not in said


def test_the_end_comes_within_15_seconds_by_its_parts() -> None:
    assert server.DRAIN_SECONDS + app_module.STOP_SECONDS <= 13
    assert app_module.TRYING_SECONDS + door_module.RECORD_SECONDS <= app_module.STOP_SECONDS
    assert executors.LOCK_SECONDS <= server.DRAIN_SECONDS


def test_all_threads_together_find_a_connection(database: Database) -> None:
    pool = database.engine.pool
    assert isinstance(pool, QueuePool)
    others = 3  # recorder, courier, applier
    threads = executors.READERS + executors.CLICKERS + executors.WRITERS[database.engine.dialect.name] + others
    assert threads <= pool.size() + pool._max_overflow
