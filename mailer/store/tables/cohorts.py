"""The table of groups that a newsletter goes down its list to, each behind a gate. Deciding: `delivery.experiments`."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Integer, Table, Text

from mailer.store.tables.types import Instant, metadata, partial_index

cohorts = Table(  # one for each group after the first, made at the launch
    "cohorts",
    metadata,
    Column("campaign_id", BigInteger, ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),  # from 1: those who acted least lately come last
    Column("people", Integer, nullable=False),  # in the group, its sample among them
    Column("sample", Integer, nullable=False),
    Column("state", Text, nullable=False),  # CohortState
    Column("decide_at", Instant),  # null until its sample may leave
    Column("decided_at", Instant),
    Column("why", Text, nullable=False, server_default=""),  # it is held, or who opened it by hand
    # What the sample had done then: sent, clicked, complained; with the bounds it can be judged again.
    Column("counts", JSON, nullable=False, server_default="{}"),
)
partial_index("ix_cohorts_decide_at", cohorts.c.decide_at, where=cohorts.c.decided_at.is_(None))
