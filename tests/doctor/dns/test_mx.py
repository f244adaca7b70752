"""Where mail to a domain goes, and the name of a relay's address: judged from answers alone."""

from __future__ import annotations

import pytest

from mailer.doctor.dns.domain import is_placeholder, mailers
from mailer.doctor.dns.lookup import DnsAnswer, Got
from mailer.doctor.dns.mx import MailFacts, RelayNameFacts, is_ours, judge_mail, judge_relay_names
from mailer.findings import Severity

ABSENT, EMPTY = DnsAnswer(Got.ABSENT), DnsAnswer(Got.EMPTY)
UNKNOWN = DnsAnswer(Got.UNKNOWN, why="the DNS doesn't answer")


def found(*values: str) -> DnsAnswer:
    return DnsAnswer(Got.FOUND, values)


@pytest.mark.parametrize(
    ("mx", "address", "level", "words"),
    [
        (found("mx1.a.test"), None, Severity.WELL, "mail to a.test goes to mx1.a.test"),
        (found("mx1.a.test", "mx2.a.test"), None, Severity.WELL, "goes to mx1.a.test and 1 more"),
        (found("."), None, Severity.BAD, "null MX"),
        (EMPTY, found("192.0.2.1"), Severity.WARNING, "has no MX record"),
        (EMPTY, EMPTY, Severity.BAD, "has neither MX nor address, so replies are lost"),
        (ABSENT, ABSENT, Severity.BAD, "doesn't exist"),
        (UNKNOWN, None, Severity.WARNING, "couldn't be looked up"),
        (EMPTY, UNKNOWN, Severity.WARNING, "couldn't be looked up"),
    ],
)
def test_mail_to_a_domain(mx: DnsAnswer, address: DnsAnswer | None, level: Severity, words: str) -> None:
    (finding,) = judge_mail(MailFacts("a.test", mx, address), part="DNS", who="replies")
    assert finding.level is level
    assert words in finding.found


def relay(
    host: str, addresses: DnsAnswer, names: dict[str, DnsAnswer], back: dict[str, DnsAnswer]
) -> list[tuple[Severity, str]]:
    facts = RelayNameFacts(host, addresses, names, back)
    return [(one.level, one.found) for one in judge_relay_names(facts, domain="a.test", part="DNS")]


@pytest.mark.parametrize(
    ("names", "back", "level", "words"),
    [
        (
            found("out.a.test"),
            {"out.a.test": found("192.88.99.1")},
            Severity.WELL,
            "is called out.a.test, which leads back",
        ),
        (
            found("x.test", "out.a.test"),
            {"x.test": ABSENT, "out.a.test": found("192.0.2.9", "192.88.99.1")},
            Severity.WELL,
            "out.a.test",
        ),
        (found("x.test"), {"x.test": found("192.0.2.9")}, Severity.BAD, "x.test, which doesn't lead back"),
        (ABSENT, {}, Severity.BAD, "has no name"),
        (UNKNOWN, {}, Severity.WARNING, "couldn't be looked up"),
    ],
)
def test_the_name_of_our_relays_address(
    names: DnsAnswer, back: dict[str, DnsAnswer], level: Severity, words: str
) -> None:
    ((found_level, said),) = relay("smtp.a.test", found("192.88.99.1"), {"192.88.99.1": names}, back)
    assert found_level is level
    assert words in said


def test_what_can_not_be_known_is_said() -> None:
    for host, words in (
        ("127.0.0.1", "can't be known here"),
        ("localhost", "can't be known here"),
        ("smtp.provider.test", "belongs to a provider"),
        ("nota.test", "belongs to a provider"),
    ):
        ((level, said),) = relay(host, found("192.88.99.1"), {}, {})
        assert level is Severity.WELL
        assert words in said
    ((level, said),) = relay("smtp.a.test", found("10.0.0.1"), {}, {})
    assert level is Severity.WELL
    assert "private address" in said
    assert relay("smtp.a.test", ABSENT, {}, {})[0][0] is Severity.BAD
    assert relay("smtp.a.test", UNKNOWN, {}, {})[0][0] is Severity.WARNING


def test_ours_is_what_stands_in_our_domain() -> None:
    assert is_ours("SMTP.A.test", "a.test")
    assert is_ours("a.test", "a.test")
    assert not is_ours("banana.test", "a.test")


def test_domains_are_named_once_with_their_first_place() -> None:
    named = mailers(
        [("mailer.toml", "Us <us@a.test>"), ("lists/x.toml", ""), ("lists/y.toml", "Y <y@B.test>")],
        [("mailer.toml", "hello@a.test"), ("lists/x.toml", "x@c.test"), ("lists/y.toml", "z@c.test")],
    )
    assert dict(named.senders) == {"a.test": "mailer.toml", "b.test": "lists/y.toml"}
    assert dict(named.answers) == {"c.test": "lists/x.toml"}


@pytest.mark.parametrize("domain", ["example.org", "mail.example.com", "your-group.example", "x.invalid", "localhost"])
def test_an_examples_domain_is_known(domain: str) -> None:
    assert is_placeholder(domain)
    assert not is_placeholder(f"{domain}.our-group.net")
