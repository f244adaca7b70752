"""The tables of writing: what isn't saved yet (how long it is kept: `editing.drafts`), the texts that were translated,
who approved exactly what, what was said about it, and who looks at proofs."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text

from mailer.store.tables.types import Id, Instant, metadata

drafts = Table(
    "drafts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("newsletter", Text, nullable=False),  # the name of its folder
    Column("file", Text, nullable=False),  # in it, such as message.md
    Column("by", Text, nullable=False),  # who wrote, as the audit log calls them
    Column("account_id", BigInteger),  # null: this machine, while nobody has an account
    Column("begun_at", Instant, nullable=False),
    Column("at", Instant, nullable=False),  # of the last key in it
    Column("saved_at", Instant),  # when its author saved the file, with this in it or not; null: not since
    Column("content", LargeBinary, nullable=False),  # zlib of JSON: base, body, fields
    Index("ix_drafts_newsletter_file_at", "newsletter", "file", "at"),
    Index("ix_drafts_at", "at"),
    sqlite_autoincrement=True,
)

translated_texts = Table(  # the words of originals as they were when somebody called a translation of them finished
    "translated_texts",
    metadata,
    Column("digest", Text, primary_key=True),  # `compose.source.wording`; in the translation's front matter, too
    Column("text", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

versions = Table(
    "versions",
    metadata,
    Column("newsletter", Text, primary_key=True),  # the name of its folder
    Column("file", Text, primary_key=True),  # in it, such as message.md
    Column("digest", Text, primary_key=True),  # as the audit log has it
    Column("at", Instant, nullable=False),  # when it was last saved, or overwritten
    Column("content", LargeBinary, nullable=False),  # zlib of the file
    Index("ix_versions_at", "at"),
)

approvals = Table(  # appended to, never changed: an approval counts while its digest is that of the content
    "approvals",
    metadata,
    Column("id", Id, primary_key=True),
    Column("slug", Text, nullable=False, index=True),  # of the newsletter
    Column("digest", Text, nullable=False),  # of the content that it is about: `review.content`
    Column("step", Text, nullable=False),  # ReviewStep
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),  # Actor.name
    Column("account_id", BigInteger),  # of a signed-in member of staff
    Column("via", Text, nullable=False, server_default=""),
    sqlite_autoincrement=True,
)

reviewed_contents = Table(  # what was approved, so that a later change can be shown as a difference
    "reviewed_contents",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("content", JSON, nullable=False),
    Column("at", Instant, nullable=False),
)

planned_times = Table(  # when a newsletter is meant to leave, before it is scheduled: it is approved for this time
    "planned_times",
    metadata,
    Column("slug", Text, primary_key=True),
    Column("due_at", Instant, nullable=False),
    Column("zone", Text, nullable=False),  # the zone the time was given in
    Column("local", Boolean, nullable=False, server_default="0"),  # when the clocks show it where each person is
    Column("past", Text, nullable=False, server_default=""),  # PastHour
    Column("spread_seconds", Integer, nullable=False, server_default="0"),  # over which its mails leave
)

comments = Table(
    "comments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("slug", Text, nullable=False, index=True),  # of the newsletter
    Column("thread_id", BigInteger),  # the comment that it answers; null: it begins a thread
    Column("file", Text, nullable=False, server_default=""),  # in the newsletter's folder: message.md, action.md
    Column("line", Integer, nullable=False, server_default="0"),  # from 1, when it was written; 0: about the whole
    Column("quote", Text, nullable=False, server_default=""),  # that line then, by which it is found again
    Column("text", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),  # Actor.name
    Column("account_id", BigInteger),
    Column("resolved_at", Instant),  # of a thread's first comment; null: open
    Column("resolved_by", Text, nullable=False, server_default=""),
    sqlite_autoincrement=True,
)

reviewers = Table(  # who gets proofs unless somebody says otherwise
    "reviewers",
    metadata,
    Column("address", Text, primary_key=True),  # normalised
    Column("name", Text, nullable=False, server_default=""),
    Column("added_at", Instant, nullable=False),
)
