"""SPF judged from answers alone: how many records, lookups through includes, how it ends, what can't be followed."""

from __future__ import annotations

import pytest

from mailer.diagnostics import Level
from mailer.doctor.dns.lookup import DnsAnswer, Got
from mailer.doctor.dns.spf import check_spf
from mailer.doctor.dns.spf_record import Broken, parse

ABSENT = DnsAnswer(Got.ABSENT)
UNKNOWN = DnsAnswer(Got.UNKNOWN, why="the DNS doesn't answer")


def txt(*values: str) -> DnsAnswer:
    return DnsAnswer(Got.FOUND, values)


def judged(
    zone: dict[str, DnsAnswer], *, provider: str = "", hosts: dict[tuple[str, str], DnsAnswer] | None = None
) -> list[tuple[Level, str]]:
    """The verdict on a.test. Each host has an address and one mail server, unless `hosts` says otherwise."""

    def lookup(name: str, kind: str) -> DnsAnswer:
        if kind == "TXT":
            return zone.get(name, ABSENT)
        return (hosts or {}).get((name, kind), txt("mx.test" if kind == "MX" else "192.0.2.1"))

    return [(one.level, one.message) for one in check_spf(lookup, "a.test", provider=provider)]


@pytest.mark.parametrize(
    ("record", "level", "words"),
    [
        ("v=spf1 ip4:192.0.2.0/24 -all", Level.OK, "one record, 0 of 10 lookups, ends in -all"),
        ("V=SPF1 a mx/24 a:x.test//64 ip6:2001:db8::/32 ~ALL", Level.OK, "3 of 10 lookups, ends in ~all"),
        ("v=spf1 exists:%{i}.x.test exp=why.a.test -all", Level.OK, "1 of 10 lookups"),
        ("v=spf1 include:%{d}.x.test -all", Level.OK, "1 of 10 lookups"),
        ("v=spf1 unknown=modifier -all", Level.OK, "0 of 10 lookups"),
        ("v=spf1 +all", Level.ERROR, "anybody may mail in your name"),
        ("v=spf1 all", Level.ERROR, "anybody may mail in your name"),
        ("v=spf1 a ?all", Level.WARNING, "ends in ?all"),
        ("v=spf1 a", Level.WARNING, "has no all at its end"),
        ("v=spf1", Level.WARNING, "has no all at its end"),
        ("v=spf1 ipv4:192.0.2.1 -all", Level.ERROR, "'ipv4:192.0.2.1' is not a term of SPF"),
        ("v=spf1 include: -all", Level.ERROR, "'include:' is not include:domain"),
        ("v=spf1 -all;", Level.ERROR, "'-all;' is not “all” with nothing behind it"),
        ("v=spf1 include:gone.test -all", Level.ERROR, "gone.test, which it includes, has no SPF records"),
        ("v=spf1 include:a.test -all", Level.ERROR, "a.test includes a.test in a circle"),
    ],
)
def test_one_record(record: str, level: Level, words: str) -> None:
    ((found_level, found),) = judged({"a.test": txt("google-site-verification=x", record)})
    assert found_level is level, found
    assert words in found


def test_no_record_and_two_records() -> None:
    for zone in ({}, {"a.test": DnsAnswer(Got.EMPTY)}, {"a.test": txt("v=spf10 -all", "something")}):
        ((level, found),) = judged(zone)
        assert level is Level.ERROR
        assert "a.test has no record, so Gmail, Yahoo and Outlook refuse" in found
    ((level, found),) = judged({"a.test": txt("v=spf1 -all", "v=spf1 a -all")})
    assert level is Level.ERROR
    assert "2 records where one is allowed" in found


def test_sendgrid_needs_none_in_the_senders_domain() -> None:
    ((level, found),) = judged({}, provider="SendGrid")
    assert level is Level.OK
    assert "return path of its own" in found


def test_what_could_not_be_asked_is_a_warning() -> None:
    ((level, found),) = judged({"a.test": UNKNOWN})
    assert (level, found) == (Level.WARNING, "SPF couldn't be looked up: the DNS doesn't answer")
    ((level, found),) = judged({"a.test": txt("v=spf1 include:b.test -all"), "b.test": UNKNOWN})
    assert level is Level.WARNING
    assert "b.test, which it includes: the DNS doesn't answer" in found


