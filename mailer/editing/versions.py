"""Versions: what each save put into a file and what was there before it, so that any of them can be brought back.

The audit log names them by their digests. They are kept for a year, and once however often they are saved.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, exists, select

from mailer.errors import MailerError
from mailer.store.engine.dialects import insert_for
from mailer.store.tables.writing import versions

KEEP = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Version:
    """A file of a newsletter as it was: whole and exact. `at` is when it was last saved, or overwritten."""

    file: str
    text: str
    digest: str
    at: datetime


def keep_version(connection: Connection, slug: str, version: Version) -> None:
    """Keep it, in the transaction of the save."""
    row = {
        "newsletter": slug, "file": version.file, "digest": version.digest, "at": version.at,
        "content": zlib.compress(version.text.encode("utf-8")),
    }  # fmt: skip
    key = [versions.c.newsletter, versions.c.file, versions.c.digest]
    kept = insert_for(connection, versions).values(row)
    connection.execute(kept.on_conflict_do_update(index_elements=key, set_={"at": version.at}))


def read_version(connection: Connection, slug: str, digest: str) -> Version:
    """The version of a newsletter's file that the audit log calls so. Raises `MailerError`."""
    mine = (versions.c.newsletter == slug, versions.c.digest == digest)
    row = connection.execute(select(versions).where(*mine).order_by(versions.c.at.desc())).first()
    if row is None:
        raise MailerError("this version isn’t kept any more")
    return Version(row.file, zlib.decompress(row.content).decode("utf-8"), row.digest, row.at)


def kept_of(connection: Connection, slug: str, digests: Iterable[str]) -> frozenset[str]:
    """Those of the digests that can be brought back."""
    mine = (versions.c.newsletter == slug, versions.c.digest.in_(set(digests)))
    return frozenset(connection.execute(select(versions.c.digest).where(*mine)).scalars())


def prune(connection: Connection, *, now: datetime) -> None:
    """Delete those that are older than a year."""
    connection.execute(delete(versions).where(versions.c.at < now - KEEP))


def any_old(now: datetime) -> ColumnElement[bool]:
    """Whether there is something for `prune`."""
    return exists().where(versions.c.at < now - KEEP)
