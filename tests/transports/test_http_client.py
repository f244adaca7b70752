"""The HTTP client on real sockets: one deadline whatever a server does, and how far a request got when it failed."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from mailer.transports import http_connection
from mailer.transports.http_client import exchange, find_addresses
from mailer.transports.http_connection import HttpAnswer, HttpEndpoint, HttpRequest, NoAnswer
from tests.patience import HANG_SECONDS, with_growing_patience

SHORT = 0.3  # servers here would go on for ever, so that an exchange ends at all is what is tested
HERE = ["127.0.0.1"]
Talk = Callable[[socket.socket, threading.Event], None]


@contextmanager
def speaking(talk: Talk, *, tls: ssl.SSLContext | None = None) -> Generator[int]:
    """A server that says what it likes to each connection, until the test ends. Gives its port."""
    over = threading.Event()
    talks: list[threading.Thread] = []

    def serve(connected: socket.socket) -> None:
        with suppress(OSError), tls.wrap_socket(connected, server_side=True) if tls else connected as agreed:
            talk(agreed, over)

    def accept() -> None:
        while not over.is_set():
            with suppress(TimeoutError):
                connected, _ = listening.accept()
                connected.settimeout(HANG_SECONDS)
                talks.append(threading.Thread(target=serve, args=(connected,)))
                talks[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            accepting.join()
            for one in talks:
                one.join()


def ask(
    port: int, *, scheme: str = "http", body: bytes | None = None, seconds: float = HANG_SECONDS, most: int = 0
) -> HttpAnswer:
    request = HttpRequest("POST", HttpEndpoint.of(f"{scheme}://council.gov:{port}/x"), {}, body)
    return exchange(request, addresses=HERE, deadline=time.monotonic() + seconds, most_bytes=most)


def hear(connected: socket.socket) -> bytes:
    """A request without a body."""
    heard = b""
    while b"\r\n\r\n" not in heard:
        heard += connected.recv(4096)
    return heard


def drip(connected: socket.socket, over: threading.Event, piece: bytes) -> None:
    while not over.wait(0.02):
        connected.sendall(piece)


def drip_status(connected: socket.socket, over: threading.Event) -> None:
    hear(connected)
    drip(connected, over, b"H")


def drip_header(connected: socket.socket, over: threading.Event) -> None:
    hear(connected)
    connected.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    drip(connected, over, b"x")


def drip_body(connected: socket.socket, over: threading.Event) -> None:
    hear(connected)
    connected.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n")
    drip(connected, over, b"x")


def drip_chunks(connected: socket.socket, over: threading.Event) -> None:
    hear(connected)
    connected.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    drip(connected, over, b"1\r\nx\r\n")


def go_on(connected: socket.socket, over: threading.Event) -> None:
    """One provisional answer after another."""
    hear(connected)
    drip(connected, over, b"HTTP/1.1 100 Continue\r\n\r\n")


def read_slowly(connected: socket.socket, over: threading.Event) -> None:
    while not over.wait(0.02):
        connected.recv(512)


def say_nothing(connected: socket.socket, over: threading.Event) -> None:
    over.wait(HANG_SECONDS)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def theirs(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's certificate for council.gov, which we trust."""
    context, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("council.gov").configure_cert(context)
    authority.configure_trust(trusting)
    monkeypatch.setattr(http_connection.ssl, "create_default_context", lambda: trusting)
    return context


@pytest.mark.parametrize("talk", [drip_status, drip_header, drip_body, drip_chunks, go_on, say_nothing])
@pytest.mark.parametrize("secure", [False, True])
def test_one_deadline_holds_for_all_of_an_answer(talk: Talk, secure: bool, theirs: ssl.SSLContext) -> None:
    def attempt(seconds: float) -> None:
        with pytest.raises(NoAnswer) as caught:
            ask(port, scheme="https" if secure else "http", seconds=seconds, most=99_999_999)
        assert (caught.value.late, caught.value.began) == (True, True)
        assert (caught.value.certificate_ends is not None) is secure

    with speaking(talk, tls=theirs if secure else None) as port:
        with_growing_patience(attempt, first_seconds=SHORT)


@pytest.mark.parametrize("secure", [False, True])
def test_one_deadline_holds_for_a_body_that_is_taken_slowly(secure: bool, theirs: ssl.SSLContext) -> None:
    def attempt(seconds: float) -> None:
        with pytest.raises(NoAnswer) as caught:
            ask(port, scheme="https" if secure else "http", body=bytes(50_000_000), seconds=seconds)
        assert (caught.value.late, caught.value.began) == (True, True)

    with speaking(read_slowly, tls=theirs if secure else None) as port:
        with_growing_patience(attempt, first_seconds=SHORT)


@pytest.mark.parametrize("talk", [say_nothing, lambda connected, over: drip(connected, over, b"\x16\x03\x03\x40\x00x")])
def test_nothing_went_out_while_tls_is_not_agreed(talk: Talk) -> None:
    with speaking(talk) as port, pytest.raises(NoAnswer) as caught:
        ask(port, scheme="https", body=b"secret", seconds=SHORT)
    assert not caught.value.began