def nested(lookups: int) -> dict[str, DnsAnswer]:
    """A record that costs `lookups`, most of them two includes deep."""
    deep = " ".join(f"a:h{n}.test" for n in range(lookups - 2))
    return {
        "a.test": txt("v=spf1 include:b.test -all"),
        "b.test": txt("v=spf1 include:c.test ~all"),
        "c.test": txt(f"v=spf1 {deep} ~all"),
    }


def test_ten_lookups_through_includes_pass_and_eleven_do_not() -> None:
    assert judged(nested(10)) == [(Level.OK, "SPF: one record, 10 of 10 lookups, ends in -all")]
    ((level, found),) = judged(nested(11))
    assert level is Level.ERROR
    assert "needs 11 lookups where 10 are allowed" in found


def test_a_redirect_counts_and_decides_the_end_unless_there_is_an_all() -> None:
    there = {"b.test": txt("v=spf1 mx +all")}
    assert judged({"a.test": txt("v=spf1 redirect=b.test"), **there})[0][0] is Level.ERROR
    there = {"b.test": txt("v=spf1 mx ~all")}
    assert "2 of 10 lookups, ends in ~all" in judged({"a.test": txt("v=spf1 redirect=b.test"), **there})[0][1]
    assert "0 of 10 lookups, ends in -all" in judged({"a.test": txt("v=spf1 redirect=b.test -all"), **there})[0][1]
    assert judged({"a.test": txt("v=spf1 redirect=gone.test")})[0][0] is Level.ERROR


def test_ptr_is_advised_against() -> None:
    levels = [level for level, _ in judged({"a.test": txt("v=spf1 ptr -all")})]
    assert levels == [Level.OK, Level.WARNING]


def test_places_that_do_not_exist_are_counted() -> None:
    """RFC 7208 §4.6.4: two lookups may find nothing, through all includes."""
    there = {"a.test": txt("v=spf1 a:b.test mx include:b.test -all"), "b.test": txt("v=spf1 exists:x.b.test ~all")}
    gone = {("b.test", "A"): ABSENT, ("b.test", "AAAA"): DnsAnswer(Got.EMPTY), ("a.test", "MX"): DnsAnswer(Got.EMPTY)}
    assert judged(there, hosts=gone) == [
        (Level.OK, "SPF: one record, 4 of 10 lookups, of which b.test and a.test found nothing, ends in -all")
    ]
    ((level, found),) = judged(there, hosts={**gone, ("x.b.test", "A"): ABSENT})
    assert level is Level.ERROR
    assert "names 3 places that don't exist (b.test, a.test, x.b.test)" in found


def test_an_unasked_host_and_one_with_either_address_are_not_void() -> None:
    there = {"a.test": txt("v=spf1 a:b.test a:c.test a:d.test -all")}
    hosts = {("b.test", "A"): UNKNOWN, ("b.test", "AAAA"): ABSENT, ("c.test", "A"): DnsAnswer(Got.EMPTY)}
    assert judged(there, hosts=hosts) == [(Level.OK, "SPF: one record, 3 of 10 lookups, ends in -all")]


def test_more_than_ten_mail_servers() -> None:
    servers = {("a.test", "MX"): txt(*(f"mx{n}.test" for n in range(11)))}
    ((level, found),) = judged({"a.test": txt("v=spf1 mx -all")}, hosts=servers)
    assert level is Level.ERROR
    assert "mx:a.test has 11 servers where 10 are allowed" in found


