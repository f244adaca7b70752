"""Questions to a real DNS server: every answer is a value, and nothing waits longer than was allowed."""

from __future__ import annotations

import ast
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailer.doctor.dns import lookup
from mailer.doctor.dns.lookup import Asker, Got, addresses
from mailer.settings import Dns
from tests.conftest import REPOSITORY
from tests.patience import HANG_SECONDS
from tests.servers.dns_server import DnsServer, Fail, Garbage, Silence, Truncate

LONG = [f'"{"x" * 200}" "{place}"' for place in range(20)]
ZONE = {
    "appeals.test": {
        "TXT": ['"v=spf1 include:relay.test " "-all"', '"another"'],
        "MX": ["20 mx2.appeals.test.", "10 mx1.appeals.test."],
        "A": ["192.0.2.7"],
        "AAAA": ["2001:db8::7"],
    },
    "s1._domainkey.appeals.test": {"CNAME": ["s1.keys.test."]},
    "s1.keys.test": {"TXT": ['"p=abc"']},
    "dangling.appeals.test": {"CNAME": ["nowhere.test."]},
    "null.test": {"MX": ["0 ."]},
    "7.2.0.192.in-addr.arpa": {"PTR": ["mx1.appeals.test."]},
    "long.test": {"TXT": LONG},
    "xn--bcher-kva.test": {"A": ["192.0.2.8"]},
}


@pytest.fixture
def server() -> Iterator[DnsServer]:
    with DnsServer(ZONE) as server:
        yield server


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A question is repeated, or given up, only where a test is about that."""
    monkeypatch.setattr(lookup, "TRY_SECONDS", HANG_SECONDS)
    monkeypatch.setattr(lookup, "QUESTION_SECONDS", HANG_SECONDS)


def asker(server: DnsServer, timeout_seconds: float = HANG_SECONDS) -> Asker:
    return Asker(Dns(server=server.address, timeout_seconds=timeout_seconds))


def test_what_is_there_is_found(server: DnsServer) -> None:
    dns = asker(server)
    assert set(dns.ask("appeals.test", "TXT").values) == {"v=spf1 include:relay.test -all", "another"}
    assert dns.ask("appeals.test", "MX").values == ("mx1.appeals.test", "mx2.appeals.test")
    assert dns.ask("null.test", "MX").values == (".",)
    assert addresses(dns.ask, "appeals.test").values == ("192.0.2.7", "2001:db8::7")
    assert dns.ask("7.2.0.192.in-addr.arpa", "PTR").values == ("mx1.appeals.test",)
    assert dns.ask("bücher.test", "A").values == ("192.0.2.8",)


def test_a_cname_is_followed_and_named(server: DnsServer) -> None:
    dns = asker(server)
    key = dns.ask("s1._domainkey.appeals.test", "TXT")
    assert (key.values, key.canonical) == (("p=abc",), "s1.keys.test")
    assert dns.ask("appeals.test", "A").canonical == ""
    assert dns.ask("dangling.appeals.test", "TXT").got is Got.ABSENT


def test_no_name_and_no_record_are_told_apart(server: DnsServer) -> None:
    dns = asker(server)
    assert dns.ask("missing.test", "TXT").got is Got.ABSENT
    assert dns.ask("null.test", "TXT").got is Got.EMPTY
    assert dns.ask("_domainkey.appeals.test", "TXT").got is Got.EMPTY


def test_each_question_is_asked_once(server: DnsServer) -> None:
    dns = asker(server)
    for name in ("appeals.test", "APPEALS.test."):
        dns.ask(name, "MX")
    assert server.asked == [("appeals.test", "MX", "udp")]


def test_a_long_or_truncated_answer_comes_by_tcp(server: DnsServer) -> None:
    dns = asker(server)
    assert len(dns.ask("long.test", "TXT").values) == 20
    server.on("appeals.test", Truncate())
    assert dns.ask("appeals.test", "A").values == ("192.0.2.7",)
    assert [way for _, _, way in server.asked] == ["udp", "tcp", "udp", "tcp"]


@pytest.mark.parametrize("code", ["SERVFAIL", "REFUSED"])
def test_a_server_that_fails_is_unknown_at_once_and_others_are_asked_on(server: DnsServer, code: str) -> None:
    server.on("appeals.test", Fail(code))
    dns = asker(server)
    failed = dns.ask("appeals.test", "TXT")
    assert (failed.got, failed.why) == (Got.UNKNOWN, f"the DNS answered {code}")
    assert dns.ask("null.test", "MX").got is Got.FOUND
    assert len(server.asked) == 2, "it wasn't asked again"


def test_a_silent_server_is_waited_for_once_and_never_again(server: DnsServer) -> None:
    server.on("*", Silence())
    dns = asker(server, timeout_seconds=0.5)
    for name in ("one.test", "two.test", "three.test", "four.test"):
        answer = dns.ask(name, "TXT")
        assert (answer.got, answer.why) == (Got.UNKNOWN, "the DNS doesn't answer")
    assert {name for name, _, _ in server.asked} == {"one.test"}


def test_the_time_is_for_all_questions_together(server: DnsServer) -> None:
    moments = iter([0.0, 1.0, HANG_SECONDS, 2 * HANG_SECONDS + 0.1])  # opened, and the three questions
    dns = Asker(Dns(server=server.address, timeout_seconds=2 * HANG_SECONDS), clock=lambda: next(moments))
    assert dns.ask("appeals.test", "A").got is Got.FOUND
    assert dns.ask("appeals.test", "MX").got is Got.FOUND
    late = dns.ask("appeals.test", "AAAA")
    assert late.got is Got.UNKNOWN
    assert "used up" in late.why


def test_garbage_is_unknown(server: DnsServer) -> None:
    server.on("appeals.test", Garbage())
    assert asker(server, timeout_seconds=0.5).ask("appeals.test", "TXT").got is Got.UNKNOWN


@pytest.mark.parametrize("name", ["a..b.test", "x" * 70 + ".test", ".test", "", "ex ample.test", "\udcff.test"])
def test_a_name_that_can_not_be_is_no_exception(server: DnsServer, name: str) -> None:
    assert asker(server).ask(name, "TXT").got is not Got.FOUND


def test_nobody_at_the_address_is_unknown() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert Asker(Dns(server=f"127.0.0.1:{port}", timeout_seconds=0.5)).ask("appeals.test", "TXT").got is Got.UNKNOWN


def test_addresses_of_an_address_are_itself(server: DnsServer) -> None:
    dns = asker(server)
    assert dns.resolve("192.0.2.1") == ("192.0.2.1",)
    assert dns.resolve("appeals.test") == ("192.0.2.7", "2001:db8::7")
    with pytest.raises(OSError, match=r"missing\.test has no address"):
        dns.resolve("missing.test")


def test_one_module_imports_dnspython() -> None:
    def imports(path: Path) -> bool:
        return any(
            (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "dns" for alias in node.names))
            or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "dns")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        )

    named = [path for path in (REPOSITORY / "mailer").rglob("*.py") if "dns" in path.read_text(encoding="utf-8")]
    found = [path for path in named if imports(path)]
    assert found == [REPOSITORY / "mailer/doctor/dns/lookup.py"]
