"""The one queue of jobs in the database: claimed under a lease, repeated with growing pauses, given up, deleted.

A job is added in the transaction that it follows from. A worker claims it and commits that, does it, and finishes it.
Any number of workers on any number of machines may do so. When one dies, its lease ends: the job is due again if it is
`repeatable`, else it is uncertain. A worker that comes too late finds that its attempt isn't the last one any more, and
changes nothing.
What the jobs are is for the modules that add and do them; the ledger is the queue of campaigns.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, insert, or_, select, update

from mailer.store.engine.database import Database
from mailer.store.tables.jobs import jobs
from mailer.store.tables.states import JobState
from mailer.store.tables.types import EPOCH

log = logging.getLogger(__name__)

JOB_LEASE = timedelta(minutes=5)  # longer than any one of these jobs takes
LONGEST_DETAIL = 300
FAILURES = (JobState.FAILED.value, JobState.UNCERTAIN.value)
OVER = (JobState.DONE.value, *FAILURES)
CLEARED: Mapping[str, Any] = {"payload": b"", "address": "", "detail": "", "person_id": None}


def _minutes(*pauses: int) -> tuple[timedelta, ...]:
    return tuple(timedelta(minutes=pause) for pause in pauses)


@dataclass(frozen=True, slots=True)
class JobKind:
    """What holds for all jobs of a kind."""

    name: str
    pauses: tuple[timedelta, ...]  # before the second, third … attempt; the last one before all others
    give_up: timedelta  # since it was added: then a failure is final
    keep: timedelta  # after it is over the row is deleted …
    clear: timedelta  # … and before that emptied of what it was about
    repeatable: bool = True  # whether it may be done again when nobody knows if it was
    lease: timedelta = JOB_LEASE


DOUBLED = _minutes(1, 2, 4, 8, 16, 32, 64, 128, 256, 360)
DAY = timedelta(days=1)
# Servers that put strangers off (greylisting) take a mail after some minutes, and nobody waits for a link longer than
# two days. A link in it works for a week: so long staff can answer "where is my mail?".
NOTICE = JobKind(
    "notice", _minutes(1, 2, 5, 10, 20, 30, 60), give_up=2 * DAY, keep=90 * DAY, clear=7 * DAY, repeatable=False
)
# As a notice, and apart from them: nobody's link waits behind the thanks of thousands who sign within the hour. One may
# be claimed again, since the signature says whether it was about to leave.
THANKS = JobKind("thanks", NOTICE.pauses, give_up=2 * DAY, keep=90 * DAY, clear=7 * DAY)
WEBHOOK_CALL = JobKind("webhook-call", DOUBLED, give_up=3 * DAY, keep=90 * DAY, clear=90 * DAY)
# Providers repeat a post for a day; a week leaves staff a working week to look into one that went wrong.
PROVIDER_POST = JobKind("provider-post", DOUBLED, give_up=3 * DAY, keep=7 * DAY, clear=7 * DAY)
# What staff asked for and wait for, such as an import: it renews its lease, so one that died is soon taken up again.
STAFF_WORK = JobKind("work", _minutes(1, 5), give_up=DAY, keep=90 * DAY, clear=7 * DAY, lease=timedelta(minutes=2))
KINDS = (NOTICE, THANKS, WEBHOOK_CALL, PROVIDER_POST, STAFF_WORK)


@dataclass(frozen=True, slots=True)
class Job:
    """A job that this worker has claimed."""

    kind: JobKind
    id: int
    attempt: int  # counted from 1
    key: str  # the same at each attempt, and never another job's
    topic: str
    created_at: datetime
    address: str = field(repr=False)
    payload: bytes = field(repr=False)


def add(
    connection: Connection,
    kind: JobKind,
    payload: bytes,
    *,
    at: datetime,
    topic: str = "",
    address: str = "",
    person_id: int | None = None,
    asked_by: str = "",
) -> int:
    """Add a job, due as soon as this transaction is committed; returns its number. `address` and `person_id` say whose
    it is, `asked_by` who of the staff asked for it."""
    return connection.execute(
        insert(jobs).values(
            kind=kind.name, topic=topic, key=secrets.token_hex(16), state=JobState.QUEUED.value, created_at=at,
            due_at=EPOCH,  # so it is due whatever the clock of the machine said that added it
            address=address, person_id=person_id, payload=payload, asked_by=asked_by,
        ).returning(jobs.c.id)
    ).scalar_one()  # fmt: skip


def any_due(database: Database, kind: JobKind, *, now: datetime) -> bool:
    """Whether there is anything to claim."""
    with database.read() as connection:
        return bool(connection.execute(select(exists().where(_due(kind, now)))).scalar())


def claim(database: Database, kind: JobKind, *, now: datetime) -> Job | None:
    """The job of a kind that has been due the longest, committed as running; None when there is none."""
    if not any_due(database, kind, now=now):
        return None  # the usual case, which shouldn't wait for a lock
    first = select(jobs.c.id).where(_due(kind, now)).order_by(jobs.c.due_at, jobs.c.id).limit(1)
    with database.write() as connection:
        if not kind.repeatable:
            lapsed = and_(_due(kind, now), jobs.c.state == JobState.RUNNING.value)
            died = {"state": JobState.UNCERTAIN.value, "done_at": now, "detail": "the program that was at it died"}
            if lost := connection.execute(update(jobs).where(lapsed).values(died)).rowcount:
                log.warning("%s: %d uncertain, since the program that was at it died", kind.name, lost)
        row = connection.execute(
            update(jobs)
            .where(jobs.c.id == first.with_for_update(skip_locked=True).scalar_subquery())
            .values(state=JobState.RUNNING.value, attempt=jobs.c.attempt + 1, due_at=now + kind.lease)
            .returning(
                jobs.c.id, jobs.c.attempt, jobs.c.key, jobs.c.topic, jobs.c.created_at, jobs.c.address, jobs.c.payload
            )
        ).first()
    return None if row is None else Job(kind, *row)


def claimed(
    database: Database, kind: JobKind, *, clock: Callable[[], datetime], until: Callable[[], object] = lambda: False
) -> Iterator[Job]:
    """Claim one due job after another, until none is left or `until` says stop."""
    while not until() and (job := claim(database, kind, now=clock())):
        yield job


def renew(connection: Connection, job: Job, progress: Mapping[str, Any], *, now: datetime) -> bool:
    """Note how far a claimed job is, and that its worker lives. False when it must end: somebody asked it to stop, or
    another worker has it."""
    alive = {"due_at": now + job.kind.lease, "progress": dict(progress)}
    mine = (jobs.c.id == job.id, jobs.c.attempt == job.attempt, jobs.c.state == JobState.RUNNING.value)
    return connection.execute(update(jobs).where(*mine).values(alive).returning(jobs.c.cancel)).scalar() is False


def ask_to_stop(connection: Connection, job_id: int) -> bool:
    """Ask a job to end at the next place where that is safe. False when it is over already."""
    open_still = (jobs.c.id == job_id, jobs.c.done_at.is_(None))
    return connection.execute(update(jobs).where(*open_still).values(cancel=True)).rowcount == 1


def finish(
    connection: Connection,
    job: Job,
    state: JobState = JobState.DONE,
    *,
    now: datetime,
    detail: str = "",
    clear: bool = False,
    progress: Mapping[str, Any] | None = None,
) -> bool:
    """Record the end of a claimed job; with `clear` nothing is kept of what it was about. False, and nothing is
    changed, when somebody else claimed it meanwhile or it was deleted."""
    over: dict[str, Any] = {"state": state.value, "done_at": now, "detail": detail[:LONGEST_DETAIL]}
    over |= {"progress": dict(progress)} if progress is not None else {}
    return _record(connection, job, {**over, **CLEARED} if clear else over)


def retry(connection: Connection, job: Job, *, now: datetime, detail: str, asked: timedelta = timedelta()) -> JobState:
    """Record that a claimed job failed and may be tried again, no sooner than in `asked`. Returns QUEUED, or FAILED
    when it is given up, or is somebody else's by now, which this attempt can't put off."""
    pause = job.kind.pauses[min(job.attempt, len(job.kind.pauses)) - 1]
    last = job.created_at + job.kind.give_up
    if now + pause >= last:
        finish(connection, job, JobState.FAILED, now=now, detail=detail)
        return JobState.FAILED
    due_at = min(now + max(pause, asked), last)
    again = {"state": JobState.QUEUED.value, "due_at": due_at, "done_at": None, "detail": detail[:LONGEST_DETAIL]}
    return JobState.QUEUED if _record(connection, job, again) else JobState.FAILED


def release(connection: Connection, job: Job) -> None:
    """Give a claimed job back to be claimed at once: it isn't its fault that it couldn't be done."""
    _record(connection, job, {"state": JobState.QUEUED.value, "due_at": EPOCH, "done_at": None})


def try_again(connection: Connection, kind: JobKind) -> int:
    """Make the jobs of a kind that were given up due once more; how many those are. One that fails again is given up
    again, until somebody asks for another try."""
    failed = (jobs.c.kind == kind.name, jobs.c.state == JobState.FAILED.value, jobs.c.payload != b"")
    again = {"state": JobState.QUEUED.value, "due_at": EPOCH, "done_at": None}
    return connection.execute(update(jobs).where(*failed).values(again)).rowcount


def count_jobs(connection: Connection, kind: JobKind) -> dict[JobState, int]:
    """How many jobs of a kind are in each state but done; none where there are none."""
    not_done = or_(jobs.c.done_at.is_(None), jobs.c.state.in_(FAILURES))
    counted = select(jobs.c.state, func.count()).where(jobs.c.kind == kind.name, not_done).group_by(jobs.c.state)
    return {JobState(state): number for state, number in connection.execute(counted)}


def count_failed(connection: Connection, kind: JobKind, *, since: datetime) -> int:
    """How many jobs of a kind were refused for good or given up since then."""
    failed = (jobs.c.kind == kind.name, jobs.c.state == JobState.FAILED.value, jobs.c.done_at >= since)
    return connection.execute(select(func.count()).select_from(jobs).where(*failed)).scalar_one()


def any_old(now: datetime) -> ColumnElement[bool]:
    """Whether `prune` would change anything."""
    return or_(*[exists().where(old) for kind in KINDS for old in (_older(kind, now - kind.keep), _full(kind, now))])


def prune(connection: Connection, *, now: datetime) -> None:
    """Delete jobs that have long been over, and empty the younger ones of personal data."""
    for kind in KINDS:
        connection.execute(delete(jobs).where(_older(kind, now - kind.keep)))
        connection.execute(update(jobs).where(_full(kind, now)).values(CLEARED))


def _due(kind: JobKind, now: datetime) -> ColumnElement[bool]:
    # Further ahead than any can be: the clock was put back, or that of another machine was wrong.
    never = jobs.c.due_at > now + kind.give_up + kind.lease
    return and_(jobs.c.kind == kind.name, jobs.c.done_at.is_(None), or_(jobs.c.due_at <= now, never))


def _older(kind: JobKind, than: datetime) -> ColumnElement[bool]:
    return and_(jobs.c.kind == kind.name, jobs.c.state.in_(OVER), jobs.c.done_at < than)


def _full(kind: JobKind, now: datetime) -> ColumnElement[bool]:
    return and_(_older(kind, now - kind.clear), or_(jobs.c.address != "", jobs.c.payload != b""))


def _record(connection: Connection, job: Job, values: Mapping[str, Any]) -> bool:
    # One that counts as uncertain still takes the word of the worker that was thought dead.
    open_still = jobs.c.state.in_((JobState.RUNNING.value, JobState.UNCERTAIN.value))
    mine = and_(jobs.c.id == job.id, jobs.c.attempt == job.attempt, open_still)
    return connection.execute(update(jobs).where(mine).values(values)).rowcount == 1
