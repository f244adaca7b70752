"""When the database can't be written, or the other side is slow: supporters still get where they wanted to go."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import event

from mailer.store.engine.database import Database
from mailer.store.tables.core import events, subscriptions
from mailer.tracking.tokens import Purpose, Signer
from mailer.web.public.app import create_app
from mailer.web.public.http import forms
from mailer.workspace import Workspace
from tests.patience import HANG_SECONDS
from tests.reports.builders import ACTION
from tests.web.client import serving
from tests.web.conftest import Served, seed


class Disk:
    """Makes the database refuse to write, as SQLite does on a file system that has become read-only."""

    def __init__(self, database: Database) -> None:
        self.read_only = False
        self.sqlite = database.is_sqlite
        event.listen(database.engine, "checkout", self._checkout)

    def _checkout(self, raw: Any, *_: Any) -> None:
        on = "ON" if self.read_only else "OFF"
        raw.execute(f"PRAGMA query_only={on}" if self.sqlite else f"SET default_transaction_read_only = {on}").close()
        raw.commit()


@pytest.fixture
def disk(database: Database) -> Disk:
    return Disk(database)


@pytest.fixture
def served(workspace: Workspace, database: Database, disk: Disk, now: datetime) -> Iterator[Served]:
    seed(database, now)
    app = create_app(workspace, database, clock=lambda: now)
    app.state.door.recorder._retry = 0.02
    with serving(app) as port:
        yield Served(port, database, Signer(workspace.secrets.require_signing()))


def test_a_click_leads_on_and_is_stored_later(served: Served, disk: Disk, caplog: pytest.LogCaptureFixture) -> None:
    disk.read_only = True
    reply = served.get(f"{served.path(Purpose.CLICK)}/1")
    assert (reply.status, reply.headers["location"]) == (302, ACTION)
    assert served.get("/readyz").status == 503
    assert served.get("/healthz").status == 200
    assert served.rows() == []
    disk.read_only = False
    assert served.get("/readyz").status == 200
    assert len(served.rows()) == 1
    assert "can't be written" in caplog.text
    assert served.token(Purpose.CLICK) not in caplog.text
    assert logging.ERROR in {record.levelno for record in caplog.records}


def test_leaving_says_that_nothing_was_changed(served: Served, disk: Disk, caplog: pytest.LogCaptureFixture) -> None:
    disk.read_only = True
    reply = served.post(served.path(Purpose.UNSUBSCRIBE), b"List-Unsubscribe=One-Click")
    assert reply.status == 503
    assert reply.headers["retry-after"].isdigit()
    assert "Nothing has changed" in reply.text
    assert "Traceback" not in reply.text
    assert served.get(served.path(Purpose.UNSUBSCRIBE)).status == 200, "pages that only read go on"
    disk.read_only = False
    assert served.rows(events) == []
    assert {row.status for row in served.rows(subscriptions)} == {"subscribed"}
    assert served.post(served.path(Purpose.UNSUBSCRIBE)).status == 200
    assert "mary1" not in caplog.text


def test_a_body_that_dribbles_in_is_not_waited_for(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "PATIENCE_SECONDS", 0.05)
    head = f"POST {served.path(Purpose.UNSUBSCRIBE)} HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\n\r\nList-"
    with socket.create_connection(("127.0.0.1", served.port), timeout=HANG_SECONDS) as talk:
        talk.sendall(head.encode())
        assert talk.recv(4096).startswith(b"HTTP/1.1 408 ")
    assert {row.status for row in served.rows(subscriptions)} == {"subscribed"}


def test_half_a_body_changes_nothing(served: Served) -> None:
    head = f"POST {served.path(Purpose.UNSUBSCRIBE)} HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\n\r\nList-"
    with socket.create_connection(("127.0.0.1", served.port), timeout=HANG_SECONDS) as talk:
        talk.sendall(head.encode())
    assert served.get("/healthz").status == 200
    assert {row.status for row in served.rows(subscriptions)} == {"subscribed"}


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /c/\xff\xfe/1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET " + b"/" + b"x" * 30_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 30_000 + b"\r\n\r\n",
        b"NONSENSE\r\n\r\n",
    ],
)
def test_nonsense_is_answered_and_survived(served: Served, raw: bytes) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=HANG_SECONDS) as talk:
        talk.sendall(raw)
        answer = talk.recv(65536)
    assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 200 "))
    assert b"Traceback" not in answer
    assert served.get("/healthz").status == 200
