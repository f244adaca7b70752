"""One run that sends by three processes: one of them is killed, the run itself is killed, and it is told to stop."""

from __future__ import annotations

import os
import signal

from tests.chaos.combinations import on
from tests.chaos.site import TROUBLE, Run, Site, is_alive

PEOPLE = 3_200  # enough for three
PACE_PER_SECOND = 500.0


def begin(site: Site) -> tuple[Run, list[int]]:
    """A run, and the numbers of the two processes beside it once all three are at work."""
    site.workers = 3
    site.pace_per_second = PACE_PER_SECOND
    site.launch(PEOPLE)
    run = site.start("run")
    site.wait_for(lambda: len(run.beside) == 2, why="the others had begun")
    site.wait_for(lambda: len(workers(site)) == 3, why="all three were at work")
    return run, run.beside


def workers(site: Site) -> list[int]:
    with site.database.read() as connection:
        names = connection.exec_driver_sql("SELECT name FROM workers").scalars()
        return [int(name.rpartition(":")[2]) for name in names]


@on("sqlite-smtp", "postgresql-smtp")
def test_three_processes_share_one_run(site: Site) -> None:
    run, _ = begin(site)
    words = run.end()
    assert f"{PEOPLE:,} sent" in words, words
    assert "finished" in words
    assert site.finish() == {"sent": PEOPLE}


@on("sqlite-sendgrid")
def test_a_killed_process_is_told_of_and_another_goes_on(site: Site) -> None:
    run, beside = begin(site)
    os.kill(beside[0], signal.SIGKILL)
    site.bound += site.receiver.on_the_wire
    words = run.end(TROUBLE)
    assert "killed by SIGKILL" in words
    assert "Another one goes on" in words
    assert set(site.finish()) <= {"sent", "uncertain"}


@on("sqlite-smtp")
def test_those_beside_a_killed_run_leave_in_good_order(site: Site) -> None:
    run, beside = begin(site)
    run.send(signal.SIGKILL)
    site.bound += site.receiver.on_the_wire
    site.wait_for(lambda: not any(is_alive(one) for one in beside), why="they had left")
    assert not set(workers(site)) & set(beside), "they gave back what they had claimed"
    assert set(site.finish()) <= {"sent", "uncertain"}


@on("sqlite-smtp")
def test_a_signal_stops_all_of_them_and_nobody_is_uncertain(site: Site) -> None:
    run, beside = begin(site)
    run.send(signal.SIGTERM)
    words = run.end()
    assert "stopped by SIGTERM" in words
    assert not any(is_alive(one) for one in beside)
    assert not workers(site)
    assert site.judge(ended=False).uncertain == 0
    assert site.finish() == {"sent": PEOPLE}
