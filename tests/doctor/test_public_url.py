"""The public address: whose server answers, over real HTTP, and what is judged from what came of the fetch."""

from __future__ import annotations

import secrets
import socket
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import trustme

from mailer.doctor import public_url
from mailer.doctor.public_url import START, Fetched, fetch_identity, judge_public
from mailer.tracking.server_identity import Likeness, prove, recognise
from tests.conftest import NOW
from tests.patience import HANG_SECONDS
from tests.web.conftest import Served, served

__all__ = ["served"]
KEY, OLD = b"k" * 40, b"o" * 40
URL = "https://mail.a.test"


def judged(fetched: Fetched, *, url: str = URL, mails_leave: bool = True) -> str:
    findings = judge_public(url, fetched, mails_leave=mails_leave, now=NOW)
    return " | ".join(f"{one.level}: {one.message}" for one in findings)


OURS = Fetched(200, likeness=Likeness.SAME)


def test_ours_is_well() -> None:
    assert judged(OURS) == "ok: https://mail.a.test leads to this workspace's server"


@pytest.mark.parametrize(
    ("fetched", "says"),
    [
        (Fetched(200, likeness=Likeness.OLDER), "error: the server at https://mail.a.test doesn't know the newest"),
        (Fetched(200, likeness=Likeness.OTHER), "error: something answers at https://mail.a.test, but not this"),
        (Fetched(200), "warning: https://mail.a.test answers, but without a signing key"),
        (Fetched(404), "error: something answers"),
        (Fetched(502), "error: https://mail.a.test answers 502"),
        (Fetched(301, location="https://www.a.test"), "error: https://mail.a.test redirects to https://www.a.test"),
        (Fetched(why="Connection refused", remedy=START), "error: https://mail.a.test can't be used (Connection"),
        (Fetched(why="no way there"), "warning: https://mail.a.test couldn't be asked from here (no way there)"),
    ],
)
def test_each_outcome(fetched: Fetched, says: str) -> None:
    said = judged(fetched)
    assert said.startswith(says)
    assert " | " not in said


def test_http_is_bad_even_when_it_is_ours() -> None:
    said = judged(OURS, url="http://mail.a.test")
    assert said.startswith("error: http://mail.a.test is not https, so mail programs show no unsubscribe button")
    assert "ok: http://mail.a.test leads to this workspace's server" in said


def test_loopback_is_for_trying_out() -> None:
    for url in ("http://127.0.0.1:8765", "http://localhost:8765"):
        assert judged(OURS, url=url, mails_leave=False).startswith(f"warning: {url} is good for")
        assert judged(OURS, url=url, mails_leave=True).startswith(f"error: {url} is good for")
    assert "nothing answers there now" in judged(Fetched(), url="http://127.0.0.1:1", mails_leave=False)
    assert "something else answers" in judged(Fetched(200, likeness=Likeness.OTHER), url="http://127.0.0.1:1")


def test_a_certificate_that_ends_soon() -> None:
    for days, count in ((13, 2), (15, 1)):
        findings = judged(replace(OURS, certificate_ends=NOW + timedelta(days=days))).split(" | ")
        assert len(findings) == count
    assert "ends on 2026-12-07" in judged(replace(OURS, certificate_ends=NOW + timedelta(days=13)))


def test_a_proof_is_for_one_nonce_and_one_key() -> None:
    nonce = secrets.token_hex(16)
    answer = prove([KEY, OLD], nonce)
    assert recognise([KEY, OLD], nonce, answer) is Likeness.SAME
    assert recognise([b"n" * 40, KEY], nonce, answer) is Likeness.OLDER
    assert recognise([OLD], nonce, answer) is Likeness.OTHER
    assert recognise([KEY], secrets.token_hex(16), answer) is Likeness.OTHER
    assert recognise([KEY], nonce, "é") is Likeness.OTHER


def test_our_own_server_proves_itself(served: Served) -> None:
    url = f"http://127.0.0.1:{served.port}"
    ours = fetch_identity(url, keys=[b"a-signing-key-for-tests-that-is-long-enough"])
    assert ours.likeness is Likeness.SAME
    assert fetch_identity(url, keys=[KEY]).likeness is Likeness.OTHER
    assert fetch_identity(url, keys=[]) == Fetched(200)


@pytest.mark.parametrize("nonce", ["x", "a" * 31, "A" * 32, "a" * 33, "%2e%2e"])
def test_only_a_nonce_is_answered(served: Served, nonce: str) -> None:
    assert served.get(f"/healthz/{nonce}").status == 404
    reply = served.get("/healthz/" + "a" * 32)
    assert reply.status == 200
    assert reply.headers["cache-control"] == "no-store"


@contextmanager
def answering(handler: type[BaseHTTPRequestHandler], *, tls: ssl.SSLContext | None = None) -> Generator[str]:
    server = HTTPServer(("127.0.0.1", 0), handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Redirecting(BaseHTTPRequestHandler):
    """Sends everybody elsewhere."""

    def do_GET(self) -> None:
        self.send_response(302)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


class Rambling(Redirecting):
    """Isn't a web server at all."""

    def do_GET(self) -> None:
        self.wfile.write(b"SSH-2.0-something\r\n")


def test_a_redirect_is_not_followed() -> None:
    with answering(Redirecting) as url:
        assert fetch_identity(url, keys=[KEY]) == Fetched(302, location="http://127.0.0.1:1/elsewhere")


def test_what_is_no_web_server() -> None:
    with answering(Rambling) as url:
        for address in (url, url.replace("http:", "https:")):
            fetched = fetch_identity(address, keys=[KEY])
            assert (fetched.status, fetched.remedy) == (0, START)


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert fetch_identity(f"http://127.0.0.1:{port}", keys=[KEY]) == Fetched(why="Connection refused", remedy=START)


def test_a_certificate_of_nobody_we_trust() -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("mail.a.test").configure_cert(tls)
    with answering(Redirecting, tls=tls) as url:
        there = url.replace("http://127.0.0.1", "https://mail.a.test")
        fetched = fetch_identity(there, keys=[KEY], resolve=lambda _host, _port: ["127.0.0.1"])
    assert fetched.why.startswith("its certificate can't be trusted: ")
    assert fetched.remedy == "Renew the certificate, with its whole chain."


def test_a_name_without_address() -> None:
    def resolve(host: str, _port: int) -> tuple[str, ...]:
        raise socket.gaierror(socket.EAI_NONAME, f"{host} has no address")

    assert fetch_identity("http://gone.test", keys=[KEY], resolve=resolve) == Fetched(why="gone.test has no address")


def test_silence_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_url, "FETCH_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        fetched = fetch_identity(f"http://127.0.0.1:{listening.getsockname()[1]}", keys=[KEY])
    assert fetched == Fetched(why="no complete answer within 0.2 s")


def test_a_look_up_that_hangs_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_url, "FETCH_SECONDS", 0.1)
    over = threading.Event()

    def resolve(host: str, _port: int) -> tuple[str, ...]:
        over.wait(HANG_SECONDS)
        return ("127.0.0.1",)

    fetched = fetch_identity("http://mail.a.test", keys=[KEY], resolve=resolve)
    over.set()
    assert fetched == Fetched(why="no answer in time")


@pytest.mark.parametrize("url", ["http://" + "a" * 70 + ".test", "http://a..test", "http://[::1", "http://:80"])
def test_what_is_no_name_of_a_host(url: str) -> None:
    assert fetch_identity(url, keys=[KEY]) == Fetched(why="this is not the name of a host")
