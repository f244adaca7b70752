"""Visitors who send slowly, or nothing, are cut off in time and hinder nobody."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack, suppress

import pytest

from mailer.web import http_protocol
from tests.patience import HANG_SECONDS
from tests.web.conftest import Served

pytestmark = pytest.mark.sqlite


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEADER_SECONDS", 0.3)


def cut_off(connection: socket.socket) -> bool:
    connection.settimeout(HANG_SECONDS)
    try:
        return connection.recv(1000) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_who_never_ends_a_request_is_cut_off(served: Served, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(sent)
        assert cut_off(connection)


def test_a_byte_now_and_then_does_not_help(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX-Long: ")
        with suppress(OSError):
            while True:  # for ever, were it not cut off
                connection.sendall(b"a")
                time.sleep(0.05)


def test_after_an_answer_the_next_request_must_come_whole_too(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while not answer.endswith(b"ok\n"):
            answer += connection.recv(1000)
        connection.sendall(b"GET /hea")
        assert cut_off(connection)


def test_two_hundred_of_them_hinder_nobody(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEADER_SECONDS", 30)
    with ExitStack() as opened:
        for _ in range(200):
            slow = opened.enter_context(socket.create_connection(("127.0.0.1", served.port)))
            slow.sendall(b"POST /u/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\na=")
        assert served.get("/readyz").status == 200


def test_a_request_that_takes_its_time_here_is_not_cut_off(served: Served) -> None:
    """The clock runs for what the visitor sends, not for our work."""
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        body = b"List-Unsubscribe=One-Click"
        connection.sendall(b"POST /u/x HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
        time.sleep(0.6)
        connection.sendall(body)
        assert connection.recv(1000).startswith(b"HTTP/1.1 404")