def test_nothing_went_out_when_nobody_listens() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(NoAnswer, match="ConnectionRefusedError") as caught:
            ask(closed.getsockname()[1], body=b"secret")
    assert (caught.value.began, caught.value.late) == (False, False)


def test_nothing_went_out_when_the_time_is_over_before_it_begins() -> None:
    with speaking(say_nothing) as port, pytest.raises(NoAnswer) as caught:
        ask(port, seconds=0.0)
    assert (caught.value.began, caught.value.late) == (False, True)


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 2", b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"]
)
def test_something_may_have_gone_out_once_the_request_began(answer: bytes) -> None:
    def talk(connected: socket.socket, over: threading.Event) -> None:
        hear(connected)
        connected.sendall(answer)

    with speaking(talk) as port:
        if b"half" in answer:  # the status is what counts; of the body we take what came
            assert ask(port, most=99).body == b"half"
            return
        with pytest.raises(NoAnswer) as caught:
            ask(port)
    assert (caught.value.began, caught.value.late) == (True, False)
    assert "council" not in str(caught.value)


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_no_more_is_read_than_was_wanted(length: int, most: int) -> None:
    def talk(connected: socket.socket, over: threading.Event) -> None:
        hear(connected)
        connected.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + bytes(length))

    with speaking(talk) as port:
        assert len(ask(port, most=most).body) == min(length, most)


def test_a_certificate_counts_for_the_name_that_was_asked_for(theirs: ssl.SSLContext) -> None:
    def talk(connected: socket.socket, over: threading.Event) -> None:
        hear(connected)
        connected.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with speaking(talk, tls=theirs) as port:
        answer = ask(port, scheme="https")
        assert (answer.status, answer.certificate_ends is not None) == (204, True)
        request = HttpRequest("GET", HttpEndpoint.of(f"https://other.gov:{port}/"), {})
        with pytest.raises(NoAnswer) as caught:
            exchange(request, addresses=HERE, deadline=time.monotonic() + HANG_SECONDS)
    assert isinstance(caught.value.cause, ssl.SSLCertVerificationError)
    assert not caught.value.began


def test_the_next_address_is_tried_where_one_refuses() -> None:
    def talk(connected: socket.socket, over: threading.Event) -> None:
        assert b"Host: council.gov:" in hear(connected)
        connected.sendall(b"HTTP/1.1 200 OK\r\nX: first\r\nX: second\r\n\r\n")

    with speaking(talk) as port:
        request = HttpRequest("GET", HttpEndpoint.of(f"http://council.gov:{port}/"), {})
        addresses = ["127.99.0.1", "127.0.0.1"]  # nobody listens on the first
        answer = exchange(request, addresses=addresses, deadline=time.monotonic() + HANG_SECONDS)
    assert (answer.status, answer.headers["x"]) == (200, "first")


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    def talk(connected: socket.socket, over: threading.Event) -> None:
        assert hear(connected).startswith(b"POST /x HTTP/1.1\r\n")
        connected.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

    with speaking(talk) as port:
        assert ask(port).status == 200


def test_a_resolver_that_hangs_is_left_behind() -> None:
    over = threading.Event()
    endpoint = HttpEndpoint.of("http://council.gov/")

    def hang(host: str, port: int) -> list[str]:
        over.wait(HANG_SECONDS)
        return HERE

    with pytest.raises(TimeoutError):
        find_addresses(endpoint, resolve=hang, deadline=time.monotonic() + 0.05)
    over.set()
    with pytest.raises(LookupError):  # as the resolver raised it
        find_addresses(endpoint, resolve=lambda host, port: [{}[host]], deadline=time.monotonic() + HANG_SECONDS)


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("http://a.gov", HttpEndpoint("a.gov", 80, secure=False, target="/")),
        ("HTTPS://A.gov?q=1#part", HttpEndpoint("a.gov", 443, secure=True, target="/?q=1")),
        ("https://[2a00::1]:8443/a%20b", HttpEndpoint("2a00::1", 8443, secure=True, target="/a%20b")),
        ("http://a.gov/café menu?é", HttpEndpoint("a.gov", 80, secure=False, target="/caf%C3%A9%20menu?%C3%A9")),
        ("http://ana:secret@a.gov/", HttpEndpoint("a.gov", 80, secure=False, target="/")),
    ],
)
def test_where_a_url_leads(url: str, endpoint: HttpEndpoint) -> None:
    assert HttpEndpoint.of(url) == endpoint


@pytest.mark.parametrize(
    "url", ["", "a.gov", "ftp://a.gov/", "http:///x", "http://a.gov:99999/", "http://[::1/", "//a"]
)
def test_what_leads_to_no_web_address(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        HttpEndpoint.of(url)


@given(st.text())
def test_any_path_can_be_asked_for_and_is_quoted_once(path: str) -> None:
    try:
        endpoint = HttpEndpoint.of(f"http://a.gov/{path}")
    except UnicodeEncodeError:
        return  # half of a surrogate pair
    assert endpoint.target.isascii()
    assert endpoint.target.isprintable()
    assert " " not in endpoint.target
    assert HttpEndpoint.of(f"http://a.gov{endpoint.target}") == endpoint
