"""The table of the one queue of jobs. How a job is claimed, finished, repeated and deleted is for `store.jobs`."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from mailer.store.tables.types import Id, Instant, metadata, partial_index

jobs = Table(  # what is to be done later: hand over a notice, make a webhook call, apply a provider's post …
    "jobs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", Text, nullable=False),  # JobKind
    Column("topic", Text, nullable=False, server_default=""),  # which text, event or provider
    Column("key", Text, nullable=False),  # its name for others: the same at each attempt, and in each copy of the table
    Column("state", Text, nullable=False),  # JobState
    Column("attempt", Integer, nullable=False, server_default="0"),  # the fence: only the last one may finish the job
    Column("due_at", Instant, nullable=False),  # may be claimed from here on; while it is running, when its lease ends
    Column("created_at", Instant, nullable=False),
    Column("done_at", Instant),  # null while it is queued or running
    Column("detail", Text, nullable=False, server_default=""),  # the last answer, or what was wrong
    Column("asked_by", Text, nullable=False, server_default=""),  # who asked for it, when somebody of the staff did
    Column("progress", JSON),  # how far a long one is, in the words of its kind
    Column("cancel", Boolean, nullable=False, server_default="0"),  # asked to stop at the next safe place
    # Who it is about, when it is about one person: such jobs are deleted when the person is forgotten.
    Column("person_id", BigInteger, index=True),
    Column("address", Text, nullable=False, server_default=""),  # where its mail goes
    Column("payload", LargeBinary, nullable=False),  # as its kind writes it: JSON, or a post as it came
    UniqueConstraint("kind", "key"),
    Index("ix_jobs_kind_state_done_at", "kind", "state", "done_at"),
    sqlite_autoincrement=True,  # a job that was deleted under a worker must not lend its number to another
)
partial_index("ix_jobs_open", jobs.c.kind, jobs.c.due_at, jobs.c.id, where=jobs.c.done_at.is_(None))
