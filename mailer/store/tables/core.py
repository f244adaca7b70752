"""The tables of people and of the sending, declared once for SQLite and PostgreSQL, each column with its meaning.

Migrations equal this and its neighbours, by test. What people and providers send us is in `inbound`. Times are UTC
instants (`Instant`): whole microseconds since 1970, so that both engines store and order them alike. States and reasons
are texts from the enums in `states`.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)

from mailer.store.tables import (  # their tables are in the same catalogue
    automations,
    data,
    experiments,
    imports,
    inbound,
    jobs,
    series,
    staff,
    writing,
)
from mailer.store.tables.types import (
    EPOCH,
    MICROSECOND,
    Id,
    Instant,
    key_of_sqlite,
    metadata,
    parted,
    partial_index,
    to_microseconds,
)

__all__ = [
    "EPOCH",
    "MICROSECOND",
    "Id",
    "Instant",
    "automations",
    "data",
    "experiments",
    "imports",
    "inbound",
    "jobs",
    "metadata",
    "series",
    "staff",
    "to_microseconds",
    "writing",
]  # fmt: skip


people = Table(
    "people",
    metadata,
    Column("id", Id, primary_key=True),  # never used again after a deletion
    Column("address", Text, nullable=False, unique=True),  # normalised: what `audience` makes of it
    Column("address_hash", LargeBinary, nullable=False),  # keyed, 16 bytes; what suppressions know
    Column("first_name", Text, nullable=False, server_default=""),
    Column("last_name", Text, nullable=False, server_default=""),
    Column("country", Text, nullable=False, server_default=""),  # ISO 3166-1 alpha-2, upper case
    Column("language", Text, nullable=False, server_default=""),  # BCP 47
    Column("attributes", JSON, nullable=False, server_default="{}"),  # other columns of imports, as texts
    Column("tracking", Boolean, nullable=False, server_default="1"),  # false: clicks count in the total only
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("frequency", Text, nullable=False, server_default="every"),  # Frequency
    Column("timezone", Text, nullable=False, server_default=""),  # IANA; "" not known
    Column("timezone_source", Text, nullable=False, server_default=""),  # ZoneSource: who says so
    sqlite_autoincrement=True,
)

lists = Table(
    "lists",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),  # lists/<name>.toml
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("list_id", BigInteger, primary_key=True, autoincrement=False),
    Column("person_id", BigInteger, ForeignKey("people.id", ondelete="CASCADE"), primary_key=True),
    Column("status", Text, nullable=False),  # Membership
    Column("changed_at", Instant, nullable=False),
    Index("ix_subscriptions_person_id", "person_id"),
    key_of_sqlite("list_id", "lists.id"),
    sqlite_with_rowid=False,
)

consent_sources = Table(
    "consent_sources",
    metadata,
    Column("id", Id, primary_key=True),
    Column("how", Text, nullable=False),  # import, form, link, one-click, staff
    Column("source", Text, nullable=False),  # the file, page or campaign
    Column("wording", Text, nullable=False),  # what the person agreed to, word for word; "" when leaving
    UniqueConstraint("how", "source", "wording"),
)

consents = Table(  # appended to, never changed: the proof of every subscription
    "consents",
    metadata,
    Column("id", Id, primary_key=True),
    Column("person_id", BigInteger, ForeignKey("people.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("list_id", BigInteger, nullable=False),
    Column("status", Text, nullable=False),  # Membership after the change
    Column("at", Instant, nullable=False),
    Column("source_id", BigInteger, nullable=False),
    Column("given_at", Instant),  # since when they agreed, as an imported file says; null: at `at`, or not known
    key_of_sqlite("list_id", "lists.id"),
    key_of_sqlite("source_id", "consent_sources.id"),
    sqlite_autoincrement=True,  # automations go by the number: that of a deleted row must not come again
)

tags = Table(
    "tags",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),  # as it was first written
    Column("key", Text, nullable=False, unique=True),  # what makes two spellings the same tag: `expressions.tagged`
)

people_tags = Table(
    "people_tags",
    metadata,
    Column("person_id", BigInteger, ForeignKey("people.id", ondelete="CASCADE"), primary_key=True),
    Column("tag_id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),  # since when
    Column("source", Text, nullable=False, server_default=""),  # the file, the sign page or the colleague
    Index("ix_people_tags_tag_id_person_id", "tag_id", "person_id"),
    key_of_sqlite("tag_id", "tags.id"),
    sqlite_with_rowid=False,
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("address_hash", LargeBinary, primary_key=True),
    Column("list_id", BigInteger, primary_key=True, autoincrement=False),  # 0: every list
    Column("reason", Text, primary_key=True),  # SuppressionReason
    Column("at", Instant, nullable=False),
    Column("source", Text, nullable=False, server_default=""),  # the campaign, file or person behind it
    sqlite_with_rowid=False,
)

campaigns = Table(
    "campaigns",
    metadata,
    # Random, below 2**31: a restored copy of the database never gives an old campaign's links to a new one.
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("slug", Text, nullable=False, unique=True),  # newsletters/<slug>: sent once
    Column("state", Text, nullable=False),  # CampaignState
    Column("why", Text, nullable=False, server_default=""),  # of a pause, a cancellation or being overdue
    Column("message", JSON, nullable=False),  # the compiled message, frozen
    Column("digest", Text, nullable=False),  # of the compiled message
    Column("content_digest", Text, nullable=False, server_default=""),  # of all that was approved: `review.content`
    Column("audience", JSON, nullable=False),  # who was asked for: lists, segment, exclusions
    Column("counts", JSON, nullable=False, server_default="{}"),  # the selection at launch: reason → people
    Column("transport", Text, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant),  # when it is scheduled
    Column("zone", Text, nullable=False, server_default=""),  # of the time; "": it leaves at the end of its hold
    Column("late_seconds", Integer, nullable=False, server_default="7200"),  # may start this much after due_at
    Column("launched_at", Instant),
    Column("finished_at", Instant),
    Column("is_public", Boolean, nullable=False, server_default="0"),  # is in the archive
    Column("is_urgent", Boolean, nullable=False, server_default="0"),  # goes to those who asked for urgent mail only
    Column("kind", Text, nullable=False, server_default=""),  # CampaignKind
    Column("parent", Text, nullable=False, server_default=""),  # the series or automation it is part of
    Column("stage", Integer, nullable=False, server_default="0"),  # deliveries up to this stage may be claimed
    Column("local_at", Text, nullable=False, server_default=""),  # what each person's clocks show when it leaves there
    Column("past", Text, nullable=False, server_default=""),  # PastHour: where that is past when it is launched
    Column("spread_seconds", Integer, nullable=False, server_default="0"),  # over which its mails leave
    Index("ix_campaigns_recent", "finished_at", "launched_at", "is_urgent"),  # for caps, without the messages
)

links = Table(
    "links",
    metadata,
    Column("campaign_id", BigInteger, ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),  # from 1, in order of appearance
    Column("url", Text, nullable=False),  # as written, merge tags included
    Column("label", Text, nullable=False),
    Column("placement", Text, nullable=False),  # button, inline, footnote, footer …
    Column("is_action", Boolean, nullable=False),
    Column("language", Text, nullable=False, server_default=""),  # the version it is in, as of deliveries
    Column("arm", Text, nullable=False, server_default=""),  # of a test: a, b, c or d
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),  # campaign id * 2**32 + n
    Column("campaign_id", BigInteger, nullable=False),
    Column("person_id", BigInteger),  # null once the person is forgotten
    Column("state", Text, nullable=False),  # DeliveryState
    Column("attempt", Integer, nullable=False, server_default="0"),  # hand-overs begun
    Column("not_before", Instant, nullable=False),  # while queued: due from here on
    Column("worker_id", BigInteger),  # who has claimed it, while its lease lasts
    Column("code", Text, nullable=False, server_default=""),  # the last reply: "550 5.1.1", or a skip's reason
    Column("detail", Text, nullable=False, server_default=""),  # the reply's text
    Column("reply_class", Text, nullable=False, server_default=""),  # hard, soft, policy, ours
    Column("provider_id", Text, nullable=False, server_default=""),  # the provider's own id of the message
    Column("changed_at", Instant),
    Column("feedback", Text, nullable=False, server_default=""),  # Feedback: what came back of a mail that was taken
    Column("language", Text, nullable=False, server_default=""),  # of the translation that is theirs; "" the original
    Column("arm", Text, nullable=False, server_default=""),  # of a test: their version; "rest": the one that wins
    Column("stage", Integer, nullable=False, server_default="0"),  # waits until the campaign has come to this stage
    Column("entry", BigInteger, nullable=False, server_default="0"),  # of an automation's step: which of their entries
    Column("not_after", Instant),  # once that is past it is held instead of mailed; null: it may be mailed at any time
    UniqueConstraint("campaign_id", "person_id", "entry"),
    Index("ix_deliveries_person_id", "person_id"),
    key_of_sqlite("campaign_id", "campaigns.id", ondelete="CASCADE"),
)

# The queue: people waiting for a worker. A claim takes a row out, and what is done with it later touches no index of
# states. The state is written out, since SQLite uses a partial index only for what it can prove without parameters.
QUEUE = (deliveries.c.state == literal_column("'queued'")) & deliveries.c.worker_id.is_(None)
partial_index(
    "ix_deliveries_queue",
    deliveries.c.campaign_id,
    deliveries.c.stage,
    deliveries.c.not_before,
    deliveries.c.id,
    where=QUEUE,
)

# What did not simply go out, which is little and what staff look at. All others are queued, claimed or sent.
APART = deliveries.c.state.not_in([literal_column(f"'{state}'") for state in ("queued", "sending", "sent")])
partial_index("ix_deliveries_apart", deliveries.c.campaign_id, deliveries.c.state, where=APART)

# Only what is claimed just now is in this index, so that a worker's claims are found and dropped quickly.
partial_index("ix_deliveries_worker_id", deliveries.c.worker_id, where=deliveries.c.worker_id.is_not(None))

workers = Table(
    "workers",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # random
    Column("campaign_id", BigInteger),  # what it works at; a campaign isn't finished while somebody does
    Column("name", Text, nullable=False),  # host and process, for people
    Column("lease_until", Instant, nullable=False),  # renewed while it lives; what it claimed lapses with it
)

events = Table(  # what happened to a delivery, appended: deferred, unsubscribed, resolved …
    "events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("campaign_id", BigInteger, nullable=False, index=True),
    Column("delivery_id", BigInteger, index=True),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("detail", Text, nullable=False, server_default=""),
    Column("reply_class", Text, nullable=False, server_default=""),  # of a bounce: hard, soft, policy, ours
)

# What came back about mails that were taken: few among many events, and looked for every few seconds of a send.
FEEDBACK = events.c.kind.in_([literal_column(f"'{kind}'") for kind in ("bounced", "complained")])
partial_index("ix_events_feedback", events.c.campaign_id, where=FEEDBACK)

hits = Table(  # every request of a tracked link, raw; the verdict is derived and can be derived again
    "hits",
    metadata,
    Column("id", Id, primary_key=True),
    Column("campaign_id", BigInteger, nullable=False),
    Column("delivery_id", BigInteger),  # null: the person asked not to be tracked
    Column("n", Integer, nullable=False),  # the link; 0 is the open pixel
    Column("at", Instant, nullable=False),
    Column("method", Text, nullable=False),
    Column("headers", JSON, nullable=False),  # a chosen few, cut short
    Column("network", LargeBinary, nullable=False),  # salted hash of the network, never an address
    Column("verdict", Text, nullable=False),  # Verdict
    Column("reasons", Text, nullable=False, server_default=""),
    Column("rules", Integer, nullable=False),  # the version of the rules that judged it
    Index("ix_hits_campaign_id_delivery_id", "campaign_id", "delivery_id"),
)

parted(deliveries, events, hits)

more_hits = Table(  # hits of mails that had too many already: counted and not kept
    "more_hits",
    metadata,
    Column("campaign_id", BigInteger, primary_key=True, autoincrement=False),
    Column("n", Integer, primary_key=True, autoincrement=False),  # the link
    Column("verdict", Text, primary_key=True),  # Verdict, at first sight
    Column("count", BigInteger, nullable=False),
)

images = Table(  # pictures of frozen messages, served as they were when they were mailed
    "images",
    metadata,
    Column("digest", Text, primary_key=True),  # first 16 hex digits of SHA-256
    Column("content_type", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

proofs = Table(  # test mails: their links work and count for nothing
    "proofs",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # random
    Column("slug", Text, nullable=False),
    Column("message", JSON, nullable=False),
    Column("person_id", BigInteger),  # the person it was merged as
    Column("at", Instant, nullable=False),
)

paces = Table(  # how far ahead the permits of a pace are given out, over all workers together
    "paces",
    metadata,
    Column("transport", Text, primary_key=True),
    Column("domain", Text, primary_key=True),  # "": the transport's total
    Column("next_at", Instant, nullable=False),  # when the first permit that nobody has begins
)

warm_up_days = Table(  # how many people were mailed on each day under a warm-up plan
    "warm_up_days",
    metadata,
    Column("transport", Text, primary_key=True),
    Column("day", Text, primary_key=True),  # of UTC, as 2026-11-24
    Column("people", Integer, nullable=False),  # taken, refused for good, uncertain or on the wire
)

guard_evidence = Table(  # what a campaign's guard rails judge by, of all workers together; reset at a resume
    "guard_evidence",
    metadata,
    Column("campaign_id", BigInteger, primary_key=True, autoincrement=False),
    Column("since", Instant, nullable=False),  # of the last resume; 0 before any
    Column("accepted", Integer, nullable=False, server_default="0"),  # people whose mail was taken
    Column("refused", Integer, nullable=False, server_default="0"),  # refused for good
    Column("hard", Integer, nullable=False, server_default="0"),  # of these: there is no such person
    Column("recent", Text, nullable=False, server_default=""),  # the last outcomes: "." taken, "x" refused
    Column("troubles", Integer, nullable=False, server_default="0"),  # failures of the transport in a row
    Column("trouble_at", Instant),  # when the last of them was counted
)
