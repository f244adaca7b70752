"""Requests that no browser makes: answered as HTTP asks for, and visitors who hang up leave no traceback."""

from __future__ import annotations

import logging
import socket
import struct
from collections.abc import Iterator
from datetime import datetime

import pytest

from mailer.store.engine.database import Database
from mailer.store.tables.core import subscriptions
from mailer.tracking.tokens import Purpose, Signer
from mailer.web.public.app import create_app
from mailer.workspace import ACTION_FILE, Workspace
from tests.web.client import serving
from tests.web.conftest import Served, seed
from tests.web.public.petition.test_action_page import PAGE
from tests.web.test_fuzz import send

pytestmark = pytest.mark.sqlite


@pytest.fixture
def site(workspace: Workspace, database: Database, now: datetime) -> Iterator[Served]:
    (workspace.lists / "updates.toml").write_text(
        'title = "News"\nlist_id = "n.example.org"\npublic_form = true\nconsent = "Yes"\n'
    )
    (workspace.newsletters / "library").mkdir()
    (workspace.newsletters / "library" / ACTION_FILE).write_text(PAGE, encoding="utf-8")
    seed(database, now)
    with serving(create_app(workspace, database, clock=lambda: now)) as port:
        yield Served(port, database, Signer(workspace.secrets.require_signing()))


def status(port: int, request: str) -> int:
    answer = send(port, request.encode("latin-1"))
    return int(answer.split()[1])


def test_a_request_without_one_host_is_refused(site: Served) -> None:
    """RFC 9112 §3.2."""
    assert status(site.port, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n") == 400
    assert status(site.port, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n") == 400
    assert status(site.port, "GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n") == 200, "an empty one is one"
    assert status(site.port, "GET / HTTP/1.0\r\n\r\n") == 200
    assert status(site.port, "GET http://mail.example.org/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") == 200


@pytest.mark.parametrize("target", ["*", "/", "/u/x", "//", "/act/library"])
def test_options_are_told(site: Served, target: str) -> None:
    """RFC 9110 §9.3.7: "*" asks about the server as a whole."""
    found = status(site.port, f"OPTIONS {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert found < 500
    if target == "*":
        assert found == 204


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "CONNECT", "PRI", "PUT"])
@pytest.mark.parametrize("target", ["*", "mail.example.org:443", "http://", "http:", "?x", "#", "x", "%", "/%", "/%zz"])
def test_odd_targets_are_no_fault_of_ours(site: Served, method: str, target: str) -> None:
    answer = send(site.port, f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert not answer or int(answer.split()[1]) < 500


FILE = (
    b'--b\r\nContent-Disposition: form-data; name="email"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nx\r\n'
    b'--b\r\nContent-Disposition: form-data; name="first_name"\r\n\r\nAna\r\n--b--\r\n'
)
MULTIPART = "multipart/form-data; boundary=b"


def test_a_file_in_a_form_is_refused_and_leaving_is_not(site: Served) -> None:
    preferences = site.path(Purpose.PREFERENCES)
    for path in ("/act/library", "/join/updates", preferences, f"{preferences}/address", f"{preferences}/data"):
        reply = site.post(path, FILE, MULTIPART)
        assert reply.status == 422, path
        assert "Something went wrong" in reply.text
    assert site.post(f"{preferences}/delete", FILE, MULTIPART).status == 422
    assert {row.status for row in site.rows(subscriptions)} == {"subscribed"}
    assert site.post(site.path(Purpose.UNSUBSCRIBE), FILE, MULTIPART).status == 200
    assert "unsubscribed" in {row.status for row in site.rows(subscriptions)}


def reset(connection: socket.socket) -> None:
    """Hang up at once, with a reset instead of a goodbye."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


STAGES = (
    "", "GET", "GET / HTTP/1.1\r\nHost: x\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET {click}/1 HTTP/1.1\r\nHost: x\r\n\r\n", "GET /archive HTTP/1.1\r\nHost: x\r\n\r\n" * 20,
    "POST {leave} HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\n",
    "POST {leave} HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\nhalf",
    "POST {leave} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf",
    "POST {leave} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 40\r\n\r\n",
    "POST /act/library HTTP/1.1\r\nHost: x\r\nContent-Length: 400\r\n\r\nfirst_name=A",
    "POST /join/updates HTTP/1.1\r\nHost: x\r\nContent-Length: 400\r\n\r\nemail=a",
    "POST /api/conversions HTTP/1.1\r\nHost: x\r\nContent-Length: 400\r\n\r\n[",
    "POST /hooks/sendgrid HTTP/1.1\r\nHost: x\r\nContent-Length: 400\r\n\r\n[",
    "POST {leave} HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n" + "x" * 90_000,
    "GET /i/0123456789abcdef/x.png HTTP/1.1\r\nHost: x\r\n\r\n",
)  # fmt: skip


@pytest.mark.parametrize("how", ["goodbye", "reset", "half-closed"])
def test_who_hangs_up_leaves_no_traceback(site: Served, caplog: pytest.LogCaptureFixture, how: str) -> None:
    paths = {"click": site.path(Purpose.CLICK), "leave": site.path(Purpose.UNSUBSCRIBE)}
    with caplog.at_level(logging.DEBUG):
        for stage in STAGES:
            connection = socket.create_connection(("127.0.0.1", site.port), timeout=20)
            connection.sendall(stage.replace("{click}", paths["click"]).replace("{leave}", paths["leave"]).encode())
            if how == "half-closed":
                connection.shutdown(socket.SHUT_WR)
            (reset if how == "reset" else socket.socket.close)(connection)
        for _ in range(3):
            assert site.get("/healthz").status == 200
    loud = [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]
    assert [(record.name, record.getMessage()) for record in loud] == []
    assert {row.status for row in site.rows(subscriptions)} == {"subscribed"}
