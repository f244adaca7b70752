"""What is being written in the studio and isn't saved (how long it is kept: `editing.drafts`), and the texts that were
translated, which their translations name."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text

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
