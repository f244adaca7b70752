"""Where mail to a domain goes, and the name of a relay's address: judged from answers alone."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from mailer.diagnostics import Level
from mailer.doctor.dns.domain import is_placeholder, mailers
from mailer.doctor.dns.lookup import DnsAnswer, Got, Lookup
from mailer.doctor.dns.mx import check_mail, check_relay_name, is_ours

ABSENT, EMPTY = DnsAnswer(Got.ABSENT), DnsAnswer(Got.EMPTY)
UNKNOWN = DnsAnswer(Got.UNKNOWN, why="the DNS doesn't answer")


def answering(zone: dict[tuple[str, str], DnsAnswer]) -> Lookup:
    """A DNS that has this; asked for anything else, the test fails."""
    return lambda name, kind: zone[name, kind]


def found(*values: str) -> DnsAnswer:
    return DnsAnswer(Got.FOUND, values)


@pytest.mark.parametrize(
    ("mx", "address", "level", "words"),
    [
        (found("mx1.a.test"), None, Level.OK, "mail to a.test goes to mx1.a.test"),
        (found("mx1.a.test", "mx2.a.test"), None, Level.OK, "goes to mx1.a.test and 1 more"),
        (found("."), None, Level.ERROR, "null MX"),
        (EMPTY, found("192.0.2.1"), Level.WARNING, "has no MX record"),
        (EMPTY, EMPTY, Level.ERROR, "has neither MX nor address, so replies are lost"),
        (ABSENT, ABSENT, Level.ERROR, "doesn't exist"),
        (UNKNOWN, None, Level.WARNING, "couldn't be looked up"),
        (EMPTY, UNKNOWN, Level.WARNING, "couldn't be looked up"),
    ],
)
def test_mail_to_a_domain(mx: DnsAnswer, address: DnsAnswer | None, level: Level, words: str) -> None:
    zone = {("a.test", "MX"): mx} | ({("a.test", "A"): address, ("a.test", "AAAA"): address} if address else {})
    finding = check_mail(answering(zone), "a.test", who="replies")
    assert finding.level is level
    assert words in finding.message


def relay(
    host: str, addresses: DnsAnswer, names: dict[str, DnsAnswer], back: dict[str, DnsAnswer]
) -> list[tuple[Level, str]]:
    hosts = {host: addresses} | back
    zone = {(name, "A"): answer for name, answer in hosts.items()}
    zone |= {(name, "AAAA"): EMPTY if answer.values else answer for name, answer in hosts.items()}
    zone |= {(ip_address(one).reverse_pointer, "PTR"): answer for one, answer in names.items()}
    return [(one.level, one.message) for one in check_relay_name(answering(zone), host, domain="a.test")]


@pytest.mark.parametrize(
    ("names", "back", "level", "words"),
    [
        (
            found("out.a.test"),
            {"out.a.test": found("9.9.9.9")},
            Level.OK,
            "is called out.a.test, which leads back",
        ),
        (
            found("x.test", "out.a.test"),
            {"x.test": ABSENT, "out.a.test": found("192.0.2.9", "9.9.9.9")},
            Level.OK,
            "out.a.test",
        ),
        (found("x.test"), {"x.test": found("192.0.2.9")}, Level.ERROR, "x.test, which doesn't lead back"),
        (ABSENT, {}, Level.ERROR, "has no name"),
        (UNKNOWN, {}, Level.WARNING, "couldn't be looked up"),
    ],
)
def test_the_name_of_our_relays_address(names: DnsAnswer, back: dict[str, DnsAnswer], level: Level, words: str) -> None:
    ((found_level, said),) = relay("smtp.a.test", found("9.9.9.9"), {"9.9.9.9": names}, back)
    assert found_level is level
    assert words in said


def test_what_can_not_be_known_is_said() -> None:
    for host, words in (
        ("127.0.0.1", "can't be known here"),
        ("localhost", "can't be known here"),
        ("smtp.provider.test", "belongs to a provider"),
        ("nota.test", "belongs to a provider"),
    ):
        ((level, said),) = relay(host, found("9.9.9.9"), {}, {})
        assert level is Level.OK
        assert words in said
    ((level, said),) = relay("smtp.a.test", found("10.0.0.1"), {}, {})
    assert level is Level.OK
    assert "private address" in said
    assert relay("smtp.a.test", ABSENT, {}, {})[0][0] is Level.ERROR
    assert relay("smtp.a.test", UNKNOWN, {}, {})[0][0] is Level.WARNING


def test_ours_is_what_stands_in_our_domain() -> None:
    assert is_ours("SMTP.A.test", "a.test")
    assert is_ours("a.test", "a.test")
    assert not is_ours("banana.test", "a.test")


def test_domains_are_named_once_with_their_first_place() -> None:
    named = mailers(
        [("mailer.toml", "Us <us@a.test>"), ("lists/x.toml", ""), ("lists/y.toml", "Y <y@B.test>")],
        [("mailer.toml", "hello@a.test"), ("lists/x.toml", "x@c.test"), ("lists/y.toml", "z@c.test")],
    )
    assert named == {
        "a.test": ("mailer.toml", True),
        "b.test": ("lists/y.toml", True),
        "c.test": ("lists/x.toml", False),
    }


@pytest.mark.parametrize("domain", ["example.org", "mail.example.com", "your-group.example", "x.invalid", "localhost"])
def test_an_examples_domain_is_known(domain: str) -> None:
    assert is_placeholder(domain)
    assert not is_placeholder(f"{domain}.our-group.net")
