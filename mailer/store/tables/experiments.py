"""The tables of tests: which versions of a message were tried on whom, and the groups that a newsletter goes down its
list to; with what was decided from what."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Integer, Table, Text

from mailer.store.tables.types import Instant, metadata, partial_index

campaign_tests = Table(  # one for each launched campaign that tries several versions
    "campaign_tests",
    metadata,
    Column(
        "campaign_id", BigInteger, ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    ),
    # Of the draw: with the campaign's number, a person's and what is in `plan`, it says which version they got.
    Column("seed", BigInteger, nullable=False),
    Column("plan", JSON, nullable=False),  # `delivery.experiments.kept`: DrawnTest
    Column("decide_at", Instant, nullable=False),
    Column("state", Text, nullable=False),  # DecisionState
    Column("why", Text, nullable=False, server_default=""),  # nothing was decided, in words for staff
    Column("winner", Text, nullable=False, server_default=""),  # a, b, c or d; the rest get it
    Column("decided_at", Instant),
    Column("decision", JSON),  # KeptDecision: from what, and who decided
)
partial_index("ix_campaign_tests_waiting", campaign_tests.c.decide_at, where=campaign_tests.c.decided_at.is_(None))

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
