"""The public address: whose server answers, over real HTTP, and what is judged from what came of the fetch."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from mailer.doctor import public_url
from mailer.doctor.public_url import (
    Fetched,
    PublicFacts,
    Reached,
    fetch_identity,
    judge_public,
    new_nonce,
    public_facts,
)
from mailer.tracking.server_identity import Likeness, prove, recognise
from tests.conftest import NOW
from tests.patience import HANG_SECONDS
from tests.web.conftest import Served, served

__all__ = ["served"]
KEY, OLD = b"k" * 40, b"o" * 40
URL = "https://mail.a.test"


def judged(fetched: Fetched, *, url: str = URL, likeness: Likeness | None = None, mails_leave: bool = True) -> str:
    findings = judge_public(PublicFacts(url, fetched, likeness, mails_leave), now=NOW)
    return " | ".join(f"{one.level}: {one.message}" for one in findings)


OK = Fetched(Reached.ANSWER, status=200)


def test_ours_is_well() -> None:
    assert judged(OK, likeness=Likeness.SAME) == "ok: https://mail.a.test leads to this workspace's server"


@pytest.mark.parametrize(
    ("fetched", "likeness", "says"),
    [
        (OK, Likeness.OLDER, "error: the server at https://mail.a.test doesn't know the newest signing key"),
        (OK, Likeness.OTHER, "error: something answers at https://mail.a.test, but not this workspace's"),
        (OK, None, "warning: https://mail.a.test answers, but without a signing key"),
        (Fetched(Reached.ANSWER, status=404), None, "error: something answers"),
        (Fetched(Reached.ANSWER, status=502), None, "error: https://mail.a.test answers 502"),
        (
            Fetched(Reached.ANSWER, status=301, location="https://www.a.test"),
            None,
            "error: https://mail.a.test redirects to",
        ),
        (Fetched(Reached.UNTRUSTED, "certificate has expired"), None, "error: the certificate of https://mail.a.test"),
        (Fetched(Reached.REFUSED, "nothing listens there"), None, "error: https://mail.a.test can't be used (nothing"),
        (Fetched(Reached.BROKEN, "its answer broke off"), None, "error: https://mail.a.test can't be used"),
        (Fetched(Reached.NO_NAME, "unknown"), None, "warning: https://mail.a.test couldn't be asked from here"),
        (
            Fetched(Reached.SILENT, "no answer in time"),
            None,
            "warning: https://mail.a.test couldn't be asked from here",
        ),
    ],
)
def test_each_outcome(fetched: Fetched, likeness: Likeness | None, says: str) -> None:
    said = judged(fetched, likeness=likeness)
    assert said.startswith(says)
    assert " | " not in said


def test_http_is_bad_even_when_it_is_ours() -> None:
    said = judged(OK, url="http://mail.a.test", likeness=Likeness.SAME)
    assert said.startswith("error: http://mail.a.test is not https, so mail programs show no unsubscribe button")
    assert "ok: http://mail.a.test leads to this workspace's server" in said


def test_loopback_is_for_trying_out() -> None:
    for url in ("http://127.0.0.1:8765", "http://localhost:8765"):
        assert judged(OK, url=url, mails_leave=False, likeness=Likeness.SAME).startswith(f"warning: {url} is good for")
        assert judged(OK, url=url, mails_leave=True, likeness=Likeness.SAME).startswith(f"error: {url} is good for")
    assert "nothing answers there now" in judged(Fetched(Reached.REFUSED), url="http://127.0.0.1:1", mails_leave=False)
    assert "something else answers" in judged(OK, url="http://127.0.0.1:1", likeness=Likeness.OTHER)


def test_a_certificate_that_ends_soon() -> None:
    for days, count in ((13, 2), (15, 1)):
        fetched = Fetched(Reached.ANSWER, status=200, certificate_ends=NOW + timedelta(days=days))
        findings = judge_public(PublicFacts(URL, fetched, Likeness.SAME, mails_leave=True), now=NOW)
        assert len(findings) == count
    assert "ends on 2026-12-07" in judged(
        Fetched(Reached.ANSWER, status=200, certificate_ends=NOW + timedelta(days=13)), likeness=Likeness.SAME
    )


def test_a_proof_is_for_one_nonce_and_one_key() -> None:
    nonce = new_nonce()
    answer = prove([KEY, OLD], nonce)
    assert recognise([KEY, OLD], nonce, answer) is Likeness.SAME
    assert recognise([b"n" * 40, KEY], nonce, answer) is Likeness.OLDER
    assert recognise([OLD], nonce, answer) is Likeness.OTHER
    assert recognise([KEY], new_nonce(), answer) is Likeness.OTHER
    assert recognise([KEY], nonce, "é") is Likeness.OTHER


def test_our_own_server_proves_itself(served: Served) -> None:
    facts = public_facts(
        f"http://127.0.0.1:{served.port}",
        keys=[b"a-signing-key-for-tests-that-is-long-enough"],
        mails_leave=False,
    )
    assert facts.likeness is Likeness.SAME
    other = public_facts(f"http://127.0.0.1:{served.port}", keys=[KEY], mails_leave=False)
    assert other.likeness is Likeness.OTHER


@pytest.mark.parametrize("nonce", ["x", "a" * 31, "A" * 32, "a" * 33, "%2e%2e"])
def test_only_a_nonce_is_answered(served: Served, nonce: str) -> None:
    assert served.get(f"/healthz/{nonce}").status == 404
    reply = served.get("/healthz/" + "a" * 32)
    assert reply.status == 200
    assert reply.headers["cache-control"] == "no-store"


@contextmanager
def answering(handler: type[BaseHTTPRequestHandler]) -> Generator[str]:
    server = HTTPServer(("127.0.0.1", 0), handler)
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
        fetched = fetch_identity(url, new_nonce())
    assert (fetched.reached, fetched.status, fetched.location) == (Reached.ANSWER, 302, "http://127.0.0.1:1/elsewhere")


def test_what_is_no_web_server() -> None:
    with answering(Rambling) as url:
        assert fetch_identity(url, new_nonce()).reached is Reached.BROKEN
        assert fetch_identity(url.replace("http:", "https:"), new_nonce()).reached is Reached.BROKEN


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert fetch_identity(f"http://127.0.0.1:{port}", new_nonce()).reached is Reached.REFUSED


def test_a_name_without_address() -> None:
    def resolve(host: str) -> tuple[str, ...]:
        raise socket.gaierror(socket.EAI_NONAME, f"{host} has no address")

    fetched = fetch_identity("http://gone.test", new_nonce(), resolve=resolve)
    assert (fetched.reached, fetched.why) == (Reached.NO_NAME, "gone.test has no address")


def test_silence_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_url, "FETCH_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        fetched = fetch_identity(f"http://127.0.0.1:{listening.getsockname()[1]}", new_nonce())
    assert (fetched.reached, fetched.why) == (Reached.SILENT, "no complete answer in time")


def test_a_look_up_that_hangs_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_url, "FETCH_SECONDS", 0.1)
    over = threading.Event()

    def resolve(host: str) -> tuple[str, ...]:
        over.wait(HANG_SECONDS)
        return ("127.0.0.1",)

    fetched = fetch_identity("http://mail.a.test", new_nonce(), resolve=resolve)
    over.set()
    assert fetched.reached is Reached.SILENT


@pytest.mark.parametrize("url", ["http://" + "a" * 70 + ".test", "http://a..test", "http://[::1", "http://:80"])
def test_what_is_no_name_of_a_host(url: str) -> None:
    assert fetch_identity(url, new_nonce()).reached is Reached.NO_NAME
