"""The thread that does jobs beside a server: at once when woken, through any trouble, and until it is stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from mailer.store.engine.database import DatabaseTrouble
from mailer.store.job_thread import JobThread
from tests.patience import HANG_SECONDS, until

NEVER = 10_000.0


def test_it_looks_when_it_begins_and_when_it_is_woken() -> None:
    rounds = threading.Semaphore(0)
    thread = JobThread("jobs", lambda ending: rounds.release(), look_seconds=NEVER)
    thread.start()
    assert rounds.acquire(timeout=HANG_SECONDS)
    thread.wake()
    assert rounds.acquire(timeout=HANG_SECONDS)
    thread.stop()
    assert not rounds.acquire(blocking=False)


def test_it_looks_by_itself_now_and_then() -> None:
    rounds = threading.Semaphore(0)
    thread = JobThread("jobs", lambda ending: rounds.release(), look_seconds=0.001)
    thread.start()
    for _ in range(3):
        assert rounds.acquire(timeout=HANG_SECONDS)
    thread.stop()


def test_it_lives_through_trouble_and_quotes_only_our_own_words(caplog: pytest.LogCaptureFixture) -> None:
    troubles: list[Exception] = [DatabaseTrouble("the disk is full"), ValueError("mary@example.org")]
    done = threading.Event()

    def work(ending: Callable[[], bool]) -> None:
        if troubles:
            raise troubles.pop(0)
        done.set()

    thread = JobThread("notices", work, look_seconds=0.001)
    thread.start()
    assert done.wait(HANG_SECONDS)
    thread.stop()
    assert "notices wait" in caplog.text
    assert "the disk is full" in caplog.text
    assert "ValueError" in caplog.text
    assert "mary" not in caplog.text


def test_it_is_told_to_end_and_waited_for_only_so_long() -> None:
    begun, go_on, told = threading.Event(), threading.Event(), list[bool]()

    def work(ending: Callable[[], bool]) -> None:
        begun.set()
        until(ending, why="being told to end")
        go_on.wait(HANG_SECONDS)
        told.append(ending())

    thread = JobThread("jobs", work)
    thread.start()
    assert begun.wait(HANG_SECONDS)
    thread.stop(at_most_seconds=0.001)
    assert told == [], "the job at hand isn't over"
    go_on.set()
    thread.stop()
    assert told == [True]


def test_one_that_never_began_can_be_stopped() -> None:
    JobThread("jobs", lambda ending: None).stop()
