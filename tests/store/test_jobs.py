"""The queue of jobs against a model of it, on both engines, and by many at once: each job once, none lost."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from mailer.store.engine.database import Database, open_database
from mailer.store.jobs import (
    JOB_LEASE,
    KINDS,
    NOTICE,
    PROVIDER_POST,
    WEBHOOK_CALL,
    Job,
    JobKind,
    add,
    any_due,
    any_old,
    claim,
    claimed,
    count_jobs,
    finish,
    prune,
    release,
    retry,
)
from mailer.store.tables.jobs import jobs
from mailer.store.tables.states import JobState
from mailer.store.tables.types import EPOCH
from mailer.workspace import Workspace

WORKERS = 3
DONE, FAILED, UNCERTAIN, QUEUED, RUNNING = (
    JobState.DONE, JobState.FAILED, JobState.UNCERTAIN, JobState.QUEUED, JobState.RUNNING
)  # fmt: skip
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)

worker = st.integers(0, WORKERS - 1)
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from(KINDS), st.integers(-900, 900)),
        st.tuples(st.just("claim"), worker, st.sampled_from(KINDS)),
        st.tuples(st.just("finish"), worker, st.sampled_from([DONE, FAILED, UNCERTAIN])),
        st.tuples(st.just("retry"), worker, st.sampled_from([0, 30, 9_999])),
        st.tuples(st.just("release"), worker, st.none()),
        st.tuples(st.just("die"), worker, st.none()),
        st.tuples(st.just("wait"), st.sampled_from([1, 4, 6, 60, 1_500, -9_000]), st.none()),
        st.tuples(st.just("forget"), st.integers(0, 5), st.none()),
    ),
    max_size=40,
)


@dataclass
class Row:
    """What the model knows of a job."""

    id: int
    kind: JobKind
    created_at: datetime
    state: JobState = QUEUED
    attempt: int = 0
    due_at: datetime = EPOCH
    may_be_done: int = 0  # attempts that may have had their effect

    @property
    def open(self) -> bool:
        return self.state in (QUEUED, RUNNING)


@dataclass
class Model:
    """The same queue in a few lines, without a database."""

    now: datetime
    rows: dict[int, Row] = field(default_factory=dict[int, Row])

    def is_due(self, row: Row) -> bool:
        return row.open and not self.now < row.due_at <= self.now + row.kind.give_up + row.kind.lease

    def claim(self, kind: JobKind) -> Row | None:
        due = [row for row in self.rows.values() if row.kind is kind and self.is_due(row)]
        if not kind.repeatable:
            for row in due:
                row.state = UNCERTAIN if row.state is RUNNING else row.state
        found = min((row for row in due if row.open), key=lambda row: (row.due_at, row.id), default=None)
        if found:
            found.state, found.attempt, found.due_at = RUNNING, found.attempt + 1, self.now + kind.lease
            found.may_be_done += 1
        return found

    def mine(self, job: Job) -> Row | None:
        row = self.rows.get(job.id)
        return row if row and row.attempt == job.attempt and row.state in (RUNNING, UNCERTAIN) else None

    def retry(self, row: Row, asked: timedelta) -> None:
        pause, last = row.kind.pauses[min(row.attempt, len(row.kind.pauses)) - 1], row.created_at + row.kind.give_up
        row.may_be_done -= 1
        if self.now + pause >= last:
            row.state = FAILED
        else:
            row.state, row.due_at = QUEUED, min(self.now + max(pause, asked), last)


class World:
    """The queue, the model beside it, and workers that hold one job each."""

    def __init__(self, database: Database, now: datetime) -> None:
        self.database = database
        self.model = Model(now)
        self.held: dict[int, Job] = {}
        with database.write() as connection:
            connection.execute(delete(jobs))

    def add(self, kind: JobKind, minutes_off: int) -> None:
        """By a machine whose clock may be wrong."""
        at = self.model.now + minutes_off * MINUTE
        with self.database.write() as connection:
            add(connection, kind, b"what to do", at=at)
            number = max(connection.execute(select(jobs.c.id)).scalars())
        self.model.rows[number] = Row(number, kind, at)

    def claim(self, who: int, kind: JobKind) -> None:
        expected = self.model.claim(kind)
        job = claim(self.database, kind, now=self.model.now)
        assert (job and (job.id, job.attempt)) == (expected and (expected.id, expected.attempt))
        if job:
            self.held[who] = job

    def finish(self, who: int, state: JobState) -> None:
        if job := self.held.pop(who, None):
            row = self.model.mine(job)
            with self.database.write() as connection:
                assert finish(connection, job, state, now=self.model.now) is (row is not None)
            if row:
                row.state = state

    def retry(self, who: int, asked: int) -> None:
        if job := self.held.pop(who, None):
            with self.database.write() as connection:
                state = retry(connection, job, now=self.model.now, detail="", asked=asked * MINUTE)
            if row := self.model.mine(job):
                self.model.retry(row, asked * MINUTE)
                assert state is row.state

    def release(self, who: int, _: None) -> None:
        if job := self.held.pop(who, None):
            with self.database.write() as connection:
                release(connection, job)
            if row := self.model.mine(job):
                row.state, row.due_at, row.may_be_done = QUEUED, EPOCH, row.may_be_done - 1

    def die(self, who: int, _: None) -> None:
        self.held.pop(who, None)

    def wait(self, minutes: int, _: None) -> None:
        self.model.now += minutes * MINUTE

    def forget(self, which: int, _: None) -> None:
        """The person is forgotten, whoever is at it."""
        if number := next(iter(list(self.model.rows)[which:]), None):
            del self.model.rows[number]
            with self.database.write() as connection:
                connection.execute(delete(jobs).where(jobs.c.id == number))

    def compare(self) -> None:
        with self.database.read() as connection:
            rows = connection.execute(select(jobs).order_by(jobs.c.id)).all()
            counted = {kind: count_jobs(connection, kind) for kind in KINDS}
        found = {row.id: (row.kind, row.state, row.attempt, row.due_at, row.done_at is None) for row in rows}
        ours = self.model.rows.values()
        assert found == {row.id: (row.kind.name, row.state.value, row.attempt, row.due_at, row.open) for row in ours}
        for kind, counts in counted.items():
            of_kind = [row for row in ours if row.kind is kind]
            assert counts == Counter(row.state for row in of_kind if row.state is not DONE)
            due = any(self.model.is_due(row) for row in of_kind)
            assert any_due(self.database, kind, now=self.model.now) is due
        for row in ours:
            assert row.kind.repeatable or row.may_be_done <= 1, "what may have been done is never done again"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=OPERATIONS)
def test_it_does_what_the_model_does_whoever_dies_or_comes_late(
    database: Database, now: datetime, operations: list[tuple[str, object, object]]
) -> None:
    world = World(database, now)
    for kind in KINDS:
        world.add(kind, 0)
    for who in range(WORKERS):  # each has one in hand, so that what follows is rarely about nothing
        world.claim(who, KINDS[who])
    for name, one, other in operations:
        getattr(world, name)(one, other)
        world.compare()
    # However it went until here: somebody who works on does all that is left, and what is repeatable is done.
    for _ in range(3):
        world.wait(30_000, None)
        for kind in KINDS:
            while any_due(database, kind, now=world.model.now):
                world.claim(0, kind)
                world.finish(0, DONE)
    world.compare()
    assert not [row for row in world.model.rows.values() if row.open]


def only(database: Database) -> sqlalchemy.Row[Any]:
    with database.read() as connection:
        return connection.execute(select(jobs)).one()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_pauses_grow_as_its_kind_says_until_it_is_given_up(database: Database, now: datetime, kind: JobKind) -> None:
    with database.write() as connection:
        add(connection, kind, b"", at=now)
    moment, waited = now, list[timedelta]()
    while job := claim(database, kind, now=moment):
        assert not any_due(database, kind, now=moment + kind.lease - SECOND)
        with database.write() as connection:
            state = retry(connection, job, now=moment, detail=f"no {job.attempt}")
        row = only(database)
        assert (row.state, row.detail, row.attempt) == (state.value, f"no {len(waited) + 1}", len(waited) + 1)
        if state is FAILED:
            break
        assert claim(database, kind, now=row.due_at - SECOND) is None
        waited.append(row.due_at - moment)
        moment = row.due_at
    assert tuple(waited[: len(kind.pauses)]) == kind.pauses
    assert set(waited[len(kind.pauses) :]) == {kind.pauses[-1]}
    assert moment < now + kind.give_up <= moment + kind.pauses[-1]
    assert only(database).done_at == moment
    assert claim(database, kind, now=moment + 9 * kind.give_up) is None


@pytest.mark.parametrize(
    ("asked", "waits"),
    [(timedelta(), NOTICE.pauses[0]), (3 * MINUTE, 3 * MINUTE), (timedelta(days=30), NOTICE.give_up)],
)
def test_a_longer_pause_that_is_asked_for_is_kept_as_far_as_there_is_time(
    database: Database, now: datetime, asked: timedelta, waits: timedelta
) -> None:
    with database.write() as connection:
        add(connection, NOTICE, b"", at=now)
    job = claim(database, NOTICE, now=now)
    assert job
    with database.write() as connection:
        assert retry(connection, job, now=now, detail="", asked=asked) is QUEUED
    assert only(database).due_at == now + waits


def test_one_that_was_thought_dead_may_still_say_what_it_knows(database: Database, now: datetime) -> None:
    with database.write() as connection:
        add(connection, NOTICE, b"", at=now)
    job = claim(database, NOTICE, now=now)
    assert job
    assert claim(database, NOTICE, now=now + JOB_LEASE) is None
    row = only(database)
    assert (row.state, row.detail, row.done_at) == ("uncertain", "the program that was at it died", now + JOB_LEASE)
    with database.write() as connection:
        assert retry(connection, job, now=now + JOB_LEASE, detail="451") is QUEUED, "it was certainly not taken"
    assert (only(database).state, only(database).done_at) == ("queued", None)
    again = claim(database, NOTICE, now=now + 2 * JOB_LEASE)
    assert again
    with database.write() as connection:
        assert finish(connection, again, now=now, detail="x" * 1000)
        assert not finish(connection, again, FAILED, now=now), "what is over stays as it is"
    assert (only(database).state, only(database).detail) == ("done", "x" * 300)


def test_they_are_claimed_until_told_to_stop(database: Database, now: datetime) -> None:
    with database.write() as connection:
        for _ in range(5):
            add(connection, WEBHOOK_CALL, b"", at=now)
    taken = list[Job]()
    for job in claimed(database, WEBHOOK_CALL, clock=lambda: now, until=lambda: len(taken) == 2):
        taken.append(job)
    assert len(taken) == 2
    assert len(list(claimed(database, WEBHOOK_CALL, clock=lambda: now))) == 3


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_many_at_once_share_the_jobs_and_each_is_claimed_by_one(
    workspace: Workspace, database: Database, now: datetime, kind: JobKind
) -> None:
    with database.write() as connection:
        for _ in range(40):
            add(connection, kind, b"", at=now)
    begin, taken = threading.Barrier(4), list[tuple[int, int]]()

    def work(alone: Database) -> None:
        begin.wait()
        while job := claim(alone, kind, now=now):
            taken.append((job.id, job.attempt))
            if len(taken) % 3:  # the others die with it
                with alone.write() as connection:
                    assert finish(connection, job, now=now)

    machines = [open_database(workspace.settings.database_url) for _ in range(4)]
    threads = [threading.Thread(target=work, args=(machine,)) for machine in machines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for machine in machines:
        machine.close()
    assert Counter(attempt for _, attempt in taken) == {1: 40}
    assert len({number for number, _ in taken}) == 40


def test_of_two_who_finish_a_job_at_once_the_last_to_claim_it_wins(database: Database, now: datetime) -> None:
    with database.write() as connection:
        add(connection, WEBHOOK_CALL, b"x", at=now)
    late, taken_over = claim(database, WEBHOOK_CALL, now=now), claim(database, WEBHOOK_CALL, now=now + JOB_LEASE)
    assert late
    assert taken_over
    assert (late.id, late.key) == (taken_over.id, taken_over.key)
    refused: list[bool] = []

    def finish_late() -> None:
        with database.write() as connection:
            refused.append(not finish(connection, late, JobState.FAILED, now=now + JOB_LEASE))

    with database.write() as connection:
        thread = threading.Thread(target=finish_late)
        thread.start()  # it waits for this transaction, or comes before it
        assert finish(connection, taken_over, now=now + JOB_LEASE, clear=True)
    thread.join()
    assert refused == [True]
    with database.read() as connection:
        (row,) = connection.execute(select(jobs)).all()
    assert (row.state, row.payload) == ("done", b"")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_job_deleted_under_its_worker_does_not_lend_it_the_next_one(
    database: Database, now: datetime, kind: JobKind
) -> None:
    with database.write() as connection:
        add(connection, kind, b"", at=now, address="mary@example.org")
    first = claim(database, kind, now=now)
    assert first
    with database.write() as connection:
        connection.execute(delete(jobs).where(jobs.c.address == "mary@example.org"))
        add(connection, kind, b"", at=now)
    second = claim(database, kind, now=now)
    with database.write() as connection:
        assert not finish(connection, first, now=now)
        assert second
        assert finish(connection, second, now=now)


def test_what_a_clock_far_ahead_added_is_due_at_once_and_in_its_turn(database: Database, now: datetime) -> None:
    with database.write() as connection:
        for days in (4000, 0, -4000):
            add(connection, PROVIDER_POST, str(days).encode(), at=now + timedelta(days=days))
    found = [claim(database, PROVIDER_POST, now=now) for _ in range(3)]
    assert [job and job.payload for job in found] == [b"4000", b"0", b"-4000"]


def test_what_a_clock_years_ahead_had_claimed_is_not_left_until_then(database: Database, now: datetime) -> None:
    with database.write() as connection:
        for kind in KINDS:
            add(connection, kind, b"", at=now)
    for kind in KINDS:
        assert claim(database, kind, now=now + timedelta(days=4000))
    found = {kind.name: claim(database, kind, now=now) for kind in KINDS}
    assert {name: job and job.attempt for name, job in found.items()} == {
        "notice": None, "thanks": 2, "webhook-call": 2, "provider-post": 2, "work": 2,
    }  # fmt: skip
    with database.read() as connection:
        states = [tuple(row) for row in connection.execute(select(jobs.c.kind, jobs.c.state).order_by(jobs.c.id))]
    assert states == [
        ("notice", "uncertain"), ("thanks", "running"), ("webhook-call", "running"), ("provider-post", "running"),
        ("work", "running"),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("state", [DONE, FAILED, UNCERTAIN])
def test_what_is_over_is_emptied_and_deleted_in_its_time_and_nothing_else(
    database: Database, now: datetime, kind: JobKind, state: JobState
) -> None:
    with database.write() as connection:
        for _ in range(3):
            add(connection, kind, b"Mary", at=now, address="mary@example.org", person_id=1)
    over, running = claim(database, kind, now=now), claim(database, kind, now=now)
    assert over
    assert running
    with database.write() as connection:
        finish(connection, over, state, now=now, detail="<mary@example.org> unknown")

    def after(age: timedelta) -> list[bool]:
        """Whether each row that is left names somebody."""
        with database.write() as connection:
            before = connection.execute(select(jobs).order_by(jobs.c.id)).all()
            wanted = connection.execute(select(any_old(now + age))).scalar()
            prune(connection, now=now + age)
            rows = connection.execute(select(jobs).order_by(jobs.c.id)).all()
            assert bool(wanted) is (rows != before), "the look before it says whether it is worth a transaction"
        return ["mary" in repr(row).lower() or row.person_id is not None for row in rows]

    moment = timedelta(microseconds=1)
    assert after(kind.clear) == [True, True, True]
    if kind.clear < kind.keep:
        assert after(kind.clear + moment) == after(kind.keep) == [False, True, True]
    assert after(kind.keep + moment) == [True, True]
    assert after(10 * kind.keep) == [True, True], "what isn't over is kept, however long it takes"


def test_the_times_are_those_that_the_pages_for_staff_promise() -> None:
    """docs/joining.md, docs/action-pages.md, docs/webhook.md, docs/bounces.md."""
    days = {kind.name: (kind.give_up.days, kind.clear.days, kind.keep.days) for kind in KINDS}
    assert days == {
        "notice": (2, 7, 90), "thanks": (2, 7, 90), "webhook-call": (3, 90, 90), "provider-post": (3, 7, 7),
        "work": (1, 7, 90),
    }  # fmt: skip
    for kind in (WEBHOOK_CALL, PROVIDER_POST):
        assert kind.pauses == tuple(min(2**n * MINUTE, timedelta(hours=6)) for n in range(10))
    assert sum(NOTICE.pauses[:3], timedelta()) < 10 * MINUTE < sum(NOTICE.pauses[:4], timedelta()), "greylisting"


def test_a_kind_knows_nothing_of_the_others(database: Database, now: datetime) -> None:
    with database.write() as connection:
        for kind in KINDS:
            add(connection, kind, b"", at=now)
        connection.execute(update(jobs).values(key="the same"))
    for kind in KINDS:
        assert any_due(database, kind, now=now)
        assert claim(database, kind, now=now)
        assert not any_due(database, kind, now=now)


def test_what_a_job_is_about_is_in_no_log(database: Database, now: datetime) -> None:
    with database.write() as connection:
        add(connection, NOTICE, b"Mary", at=now, address="mary@example.org")
    assert "mary" not in repr(claim(database, NOTICE, now=now)).lower()
