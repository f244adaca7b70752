"""Long work: once whatever dies, stopped where that is safe, and each end said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from mailer.errors import MailerError
from mailer.long_work.desk import MOST_ATTEMPTS, WorkDesk
from mailer.long_work.orders import FOLDER, WorkStatus, find_work, folder_of, list_work, start_work
from mailer.long_work.running import Running, WorkElsewhere
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.store.engine.database import Database, DatabaseTrouble
from mailer.store.jobs import STAFF_WORK, ask_to_stop, claim
from mailer.store.tables.jobs import jobs
from mailer.store.tables.staff import audit_log
from mailer.store.tables.states import JobState
from mailer.workspace import Workspace

TOM = Actor("tom@example.org", frozenset({Right.IMPORT}), frozenset({"supporters"}), 7, "studio, 192.0.2.7")
LATER = STAFF_WORK.lease + timedelta(seconds=1)


class Clock:
    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock(now: datetime) -> Clock:
    return Clock(now)


@pytest.fixture
def ask(database: Database, clock: Clock) -> Callable[..., int]:
    def start(topic: str = "count", **order: Any) -> int:
        with database.write() as connection:
            return start_work(connection, topic, order, actor=TOM, now=clock())

    return start


@pytest.fixture
def worker(workspace: Workspace, database: Database, clock: Clock) -> Callable[..., WorkDesk]:
    return lambda **handlers: WorkDesk(lambda: workspace, database, clock, handlers)


def status(database: Database, number: int) -> WorkStatus:
    with database.read() as connection:
        found = find_work(connection, number)
    assert found is not None
    return found


def note(running: Running, words: str) -> None:
    """Something that must happen once, in the transaction that ends the order."""
    with running.database.write() as connection:
        row = {"at": running.clock(), "by": running.actor.name, "action": words}
        connection.execute(insert(audit_log).values(row))
        running.settle(connection, {"noted": words})


def noted(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(select(audit_log.c.action)).scalars())


def test_an_order_is_done_once_by_who_asked(
    database: Database, ask: Callable[..., int], worker: Callable[..., WorkDesk]
) -> None:
    seen: list[Running] = []

    def count(running: Running) -> Mapping[str, Any]:
        seen.append(running)
        running.step(3, 7, "people")
        return {"people": running.order["upto"]}

    number = ask(upto=7)
    assert status(database, number).state is JobState.QUEUED
    assert worker(count=count).do_due() == 1
    assert worker(count=count).do_due() == 0
    assert [(one.actor, one.order) for one in seen] == [(TOM, {"upto": 7})]
    done = status(database, number)
    assert (done.state, done.result, done.asked_by, done.share) == (JobState.DONE, {"people": 7}, TOM.name, 1.0)
    with database.read() as connection:
        assert [one.id for one in list_work(connection, "count", "other")] == [number]
        assert not list_work(connection, "other")


def test_progress_is_seen_by_others(
    database: Database, ask: Callable[..., int], worker: Callable[..., WorkDesk]
) -> None:
    seen: list[WorkStatus] = []

    def count(running: Running) -> Mapping[str, Any]:
        running.noted = float("-inf")  # as if some time had passed
        running.step(2, 8, "rows")
        seen.append(status(database, number))
        return {}

    number = ask()
    worker(count=count).do_due()
    assert [(one.done, one.of, one.words, one.share, one.is_over) for one in seen] == [(2, 8, "rows", 0.25, False)]


@pytest.mark.parametrize("dies", ["before", "after"])
def test_a_worker_that_dies_is_followed_by_another(
    database: Database, clock: Clock, ask: Callable[..., int], worker: Callable[..., WorkDesk], dies: str
) -> None:
    """The dead one's transaction was rolled back, or was the end of it."""
    number = ask()

    def die(running: Running) -> Mapping[str, Any]:
        if dies == "after":
            note(running, "done")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        worker(count=die).do_due()

    def count(running: Running) -> Mapping[str, Any]:
        note(running, "done")
        return {}

    assert worker(count=count).do_due() == 0  # its lease goes on
    clock.at += LATER
    worker(count=count).do_due()
    assert noted(database) == ["done"]
    assert status(database, number).result == {"noted": "done"}


