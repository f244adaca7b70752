"""Waiting for a database: how long, what staff are told, and what is said when it was in vain."""

from __future__ import annotations

import pytest

from mailer.delivery.sending.progress import SendCounts
from mailer.delivery.sending.run import RunReport
from mailer.delivery.sending.run_control import LONGEST_PAUSE_SECONDS, LONGEST_SECONDS, Patience, Stop
from mailer.store.engine.database import DatabaseTrouble

FULL = DatabaseTrouble("the disk is full", remedy="Make space.", passing=True)


class Wait:
    """A clock that only sleeping moves, and a database that works again at a moment."""

    def __init__(self, works_at: float) -> None:
        self.now = 0.0
        self.works_at = works_at
        self.said: list[str] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def action(self) -> str:
        if self.now < self.works_at:
            raise FULL
        return "written"

    def patience(self, stop: Stop) -> Patience:
        return Patience(stop, self.said.append, monotonic=lambda: self.now, sleep=self.sleep)


def test_a_moment_is_waited_for_without_a_word() -> None:
    wait = Wait(works_at=0.5)
    assert wait.patience(Stop()).wait_for(wait.action, ()) == "written"
    assert wait.said == []


def test_staff_are_told_once_what_is_waited_for_and_what_is_kept() -> None:
    wait = Wait(works_at=200)
    assert wait.patience(Stop()).wait_for(wait.action, [1, 2, 3]) == "written"
    assert wait.said == [
        "the disk is full. Sending waits for it, 300 s at most; 3 answers of the transport are kept meanwhile."
        " Make space."
    ]


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ((), "the disk is full; nobody is affected, and everyone left stays queued"),
        (
            (1, 2),
            "the disk is full; the answers for 2 people could not be written down, so they will count as uncertain",
        ),
    ],
)
def test_in_vain_it_says_who_is_affected(answers: tuple[int, ...], words: str) -> None:
    wait = Wait(works_at=LONGEST_SECONDS * 2)
    with pytest.raises(DatabaseTrouble) as given_up:
        wait.patience(Stop()).wait_for(wait.action, answers)
    assert (given_up.value.message, given_up.value.remedy) == (words, "Make space.")
    assert wait.now == pytest.approx(LONGEST_SECONDS, abs=2)


def test_what_does_not_pass_is_not_waited_for() -> None:
    def action() -> None:
        raise DatabaseTrouble("the database is damaged")

    wait = Wait(works_at=0)
    with pytest.raises(DatabaseTrouble, match="damaged; the answers for 1 person"):
        wait.patience(Stop()).wait_for(action, [1])
    assert wait.now == 0


def test_a_stop_cuts_the_wait_to_its_drain() -> None:
    wait, stop = Wait(works_at=LONGEST_SECONDS), Stop()
    stop.now("stopped by SIGTERM", drain_seconds=5)
    with pytest.raises(DatabaseTrouble):
        wait.patience(stop).wait_for(wait.action, ())
    assert wait.now == pytest.approx(5, abs=1.1)


def test_all_who_wait_share_one_drain() -> None:
    """The runner waits with its engine: after a signal they may take five seconds together, not each."""
    wait, stop = Wait(works_at=1000), Stop()
    first, second = wait.patience(stop), wait.patience(stop)
    stop.now("stopped by SIGTERM", drain_seconds=5)
    for patience in (first, second):
        with pytest.raises(DatabaseTrouble):
            patience.wait_for(wait.action, ())
    assert wait.now <= 5 + 2 * LONGEST_PAUSE_SECONDS


def test_a_run_that_leaves_somebody_uncertain_calls_for_staff() -> None:
    doubtful = SendCounts()
    doubtful.uncertain = 1
    assert RunReport(tallies={"appeal": doubtful}).trouble
    assert RunReport(settled=1).trouble
    assert not RunReport(tallies={"appeal": SendCounts()}).trouble
