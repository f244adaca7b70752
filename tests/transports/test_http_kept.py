"""Kept HTTP connections: through a proxy's tunnel, and given up in time."""

from __future__ import annotations

import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress

import pytest

from mailer.transports import http_kept
from mailer.transports.http_connection import HttpAnswer, HttpEndpoint, HttpProxy, HttpRequest, NoAnswer
from mailer.transports.http_kept import KeptConnection, environment_proxy
from tests.patience import HANG_SECONDS, with_growing_patience
from tests.transports.test_http_client import SHORT, authority, drip, hear, speaking, theirs

__all__ = ["authority", "theirs"]


def answer_three(connected: socket.socket, over: threading.Event) -> None:
    for number in range(3):
        assert hear(connected).startswith(b"POST /x HTTP/1.1\r\nHost: council.gov:")
        connected.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % number)


def endpoint(port: int) -> HttpEndpoint:
    return HttpEndpoint.of(f"https://council.gov:{port}/x")


def post(kept: KeptConnection, where: HttpEndpoint) -> HttpAnswer:
    return kept.exchange(HttpRequest("POST", where, {}))


@contextmanager
def proxying(port: int, heard: list[bytes]) -> Generator[HttpProxy]:
    """A proxy that opens tunnels to a port of this machine, whatever name it is asked for."""

    def pump(source: socket.socket, goal: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(65_536):
                goal.sendall(piece)
        with suppress(OSError):
            goal.shutdown(socket.SHUT_WR)

    def talk(connected: socket.socket, over: threading.Event) -> None:
        heard.append(hear(connected))
        with socket.create_connection(("127.0.0.1", port), HANG_SECONDS) as onward:
            connected.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pump, args=(onward, connected))
            back.start()
            pump(connected, onward)
            back.join()

    with speaking(talk) as proxy:
        yield HttpProxy("127.0.0.1", proxy, {"Proxy-Authorization": "Basic x"})


def test_requests_share_a_tunnel_and_the_certificate_is_the_goal_s(theirs: ssl.SSLContext) -> None:
    heard = list[bytes]()
    with speaking(answer_three, tls=theirs) as port, proxying(port, heard) as proxy:
        with closing(KeptConnection(endpoint(port), seconds=HANG_SECONDS, proxy=proxy)) as kept:
            assert [post(kept, endpoint(port)).body for _ in range(3)] == [b"0", b"1", b"2"]
        other = HttpEndpoint.of(f"https://other.gov:{port}/x")
        with closing(KeptConnection(other, seconds=HANG_SECONDS, proxy=proxy)) as kept:
            with pytest.raises(NoAnswer, match="SSLCertVerificationError") as caught:
                post(kept, other)
            assert not caught.value.began
    assert len(heard) == 2, "one tunnel for three requests"
    assert heard[0].startswith(f"CONNECT council.gov:{port} HTTP/1".encode())
    assert b"\r\nProxy-Authorization: Basic x\r\n" in heard[0]


@pytest.mark.parametrize("answer", [b"HTTP/1.1 407 Who are you\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\n\r\nno TLS here"])
def test_nothing_went_out_when_a_proxy_opens_no_tunnel(answer: bytes) -> None:
    def talk(connected: socket.socket, over: threading.Event) -> None:
        hear(connected)
        connected.sendall(answer)

    with speaking(talk) as port:
        proxy = HttpProxy("127.0.0.1", port, {})
        with closing(KeptConnection(endpoint(443), seconds=HANG_SECONDS, proxy=proxy)) as kept:
            for _ in range(2):
                with pytest.raises(NoAnswer) as caught:
                    post(kept, endpoint(443))
                assert (caught.value.began, caught.value.late) == (False, False)


def test_a_proxy_that_drips_is_given_up_and_nothing_went_out() -> None:
    def talk(connected: socket.socket, over: threading.Event) -> None:
        hear(connected)
        connected.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        drip(connected, over, b"x")

    with speaking(talk) as port:
        proxy = HttpProxy("127.0.0.1", port, {})
        with (
            closing(KeptConnection(endpoint(443), seconds=SHORT, proxy=proxy)) as kept,
            pytest.raises(NoAnswer) as caught,
        ):
            post(kept, endpoint(443))
    assert not caught.value.began


def test_each_request_has_its_own_time_and_its_own_beginning(
    theirs: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def talk(connected: socket.socket, over: threading.Event) -> None:
        hear(connected)
        connected.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        hear(connected)
        drip(connected, over, b"H")

    monkeypatch.setattr(http_kept, "system_addresses", lambda host, port: ["127.0.0.1"])

    def attempt(seconds: float) -> None:
        with closing(KeptConnection(endpoint(port), seconds=seconds)) as kept:
            assert post(kept, endpoint(port)).status == 200
            with pytest.raises(NoAnswer) as caught:
                post(kept, endpoint(port))
            assert (caught.value.began, caught.value.late) == (True, True)

    with speaking(talk, tls=theirs) as port:
        with_growing_patience(attempt)


def test_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    secure, plain = HttpEndpoint.of("https://council.gov/"), HttpEndpoint.of("http://council.gov/")
    assert environment_proxy(secure) is None
    login = b64encode(b"ana:p@ss").decode()
    for named, proxy in (
        ("http://proxy.gov:3128", HttpProxy("proxy.gov", 3128, {})),
        ("proxy.gov", HttpProxy("proxy.gov", 80, {})),
        ("http://ana:p%40ss@proxy.gov", HttpProxy("proxy.gov", 80, {"Proxy-Authorization": f"Basic {login}"})),
    ):
        monkeypatch.setenv("https_proxy", named)
        assert environment_proxy(secure) == proxy
        assert environment_proxy(plain) is None
    monkeypatch.setenv("no_proxy", "council.gov")
    assert environment_proxy(secure) is None
