"""The tables of recurring newsletters: which series run, and one row for each of their issues."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Table, Text, UniqueConstraint, literal_column

from mailer.store.tables.types import Id, Instant, metadata, partial_index

series = Table(
    "series",
    metadata,
    Column("slug", Text, primary_key=True),  # of the newsletter
    Column("state", Text, nullable=False),  # SeriesState
    Column("why", Text, nullable=False, server_default=""),  # of one that stopped by itself
    Column("rule", JSON, nullable=False),  # as it was read last: what holds while the file can't be read
    Column("file_digest", Text, nullable=False, server_default=""),  # of the file it was read from
    Column("changed_at", Instant, nullable=False),  # when it was started, paused, stopped or ended
)

issues = Table(  # one row for each moment of a series: two runs on two machines make one issue
    "issues",
    metadata,
    Column("id", Id, primary_key=True),
    Column("slug", Text, nullable=False),  # of the newsletter
    Column("planned_at", Instant, nullable=False),  # when it is to leave
    Column("wake_at", Instant, nullable=False),  # when it is to be made: so long before, as its rule says
    Column("state", Text, nullable=False),  # IssueState
    Column("why", Text, nullable=False, server_default=""),
    Column(
        "campaign", Text, nullable=False, server_default="", index=True
    ),  # the slug of its campaign, once it is made
    Column(
        "standing", Text, nullable=False, server_default=""
    ),  # the content whose standing approval covers it, if any
    Column("since", Instant),  # what is newer was new in it; null: there was no issue before
    Column("data", JSON),  # what was read for it from feeds and files, frozen
    Column("settled_at", Instant),  # when it was made, skipped, missed or failed
    UniqueConstraint("slug", "planned_at"),
    sqlite_autoincrement=True,
)

PLANNED = issues.c.state == literal_column("'planned'")
partial_index("ix_issues_planned", issues.c.wake_at, where=PLANNED)
