"""DMARC judged from answers alone: whose record counts, what it asks for, and what counts as none."""

from __future__ import annotations

import pytest

from mailer.diagnostics import Level
from mailer.doctor.dns.dmarc import check_dmarc
from mailer.doctor.dns.lookup import DnsAnswer, Got

RUA = "rua=mailto:reports@a.test"


def judged(records: dict[str, DnsAnswer], domain: str = "news.a.test") -> tuple[Level, str]:
    zone = {f"_dmarc.{name}": answer for name, answer in records.items()}
    _, finding = check_dmarc(lambda name, _kind: zone.get(name, DnsAnswer(Got.ABSENT)), domain)
    return finding.level, finding.message


def txt(*values: str) -> DnsAnswer:
    return DnsAnswer(Got.FOUND, values)


@pytest.mark.parametrize(
    ("record", "level", "words"),
    [
        (f"v=DMARC1; p=reject; {RUA}", Level.OK, "DMARC: p=reject"),
        (f"v=DMARC1;p=Quarantine;{RUA}", Level.OK, "p=quarantine"),
        (f"v=DMARC1; p=none; {RUA}", Level.OK, "p=none, fine for the large providers"),
        (f"v=DMARC1; {RUA}", Level.OK, "p=none"),
        ("v=DMARC1; p=none", Level.WARNING, "nobody is told about failing mails (no rua)"),
        (f"v=DMARC1; p=block; {RUA}", Level.ERROR, "p=block, which isn't a policy"),
        ("v=DMARC1", Level.ERROR, "so receivers ignore it"),
        (f"v=DMARC1; p=reject; adkim=s; aspf=s; {RUA}", Level.OK, "DKIM and SPF must name exactly news.a.test"),
    ],
)
def test_the_domains_own_record(record: str, level: Level, words: str) -> None:
    found_level, found = judged({"news.a.test": txt("another", record)})
    assert found_level is level, found
    assert words in found


def test_the_organisations_record_counts_with_its_policy_for_domains_below() -> None:
    assert judged({"a.test": txt(f"v=DMARC1; p=reject; sp=none; {RUA}")})[1].startswith(
        "DMARC: the record of a.test applies; p=none"
    )
    assert "the record of a.test applies; p=reject" in judged({"a.test": txt(f"v=DMARC1; p=reject; {RUA}")})[1]


def test_the_nearest_record_counts() -> None:
    both = {"news.a.test": txt(f"v=DMARC1; p=none; {RUA}"), "a.test": txt(f"v=DMARC1; p=reject; {RUA}")}
    assert "p=none" in judged(both)[1]


@pytest.mark.parametrize("record", [[], ["v=DMARC2; p=none"], ["p=none"], ["v=DMARC1 p=none"]])
def test_no_record_is_bad(record: list[str]) -> None:
    level, found = judged({"news.a.test": txt(*record)} if record else {})
    assert level is Level.ERROR
    assert "news.a.test has no record" in found


def test_two_records_count_as_none() -> None:
    level, found = judged({"news.a.test": txt(f"v=DMARC1; p=none; {RUA}", f"v=DMARC1; p=reject; {RUA}")})
    assert level is Level.ERROR
    assert "has 2 records" in found


def test_what_could_not_be_asked_is_a_warning_only_without_a_record() -> None:
    unknown = DnsAnswer(Got.UNKNOWN, why="the DNS answered SERVFAIL")
    assert judged({"a.test": unknown}) == (
        Level.WARNING,
        "DMARC couldn't be looked up: the DNS answered SERVFAIL",
    )


def test_the_walk_upwards_is_short() -> None:
    asked: list[str] = []

    def lookup(name: str, _kind: str) -> DnsAnswer:
        asked.append(name.removeprefix("_dmarc."))
        return DnsAnswer(Got.ABSENT)

    check_dmarc(lookup, "news.a.test")
    assert asked == ["news.a.test", "a.test"]
    asked.clear()
    check_dmarc(lookup, "a.test")
    assert asked == ["a.test"]
    asked.clear()
    check_dmarc(lookup, ".".join(f"l{n}" for n in range(30)) + ".a.test")
    assert len(asked) <= 8
    assert asked[1].count(".") == 6
    assert asked[-1] == "a.test"
