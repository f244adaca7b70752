"""The tables of automations: each with its versions, the people who are or were inside, and how far it has looked.

What a step mails is a campaign of its own (`campaigns.kind` "step"), and a person's mail of it a row of `deliveries`.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from mailer.store.tables.types import Id, Instant, metadata, partial_index

automations = Table(
    "automations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("slug", Text, nullable=False, unique=True),  # newsletters/<slug>/automation.toml
    Column("state", Text, nullable=False),  # AutomationState; one that was never started has no row
    Column("version_id", BigInteger),  # the version that new entries get
    Column("started_at", Instant, nullable=False),  # the last time
    # When something of it is next to be done, for a run to see by one small look; null: nothing.
    Column("due_at", Instant, index=True),
    Column("looked_at", Instant),  # when it last looked for what puts people into it
)

automation_versions = Table(  # frozen: who is inside stays in the version that they came into
    "automation_versions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("automation_id", BigInteger, ForeignKey("automations.id"), nullable=False),
    Column("number", Integer, nullable=False),  # from 1
    Column("definition", JSON, nullable=False),  # `automations.steps.to_json`, saved segments written out
    Column("digest", Text, nullable=False),  # of the definition and all its messages: what was approved
    Column("list_id", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("retired_at", Instant),  # nobody is inside any more, and nobody comes in
    UniqueConstraint("automation_id", "number"),
)

automation_sends = Table(  # the campaign of each step that mails
    "automation_sends",
    metadata,
    Column("campaign_id", BigInteger, primary_key=True, autoincrement=False),
    Column("version_id", BigInteger, ForeignKey("automation_versions.id"), nullable=False),
    Column("step", Text, nullable=False),
    UniqueConstraint("version_id", "step"),
)

automation_entries = Table(  # one for each time that somebody came into an automation; stays when they are through
    "automation_entries",
    metadata,
    Column("id", Id, primary_key=True),  # what `deliveries.entry` names
    Column("automation_id", BigInteger, ForeignKey("automations.id"), nullable=False),
    Column("version_id", BigInteger, nullable=False),
    Column("person_id", BigInteger, index=True),  # null once the person is forgotten
    Column("number", Integer, nullable=False),  # from 1, of this person in this automation
    Column("step", Text, nullable=False),  # where they are, or were last; "": just come in
    Column("due_at", Instant),  # when that step is theirs to do; null: no longer inside
    Column("state", Text, nullable=False),  # EntryState
    Column("reason", Text, nullable=False, server_default=""),  # WhyLeft
    Column("entered_at", Instant, nullable=False),  # when what put them into it happened
    Column("changed_at", Instant, nullable=False),
    UniqueConstraint("automation_id", "person_id", "number"),
    sqlite_autoincrement=True,
)

# Those inside, by step: who is due, and how many are where. Written out, since SQLite uses a partial index only for
# what it can prove without parameters.
INSIDE = automation_entries.c.due_at.is_not(None)
partial_index(
    "ix_automation_entries_inside",
    automation_entries.c.version_id,
    automation_entries.c.step,
    automation_entries.c.due_at,
    automation_entries.c.id,
    where=INSIDE,
)
# Those who are out, to be counted by what became of them.
OUT = automation_entries.c.due_at.is_(None)
partial_index(
    "ix_automation_entries_out",
    automation_entries.c.version_id,
    automation_entries.c.state,
    automation_entries.c.reason,
    where=OUT,
)

automation_marks = Table(  # how far an automation has looked through what may put people into it or take them out
    "automation_marks",
    metadata,
    Column("automation_id", BigInteger, ForeignKey("automations.id"), primary_key=True, autoincrement=False),
    Column("feed", Text, primary_key=True),  # a table's name, or: pass, through people by their number
    Column("up_to", BigInteger, nullable=False),  # the last number seen
    Column("at", Instant),  # of a pass: when the next one begins; of dates: the first day that is still to be done
)
