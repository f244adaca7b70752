"""What a report says of a test: no leader before its time, then all of it in words, in tables and for programs."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta

from rich.console import Console

from mailer.compose.message import PlannedTest
from mailer.delivery.campaigns import orders
from mailer.delivery.experiments.tried import SUBJECT, WHOLE, what_differs
from mailer.reports.export import as_csv, as_json
from mailer.reports.figures import CampaignFigures, figures
from mailer.reports.terminal import show
from mailer.reports.tested.past import PastTest, past_tests, together
from mailer.settings import Guard
from mailer.staff.actor import terminal
from mailer.store.tables.states import DecisionState
from tests.delivery.experiments.conftest import Trial, trial  # noqa: F401  # pyright: ignore[reportUnusedImport]
from tests.delivery.world import MESSAGE, TESTED

WAIT = timedelta(hours=4)


def report(trial: Trial) -> CampaignFigures:  # noqa: F811
    with trial.database.read() as connection:
        return figures(connection, "appeal")


def on_terminal(found: CampaignFigures) -> str:
    console = Console(width=160, record=True)
    with console.capture() as captured:
        show(found, console)
    return captured.get()


def decided(trial: Trial) -> None:  # noqa: F811
    """30 of each version, of which 8 and 20 sign; 140 get b, and two of them sign."""
    trial.launch(200)
    trial.run()
    trial.sign(trial.of("a")[:8], n=1)
    trial.sign(trial.of("b")[:20], n=3)
    trial.run(WAIT)


def test_before_its_time_there_are_counts_and_no_leader(trial: Trial) -> None:  # noqa: F811
    trial.launch(200)
    trial.run()
    trial.sign(trial.of("b")[:15], n=3)
    found = report(trial).test
    assert found
    assert found.state is DecisionState.WAITING
    assert found.sentences[0] == "A: 0 of 30 signed, B: 15 of 30 so far."
    assert "No version leads before" in found.sentences[1]
    assert (found.winner, found.chance, {one.expected_per_1000 for one in found.versions}) == ("", None, {None})
    words = on_terminal(report(trial))
    assert "Decided Tue 24 Nov 2026 13:00 UTC." in words
    assert "probability" not in words


def test_once_decided_it_says_how_sure_that_is_and_what_the_others_brought(trial: Trial) -> None:  # noqa: F811
    decided(trial)
    trial.sign(trial.of("rest")[:7], n=3)
    found = report(trial)
    assert found.test
    assert (found.test.winner, found.test.by, found.test.how) == ("b", "signatures", "at its time")
    words = on_terminal(found)
    for told in (
        "B: 20 of 30 signed, A: 8 of 30. B is better with probability", "If we are wrong, B costs",
        "the winner of a test looks better in it than it is", "140 others got B since, and 7 signed: 50.0 per 1,000.",
        "Decided Tue 24 Nov 2026 13:00 UTC, at its time, by signatures (formula 1).", "Version 3: Dear",
    ):  # fmt: skip
        assert told in words, (told, words)
    b = found.test.versions[1]
    assert b.expected_per_1000 is not None
    assert b.expected_per_1000 < 1000 * b.signed / b.sent, "it is shrunk"


def test_later_signatures_of_those_who_were_tested_change_no_decision(trial: Trial) -> None:  # noqa: F811
    decided(trial)
    before = report(trial).test
    trial.sign(trial.of("a")[8:], n=1)
    assert report(trial).test == before


def test_programs_get_the_same(trial: Trial) -> None:  # noqa: F811
    decided(trial)
    found = report(trial)
    data = json.loads(json.dumps(as_json(found)))["test"]
    assert (data["winner"], data["versions"][1]["signed"], data["decide_at"]) == ("b", 20, "2026-11-24T13:00:00+00:00")
    rows = [row for row in csv.reader(io.StringIO(as_csv(found))) if row[0] == "test"]
    assert ["test", "version b", "signed", "20"] in rows
    assert sum(row[1] == "in words" for row in rows) == len(found.test.sentences if found.test else ())


def test_a_choice_by_hand_is_told_as_one(trial: Trial) -> None:  # noqa: F811
    trial.launch(200)
    trial.run()
    trial.clock.now += WAIT
    orders.decide_test(trial.database, "appeal", terminal(), arm="b", limits=Guard(), now=trial.clock.now)
    trial.run()
    found = report(trial).test
    assert found
    assert found.sentences[0].endswith("chose B by hand.")


def test_what_differs_is_found_in_the_versions() -> None:
    text = (*MESSAGE.text[:1], *MESSAGE.text[1:2], " It is the last week.\n\nAdd your name: ", *MESSAGE.text[3:])
    assert what_differs(TESTED) == (SUBJECT,)
    assert what_differs(replace(MESSAGE, test=PlannedTest(), variants=(replace(MESSAGE, text=text),))) == (WHOLE,)
    subject = ("Dear ", 0, ", the last week")
    both = replace(MESSAGE, test=PlannedTest(), variants=(replace(MESSAGE, text=text, subject=subject),))
    assert what_differs(both) == (SUBJECT, WHOLE)


def test_the_memory_tells_each_test_and_what_they_say_together(trial: Trial) -> None:  # noqa: F811
    decided(trial)
    with trial.database.read() as connection:
        found = past_tests(connection)
    (one,) = found.tests
    assert (one.slug, one.tried, one.winner, one.differs) == ("appeal", "subjects", "b", ("subject",))
    assert one.words.startswith("B went to the others: better with probability")
    assert one.gained > 0
    assert "1 test: in 1 the winner was better with probability 90 % or more." in found.told[0]
    assert json.dumps(found.as_json())
    several = together([replace(one, slug=f"appeal-{n}") for n in range(6)])
    assert "6 tests" in several.told[0]
    assert any("Subjects with a number, in 6 tests:" in told for told in several.told), several.told
    assert several.spread > found.spread, "six tests say more than one"


def test_the_memory_of_no_tests_says_nothing(trial: Trial) -> None:  # noqa: F811
    with trial.database.read() as connection:
        found = past_tests(connection)
    assert (found.tests, found.told) == ((), ())
    assert together(list[PastTest]()).told == ()
