"""SPF judged from answers alone: how many records, lookups through includes, how it ends, what can't be followed."""

from __future__ import annotations

import pytest

from mailer.findings import Level
from mailer.transports.dns.asking import Answer, Got
from mailer.transports.dns.spf import Broken, gather_spf, judge_spf, parse

ABSENT = Answer(Got.ABSENT)
UNKNOWN = Answer(Got.UNKNOWN, why="the DNS doesn't answer")


def txt(*values: str) -> Answer:
    return Answer(Got.FOUND, values)


def judged(zone: dict[str, Answer], *, own_envelope: bool = True) -> list[tuple[Level, str]]:
    facts = gather_spf(lambda name, _kind: zone.get(name, ABSENT), "a.test")
    return [(one.level, one.found) for one in judge_spf(facts, part="DNS", own_envelope=own_envelope)]


@pytest.mark.parametrize(
    ("record", "level", "words"),
    [
        ("v=spf1 ip4:192.0.2.0/24 -all", Level.WELL, "one record, 0 of 10 lookups, ends in -all"),
        ("V=SPF1 a mx/24 a:x.test//64 ip6:2001:db8::/32 ~ALL", Level.WELL, "3 of 10 lookups, ends in ~all"),
        ("v=spf1 exists:%{i}.x.test exp=why.a.test -all", Level.WELL, "1 of 10 lookups"),
        ("v=spf1 include:%{d}.x.test -all", Level.WELL, "1 of 10 lookups"),
        ("v=spf1 unknown=modifier -all", Level.WELL, "0 of 10 lookups"),
        ("v=spf1 +all", Level.BAD, "anybody may mail in your name"),
        ("v=spf1 all", Level.BAD, "anybody may mail in your name"),
        ("v=spf1 a ?all", Level.WARNING, "ends in ?all"),
        ("v=spf1 a", Level.WARNING, "has no all at its end"),
        ("v=spf1", Level.WARNING, "has no all at its end"),
        ("v=spf1 ipv4:192.0.2.1 -all", Level.BAD, "'ipv4:192.0.2.1' is not a term of SPF"),
        ("v=spf1 include: -all", Level.BAD, "an include names no domain"),
        ("v=spf1 -all;", Level.BAD, "'-all;' is not a term of SPF"),
        ("v=spf1 include:gone.test -all", Level.BAD, "gone.test, which it includes, has no SPF records"),
        ("v=spf1 include:a.test -all", Level.BAD, "a.test includes a.test in a circle"),
    ],
)
def test_one_record(record: str, level: Level, words: str) -> None:
    ((found_level, found),) = judged({"a.test": txt("google-site-verification=x", record)})
    assert found_level is level, found
    assert words in found


def test_no_record_and_two_records() -> None:
    for zone in ({}, {"a.test": Answer(Got.EMPTY)}, {"a.test": txt("v=spf10 -all", "something")}):
        ((level, found),) = judged(zone)
        assert level is Level.BAD
        assert "a.test has no record, so Gmail, Yahoo and Outlook refuse" in found
    ((level, found),) = judged({"a.test": txt("v=spf1 -all", "v=spf1 a -all")})
    assert level is Level.BAD
    assert "2 records where one is allowed" in found


def test_sendgrid_needs_none_in_the_senders_domain() -> None:
    ((level, found),) = judged({}, own_envelope=False)
    assert level is Level.WELL
    assert "return path of its own" in found


def test_what_could_not_be_asked_is_a_warning() -> None:
    ((level, found),) = judged({"a.test": UNKNOWN})
    assert (level, found) == (Level.WARNING, "SPF couldn't be asked for: the DNS doesn't answer")
    ((level, found),) = judged({"a.test": txt("v=spf1 include:b.test -all"), "b.test": UNKNOWN})
    assert level is Level.WARNING
    assert "b.test, which it includes: the DNS doesn't answer" in found


def nested(lookups: int) -> dict[str, Answer]:
    """A record that costs `lookups`, most of them two includes deep."""
    deep = " ".join(f"a:h{n}.test" for n in range(lookups - 2))
    return {
        "a.test": txt("v=spf1 include:b.test -all"),
        "b.test": txt("v=spf1 include:c.test ~all"),
        "c.test": txt(f"v=spf1 {deep} ~all"),
    }


def test_ten_lookups_through_includes_pass_and_eleven_do_not() -> None:
    assert judged(nested(10)) == [(Level.WELL, "SPF: one record, 10 of 10 lookups, ends in -all")]
    ((level, found),) = judged(nested(11))
    assert level is Level.BAD
    assert "needs 11 lookups where 10 are allowed" in found


def test_a_redirect_counts_and_decides_the_end_unless_there_is_an_all() -> None:
    there = {"b.test": txt("v=spf1 mx +all")}
    assert judged({"a.test": txt("v=spf1 redirect=b.test"), **there})[0][0] is Level.BAD
    there = {"b.test": txt("v=spf1 mx ~all")}
    assert "2 of 10 lookups, ends in ~all" in judged({"a.test": txt("v=spf1 redirect=b.test"), **there})[0][1]
    assert "0 of 10 lookups, ends in -all" in judged({"a.test": txt("v=spf1 redirect=b.test -all"), **there})[0][1]
    assert judged({"a.test": txt("v=spf1 redirect=gone.test")})[0][0] is Level.BAD


def test_ptr_is_advised_against() -> None:
    levels = [level for level, _ in judged({"a.test": txt("v=spf1 ptr -all")})]
    assert levels == [Level.WELL, Level.WARNING]


def test_a_hostile_tree_ends() -> None:
    """Every record includes ten others: neither gathering nor counting goes on for ever."""
    asked: list[str] = []

    def lookup(name: str, _kind: str) -> Answer:
        asked.append(name)
        return txt("v=spf1 " + " ".join(f"include:{n}.{name}" for n in range(10)) + " -all")

    facts = gather_spf(lookup, "a.test")
    (finding,) = judge_spf(facts, part="DNS", own_envelope=True)
    assert finding.level is Level.BAD
    assert len(asked) <= 40


@pytest.mark.parametrize("record", ["v=spf1 =x", "v=spf1 1a", "v=spf1 --all", "v=spf1 include"])
def test_syntax_is_refused(record: str) -> None:
    with pytest.raises(Broken):
        parse(record)
