"""A test of versions by commands alone: announced, sent, watched, decided; and every version is there to look at."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Mailer

pytestmark = pytest.mark.usefixtures("own_day")
COUNT = 40


@pytest.fixture
def tried(mailer: Mailer, campaign: str) -> str:
    """The campaign tries two subjects on half of forty people."""
    rows = "".join(f"person{n}@example.org,First{n}\n" for n in range(COUNT - 3))
    Path("people.csv").write_text(f"email,first_name\n{rows}", encoding="utf-8")
    assert mailer("import", "supporters", "people.csv").code == 0
    message = Path("newsletters") / campaign / "message.md"
    words = message.read_text(encoding="utf-8")
    test = "test:\n  b:\n    subject: Two minutes for the library\n  share: 50%\n  wait: 6h\n"
    message.write_text(words.replace("\nlist:", f"\n{test}list:", 1), encoding="utf-8")
    return campaign


def words(text: str) -> str:
    return " ".join(text.split())


def time_has_come() -> None:
    with closing(sqlite3.connect("mailer.db")) as database, database:
        database.execute("UPDATE campaign_tests SET decide_at = decide_at - 6 * 3600 * 1000000")


def mails() -> list[str]:
    return [path.read_text(encoding="utf-8") for path in (Path("outbox") / "new").iterdir()]


def test_it_is_announced_before_it_leaves(mailer: Mailer, tried: str) -> None:
    told = words(mailer("send", tried, "--dry-run").out)
    assert "Version B Two minutes for the library" in told
    assert "10 people each get A or B; the version that wins goes to the other 20" in told
    assert "decided once, 6 h after it leaves" in told
    assert "by people who sign" in told
    weekend = words(mailer("schedule", tried, "--at", "2026-12-05 10:00").out)
    assert "wait: 24h finds out more" in weekend
    assert mailer("tests").out == "No newsletter tried several versions yet. How to: docs/tests.md\n"
    refused = mailer("tests", tried)
    assert (refused.code, "hasn't left yet" in refused.err) == (1, True)


def test_from_the_launch_to_the_rest(mailer: Mailer, tried: str) -> None:
    done = mailer("send", tried, "--yes", str(COUNT))
    assert done.code == 0, done.err
    assert "20 sent; the others wait for its test, decided" in done.out
    assert f"{tried}: its test is decided" in mailer("status").out
    assert "until then 20 people wait" in mailer("status").out
    shown = words(mailer("tests", tried).out)
    assert "A: 0 of 10 signed, B: 0 of 10 so far" in shown
    assert "20 others of 40 get the winner" in shown
    early = mailer("tests", tried, "--decide", "b")
    assert (early.code, "B isn't so far ahead that the test can end early" in early.err) == (1, True)
    assert "It is decided by itself at" in early.err
    assert len(mails()) == 20
    time_has_come()
    run = mailer("run")
    assert (run.code, run.err) == (0, "")
    assert "version A goes to everybody else" in run.out
    assert "20 sent; finished" in run.out
    assert sum("Two minutes for the library" in mail for mail in mails()) == 10
    assert len(mails()) == COUNT
    assert "too few to tell them apart" in mailer("tests", tried).out
    assert "decided at its time" in words(mailer("tests").out)
    assert "1 test: in 0 the winner was better with probability 90 % or more" in mailer("tests").out
    assert "comes out the same" in mailer("tests", "--recompute").out
    (data,) = json.loads(mailer("tests", tried, "--json").out)
    assert (data["winner"], data["plan"]["each"], data["decision"]["decision"]["formula"]) == ("a", 10, 1)
    again = mailer("tests", tried, "--decide", "b")
    assert (again.code, "is decided: A goes to everybody else" in again.err) == (1, True)
    assert mailer("run").out == ""


def test_decided_by_hand_once_its_time_came(mailer: Mailer, tried: str) -> None:
    mailer("send", tried, "--yes", str(COUNT))
    time_has_come()
    time_has_come()  # six hours late
    late = mailer("run")
    assert late.code == 3
    assert "TEST NOT DECIDED: its test was to be decided at" in late.err
    assert f"mailer tests {tried} --decide a" in mailer("status").out
    assert mailer("tests", tried, "--decide", "x").code == 1
    assert "goes to everybody else" in mailer("tests", tried, "--decide", "B").out
    assert "20 sent; finished" in mailer("run").out
    assert sum("Two minutes for the library" in mail for mail in mails()) == 30
    assert "chose B all the same" in mailer("tests", tried).out
    assert mailer("tests", "--decide", "b").code == 2


def test_every_version_is_there_to_look_at(mailer: Mailer, tried: str) -> None:
    assert mailer("check", tried).code == 0
    assert "Two minutes for the library" in Path(mailer("render", tried, "--version", "b").out.split()[-1]).read_text(
        encoding="utf-8"
    )
    assert mailer("test", tried, "--to", "tom@example.org", "--version", "b").code == 0
    (proof,) = mails()
    assert "[Proof] Two minutes for the library" in proof
    unknown = mailer("render", tried, "--version", "c")
    assert (unknown.code, "has no version 'c'" in unknown.err) == (1, True)
    assert "There are a, b." in unknown.err


def test_every_version_is_checked(mailer: Mailer, tried: str) -> None:
    message = Path("newsletters") / tried / "message.md"
    text = message.read_text(encoding="utf-8")
    message.write_text(text.replace("Two minutes for the library", "{{ supporter.first_name }}"), encoding="utf-8")
    found = mailer("check", tried)
    assert found.code == 1
    line = next(n for n, one in enumerate(text.splitlines(), 1) if "Two minutes" in one)
    assert f"message.md:{line}" in found.out


def test_going_down_the_list(mailer: Mailer, campaign: str) -> None:
    message = Path("newsletters") / campaign / "message.md"
    front = "audience:\n  down_the_list:\n    groups: [30 days]\n    sample: 2\n"
    message.write_text(message.read_text(encoding="utf-8").replace("\nlist:", f"\n{front}list:", 1), encoding="utf-8")
    assert "each group once a sample of 2 has had it for 24 hours" in words(mailer("send", campaign, "--dry-run").out)
    assert "audience.few" in mailer("check", campaign).out
    done = mailer("send", campaign, "--yes", "3")
    assert "2 sent; more is due later" in done.out, (done.out, done.err)
    assert "goes down the list: the next sample is judged" in words(mailer("status").out)
    report = mailer("report", campaign).out
    assert "Down the list" in report
    assert "who haven’t acted" in report, report