def test_a_worker_that_comes_too_late_changes_nothing(
    database: Database, clock: Clock, ask: Callable[..., int], worker: Callable[..., WorkDesk]
) -> None:
    number = ask()

    def quick(running: Running) -> Mapping[str, Any]:
        note(running, "by the second")
        return {}

    def slow(running: Running) -> Mapping[str, Any]:
        clock.at += LATER
        worker(count=quick).do_due()
        note(running, "by the first")
        return {}

    worker(count=slow).do_due()
    assert noted(database) == ["by the second"]
    assert status(database, number).result == {"noted": "by the second"}


def test_who_asked_can_stop_it(database: Database, ask: Callable[..., int], worker: Callable[..., WorkDesk]) -> None:
    reached: list[int] = []

    def count(running: Running) -> Mapping[str, Any]:
        for one in range(5):
            running.noted = float("-inf")
            running.step(one, 5)
            reached.append(one)
            with database.write() as connection:
                ask_to_stop(connection, number)
        return {}

    number = ask()
    worker(count=count).do_due()
    stopped = status(database, number)
    assert (stopped.state, stopped.detail, reached) == (JobState.FAILED, "stopped", [0])
    with database.write() as connection:
        assert not ask_to_stop(connection, number)


def test_one_that_ends_leaves_its_order_to_the_next(
    database: Database, ask: Callable[..., int], worker: Callable[..., WorkDesk]
) -> None:
    ending = [False]

    def count(running: Running) -> Mapping[str, Any]:
        ending[0] = True
        running.step(1)
        raise AssertionError

    number = ask()
    worker(count=count).do_due(lambda: ending[0])
    assert status(database, number).state is JobState.QUEUED
    assert worker(count=lambda _: {}).do_due() == 1
    assert status(database, number).state is JobState.DONE


@pytest.mark.parametrize(
    ("error", "state", "detail"),
    [
        (MailerError("it has no rows", remedy="Choose another."), "failed", "it has no rows. Choose another."),
        (DatabaseTrouble("the disk is full"), "failed", "the disk is full"),
        (DatabaseTrouble("locked", passing=True), "queued", "locked"),
        (WorkElsewhere(), "queued", "its file is on another machine"),
        (ZeroDivisionError("a@example.org"), "failed", "a fault of this program; its log says more"),
    ],
)  # fmt: skip
def test_each_end_says_why(
    database: Database, ask: Callable[..., int], worker: Callable[..., WorkDesk],
    error: Exception, state: str, detail: str,
) -> None:  # fmt: skip
    def count(_running: Running) -> Mapping[str, Any]:
        raise error

    number = ask()
    worker(count=count).do_due()
    found = status(database, number)
    assert (found.state.value, found.detail) == (state, detail)


def test_what_ends_the_program_each_time_is_given_up(
    database: Database, clock: Clock, ask: Callable[..., int], worker: Callable[..., WorkDesk]
) -> None:
    number = ask()
    for _ in range(MOST_ATTEMPTS):
        assert claim(database, STAFF_WORK, now=clock()) is not None
        clock.at += LATER
    worker(count=lambda _: {}).do_due()
    assert status(database, number).state is JobState.FAILED
    other = ask("from a newer version")
    worker().do_due()
    assert "doesn't know" in status(database, other).detail


def test_files_are_kept_for_a_week_away_from_git(
    workspace: Workspace, clock: Clock, ask: Callable[..., int], worker: Callable[..., WorkDesk]
) -> None:
    def count(running: Running) -> Mapping[str, Any]:
        (running.folder / "rows.csv").write_text("a@example.org")
        return {}

    number = ask()
    stray = folder_of(workspace.root, 999)
    worker(count=count).do_due()
    folder = workspace.root / FOLDER / str(number)
    assert (folder / "rows.csv").exists()
    assert not stray.exists()
    assert (folder.stat().st_mode & 0o777, (folder.parent / ".gitignore").read_text()) == (0o700, "*\n")
    clock.at += STAFF_WORK.clear + timedelta(minutes=1)
    worker().do_due()
    assert not folder.exists()


def test_an_order_that_was_emptied_is_still_told(
    database: Database, ask: Callable[..., int], worker: Callable[..., WorkDesk]
) -> None:
    number = ask(words="a@example.org")
    worker(count=lambda _: {"people": 1}).do_due()
    with database.write() as connection:
        connection.execute(jobs.update().values(payload=b""))
    found = status(database, number)
    assert (found.order, found.result) == ({}, {"people": 1})