@pytest.mark.parametrize(
    ("record", "included", "level"),
    [
        ("v=spf1 include:b.test -all", "v=spf1 +all", Level.ERROR),
        ("v=spf1 ip4:192.0.2.0/0 -all", "", Level.ERROR),
        ("v=spf1 include:b.test -all", "v=spf1 ip6:::/0 -all", Level.ERROR),
        ("v=spf1 redirect=b.test", "v=spf1 all", Level.ERROR),
        ("v=spf1 ?include:b.test -all", "v=spf1 +all", Level.OK),
        ("v=spf1 -ip4:0.0.0.0/0 -all", "", Level.OK),
        ("v=spf1 -all include:b.test", "v=spf1 +all", Level.OK),
        ("v=spf1 include:b.test -all", "v=spf1 ip4:300.1.2.3 -all", Level.ERROR),
        ("v=spf1 -all include:b.test", "v=spf1 ip4:300.1.2.3 -all", Level.OK),
    ],
)
def test_what_is_included_counts_as_far_as_receivers_read_it(record: str, included: str, level: Level) -> None:
    ((found_level, found),) = judged({"a.test": txt(record), "b.test": txt(included)})
    assert found_level is level, found


def test_a_hostile_tree_ends() -> None:
    """Every record includes ten others: neither gathering nor counting goes on for ever."""
    asked: list[str] = []

    def lookup(name: str, _kind: str) -> DnsAnswer:
        asked.append(name)
        return txt("v=spf1 " + " ".join(f"include:{n}.{name}" for n in range(10)) + " -all")

    (finding,) = check_spf(lookup, "a.test")
    assert finding.level is Level.ERROR
    assert len(asked) <= 40


REFUSED = """
    =x 1a --all include include: all:foo all/8 all: -all. ip4 ip4: ip4:300.1.2.3 ip4:1.2.3 ip4:10.0.0.0/99
    ip4:10.0.0.0/ ip4:10.0.0.0/08 ip4:10.0.0.0//24 ip4:01.2.3.4 ip4:2001:db8::1 ip4:192.0.2.1:25 ip6 ip6:zz ip6:::1/129
    ip6:192.0.2.1 ip6:fe80::1%eth0 ip6:2001:db8::/ a: a:/24 a/33 a/24/64 a//129 a/024 a:museum a:111.222.33.44 a:x..test
    a:x.-test mx/-1 mx:a_b ptr: ptr:x exists exists:x exists:%{c}.x.test exists:%{z}.x.test exists:%{i
    exists:%{d0}.x.test exists:%i.x.test redirect= redirect=museum redirect:a.test ?redirect=b.test exp= exp=x%
    -foo=bar foo=%{x} ipv4:192.0.2.1 ip4:192.0.2.1,ip4:192.0.2.2 include:b.test;-all ünlaut=1%
"""


@pytest.mark.parametrize("term", REFUSED.split())
def test_a_term_that_receivers_refuse_breaks_the_whole_record(term: str) -> None:
    with pytest.raises(Broken):
        parse(f"v=spf1 -all {term}")


TAKEN = """
    all -ALL IP4:192.0.2.0/0 ip4:255.255.255.255/32 ip6:2001:DB8::/128 ip6:::ffff:192.0.2.1 a A/32 a//128 a/0//0
    a:x.test. a:x.test/24//64 a:x-y.te-st mx MX:x.TEST/8 ptr ptr:x.test exists:%{ir}.%{v}._spf.%{d2}
    exists:%{l1r+-}.x.test exists:x.%{D} include:_spf.x.test a:foo:bar/baz.example.com redirect=_spf.x.test
    exp=why.x.test foo=bar x.y-z_1=
    all=foo ip4=192.0.2.1;x a:%%.x.test exists:%{h}%_%-.x.test
"""


@pytest.mark.parametrize("term", TAKEN.split())
def test_a_term_that_receivers_take(term: str) -> None:
    parse(f"v=spf1  {term}  ")


@pytest.mark.parametrize("twice", ["redirect=b.test redirect=b.test", "exp=b.test EXP=c.test"])
def test_redirect_and_exp_may_be_there_once(twice: str) -> None:
    with pytest.raises(Broken, match="appears twice"):
        parse(f"v=spf1 {twice}")


def test_a_tab_and_an_odd_blank_are_no_blanks() -> None:
    for record in ("v=spf1\t-all", "v=spf1 a\t-all", "v=spf1 a\u00a0-all", "v=spf1 a\n-all"):
        assert judged({"a.test": txt(record)})[0][0] is Level.ERROR
