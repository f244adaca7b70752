"""Asking where links lead: HEAD then GET, redirects shown, nothing private, everything bounded; on real servers."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address, IPv6Address

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from mailer.checking.evidence import link_probe
from mailer.checking.evidence.link_probe import LinkResponse, ProbeLimits, ask
from mailer.transports import http_connection
from mailer.transports.public_network import is_public
from tests.patience import HANG_SECONDS

HERE = ProbeLimits(private=True, seconds_each=HANG_SECONDS, seconds_all=HANG_SECONDS)


class Site(BaseHTTPRequestHandler):
    """Answers by its path."""

    seen: list[str]
    gone: threading.Event

    def do_HEAD(self) -> None:
        self.answer("HEAD")

    def do_GET(self) -> None:
        self.answer("GET")

    def answer(self, method: str) -> None:
        type(self).seen.append(f"{method} {self.path}")
        if self.path == "/slow":
            self.gone.wait(HANG_SECONDS)
        if self.path == "/drip":
            while not self.gone.wait(0.1):
                self.wfile.write(b"H")
        status = {
            "/gone": 404,
            "/loop": 302,
            "/on": 301,
            "/in": 302,
            "/accent": 301,
            "/odd": 301,
            "/to-login": 302,
        }.get(self.path, 200)
        if self.path == "/nohead" and method == "HEAD":
            status = 405
        where = {
            "/loop": "/loop", "/on": "/there", "/in": "http://169.254.169.254/latest", "/accent": "/caf\u00e9 menu",
            "/odd": "http://[", "/to-login": "http://ana:secret@council.gov/",
        }.get(self.path)  # fmt: skip
        self.send_response(status)
        if where:
            self.send_header("Location", where.encode().decode("latin-1"))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name in the standard library
        pass


@pytest.fixture
def site() -> Iterator[str]:
    Site.seen, Site.gone = [], threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    Site.gone.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_sites_answer(site: str) -> None:
    found = ask([f"{site}/", f"{site}/gone", f"{site}/on", f"{site}/nohead"], limits=HERE)
    assert found == {
        f"{site}/": LinkResponse(200),
        f"{site}/gone": LinkResponse(404),
        f"{site}/on": LinkResponse(200, redirects=(f"{site}/there",)),
        f"{site}/nohead": LinkResponse(200),
    }
    assert "GET /" not in Site.seen
    assert "GET /nohead" in Site.seen


def test_addresses_as_people_write_them_are_asked_for(site: str) -> None:
    found = ask([f"{site}/caf\u00e9 menu", f"{site}/100%?a=[1]&b=\u00fc"], limits=HERE)
    assert [answer.status for answer in found.values()] == [200, 200]
    assert set(Site.seen) == {"HEAD /caf%C3%A9%20menu", "HEAD /100%?a=[1]&b=%C3%BC"}


def test_redirects_as_sites_write_them_are_followed(site: str) -> None:
    found = ask([f"{site}/accent", f"{site}/odd", f"{site}/to-login"], limits=HERE)
    assert found == {
        f"{site}/accent": LinkResponse(200, redirects=(f"{site}/caf\u00e9 menu",)),
        f"{site}/odd": LinkResponse(0, "its answer can't be read"),
        f"{site}/to-login": LinkResponse(0, "it leads to no web address", ("http://ana:secret@council.gov/",)),
    }
    assert "HEAD /caf%C3%A9%20menu" in Site.seen


def test_a_name_that_is_never_looked_up_is_given_up(site: str) -> None:
    def resolve(host: str, port: int) -> list[str]:
        Site.gone.wait(HANG_SECONDS)
        return ["127.0.0.1"]

    limits = ProbeLimits(private=True, seconds_each=0.1, seconds_all=HANG_SECONDS)
    assert ask([f"{site}/"], limits=limits, resolve=resolve)[f"{site}/"].reason == "it didn't answer in time"


def test_redirects_come_to_an_end(site: str) -> None:
    answer = ask([f"{site}/loop"], limits=HERE)[f"{site}/loop"]
    assert (answer.status, answer.reason) == (0, "more than 5 redirects")


def test_a_site_that_is_slow_is_given_up(site: str) -> None:
    answer = ask([f"{site}/slow"], limits=ProbeLimits(private=True, seconds_each=0.2, seconds_all=HANG_SECONDS))[
        f"{site}/slow"
    ]
    assert (answer.status, answer.reason) == (0, "it didn't answer in time")


def test_a_site_that_sends_a_byte_now_and_then_is_given_up_too(site: str) -> None:
    # It would drip for ever, so that this ends at all is what is tested.
    answer = ask([f"{site}/drip"], limits=ProbeLimits(private=True, seconds_each=0.5, seconds_all=HANG_SECONDS))[
        f"{site}/drip"
    ]
    assert (answer.status, answer.reason) == (0, "it didn't answer in time")


INSIDE = [
    "127.0.0.1", "10.1.2.3", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "240.0.0.1",
    "192.88.99.1", "255.255.255.255", "168.63.129.16", "198.51.100.7", "192.0.0.192",
    "::1", "::", "fd00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "2001:db8::1", "3fff::1",
    "100::1", "5f00::1", "4000::1",
    "::ffff:127.0.0.1",  # mapped
    "::ffff:0:10.0.0.1",  # translated
    "::127.0.0.1", "::10.0.0.1", "::169.254.169.254",  # compatible
    "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "64:ff9b:1::8.8.8.8",  # NAT64
    "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:c0a8:101::5",  # 6to4
    "2001::5", "2001:0:7f00:1:0:0:f7f7:f7f7", "2001:0:808:808:0:0:80ff:fffe",  # Teredo: its server, or its client
    "2a00:1450::5efe:10.0.0.1", "2a00:1450::200:5efe:192.168.0.1",  # ISATAP
]  # fmt: skip
OUTSIDE = [
    "93.184.215.14", "8.8.8.8", "2a00:1450:4001:830::200e", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
    "2002:808:808::1", "2a00:1450::5efe:8.8.8.8",
]  # fmt: skip


@pytest.mark.parametrize("address", OUTSIDE)
def test_public_addresses_are_public_however_they_are_written(address: str) -> None:
    assert is_public(address)


@given(number=st.integers(0, 2**32 - 1))
def test_an_ipv4_address_inside_another_is_judged_as_itself(number: int) -> None:
    inner = IPv4Address(number)
    for prefix in ("64:ff9b::", "::ffff:", "::ffff:0:"):
        assert is_public(f"{prefix}{inner}") is is_public(str(inner))
    assert is_public(str(IPv6Address((0x2002 << 112) | (number << 80) | 1))) <= is_public(str(inner))


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0177.0.0.1", "0x7f.1", "0", "localhost", "[::]", "[::1]"])
def test_numbers_written_in_other_ways_lead_nowhere_else(site: str, host: str) -> None:
    """As the system resolves them, which is what would be connected to."""
    url = f"http://{host}:{site.rpartition(':')[2]}/"
    assert ask([url])[url].status == 0
    assert Site.seen == []


@pytest.mark.parametrize("address", INSIDE)
def test_private_addresses_are_never_asked(site: str, address: str) -> None:
    url = "http://inside.libraryfriends.ngo/"
    answer = ask([url], resolve=lambda host, port: [address])[url]
    assert (answer.status, answer.reason) == (0, "it leads into a private network")
    assert Site.seen == []


def test_one_private_address_among_several_is_enough(site: str) -> None:
    url = "http://inside.libraryfriends.ngo/"
    assert ask([url], resolve=lambda host, port: ["203.0.114.1", "127.0.0.1"])[url].status == 0


def test_a_name_is_resolved_once_and_that_address_is_asked(site: str) -> None:
    """A DNS that answers with another address the second time (rebinding) is not asked a second time."""
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    port = site.rpartition(":")[2]
    url = f"http://no-such-name.libraryfriends.ngo:{port}/"
    assert ask([url], limits=HERE, resolve=resolve)[url] == LinkResponse(200)
    assert asked == ["no-such-name.libraryfriends.ngo"]


def test_a_redirect_into_the_private_network_is_not_followed(site: str) -> None:
    """The first name is let through as if it were public; the address it leads on to is judged anew."""
    port = int(site.rpartition(":")[2])
    real = link_probe.require_public

    def judged(addresses: list[str], *, private: bool) -> Sequence[str]:
        return ["127.0.0.1"] if addresses == ["public"] else real(addresses, private=private)

    url = f"http://council.gov:{port}/in"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(link_probe, "require_public", judged)
        answer = ask([url], resolve=lambda host, port: ["public"] if host == "council.gov" else [host])[url]
    assert answer == LinkResponse(0, "it leads into a private network", ("http://169.254.169.254/latest",))


def test_so_many_links_are_asked_and_no_more(site: str) -> None:
    assert len(ask((f"{site}/{number}" for number in range(80)), limits=HERE)) == link_probe.MOST_LINKS


def test_links_that_wait_for_the_person_and_odd_schemes(site: str) -> None:
    found = ask([f"{site}/{{{{ supporter.email }}}}", "ftp://council.gov/", "https://a:b@council.gov/"], limits=HERE)
    assert {url: answer.reason for url, answer in found.items()} == dict.fromkeys(
        ("ftp://council.gov/", "https://a:b@council.gov/"), "it leads to no web address"
    )


@pytest.mark.parametrize(("name", "status"), [("council.gov", 200), ("other.gov", 0)])
def test_a_certificate_must_be_of_the_name_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, name: str, status: int
) -> None:
    authority = trustme.CA()
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("council.gov").configure_cert(theirs)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    monkeypatch.setattr(http_connection.ssl, "create_default_context", lambda: trusting)
    Site.seen, Site.gone = [], threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.daemon_threads = True
    server.handle_error = lambda request, client_address: None  # the handshake that our side breaks off
    server.socket = theirs.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    url = f"https://{name}:{server.server_port}/"
    answer = ask([url], limits=HERE, resolve=lambda host, port: ["127.0.0.1"])[url]
    server.shutdown()
    thread.join()
    server.server_close()
    assert answer.status == status
    assert status or "certificate" in answer.reason
