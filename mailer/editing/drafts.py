"""Drafts: what somebody is writing and hasn't saved, kept in the database as they write, and brought back from there.

A draft holds the file that it is based on, so that bringing it back days later overwrites nothing: saving it is put
together with what others did since, as ever. Somebody who goes on writing makes a new draft every minute; after a day
one for each day is enough, and after 30 days none.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    type_coerce,
    update,
)

from mailer.errors import MailerError
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.store.tables.staff import staff
from mailer.store.tables.writing import drafts

if TYPE_CHECKING:  # it reads YAML, which a run that only tidies up doesn't need
    from mailer.editing.splice import FrontValue

KEEP = timedelta(days=30)
EACH = timedelta(minutes=1)  # a draft is written to for so long; then a new one begins
WHOLE = timedelta(days=1)  # for so long every draft is kept; before that the last of each person's day
WRITING = timedelta(minutes=2)  # after the last key somebody may still be at it
SHOWN = 200
DAY_MICROSECONDS = 86_400_000_000
_WITH_NAMES = drafts.outerjoin(staff, staff.c.id == drafts.c.account_id)
NAME = func.coalesce(func.nullif(staff.c.name, ""), drafts.c.by).label("name")  # as colleagues know them


@dataclass(frozen=True, slots=True)
class DraftText:
    """What was in the editor: the file it is based on, whole and exact; the text below the front matter; and all values
    of the form by dotted key."""

    base: str
    body: str
    fields: Mapping[str, FrontValue]


@dataclass(frozen=True, slots=True)
class KeptDraft:
    """A draft in a list. `at` is when it was last written to; `is_saved`: its author saved the file after it."""

    id: int
    by: str
    at: datetime
    is_saved: bool


def keep_draft(connection: Connection, actor: Actor, slug: str, file: str, text: DraftText, *, at: datetime) -> None:
    """Keep what is in the editor now. Within a minute it takes the place of what was kept before."""
    actor.require(Right.WRITE)
    content = zlib.compress(json.dumps({"base": text.base, "body": text.body, "fields": dict(text.fields)}).encode())
    query = (
        select(drafts.c.id, drafts.c.begun_at)
        .where(_of(slug, file), _by(actor), drafts.c.saved_at.is_(None))
        .order_by(drafts.c.id.desc())
        .limit(1)
    )
    last = connection.execute(query).first()
    if last is not None and timedelta() <= at - last.begun_at < EACH:
        connection.execute(update(drafts).where(drafts.c.id == last.id).values(at=at, content=content))
        return
    values = {
        "newsletter": slug, "file": file, "by": actor.name, "account_id": actor.account_id, "begun_at": at, "at": at,
        "content": content,
    }  # fmt: skip
    connection.execute(insert(drafts).values(values))


def end_drafts(connection: Connection, actor: Actor, slug: str, file: str, *, at: datetime) -> None:
    """Note that the actor saved the file, so that nobody is asked whether they want their older drafts back."""
    connection.execute(
        update(drafts).where(_of(slug, file), _by(actor), drafts.c.saved_at.is_(None)).values(saved_at=at)
    )


def last_unsaved(connection: Connection, actor: Actor, slug: str, file: str) -> KeptDraft | None:
    """The actor's newest draft since they last saved the file."""
    query = _listed(slug, file).where(_by(actor), drafts.c.saved_at.is_(None)).limit(1)
    return next(iter(_found(connection, query)), None)


def drafts_of(connection: Connection, slug: str, file: str) -> Sequence[KeptDraft]:
    """Everybody's drafts of a file, the newest first."""
    return _found(connection, _listed(slug, file).limit(SHOWN))


def read_draft_text(connection: Connection, slug: str, file: str, draft_id: int) -> DraftText:
    """What a draft holds. Raises `MailerError` when there is no such draft of this file."""
    found = connection.execute(select(drafts.c.content).where(_of(slug, file), drafts.c.id == draft_id)).scalar()
    if found is None:
        raise MailerError("this draft isn’t kept any more", remedy="Drafts are kept for 30 days.")
    return DraftText(**json.loads(zlib.decompress(found)))


def who_is_writing(connection: Connection, actor: Actor, slug: str, file: str, *, now: datetime) -> Sequence[str]:
    """Others who are writing on the file at this moment and haven't saved: a hint, not a lock."""
    query = select(NAME).distinct().select_from(_WITH_NAMES).order_by(NAME)
    query = query.where(_of(slug, file), drafts.c.saved_at.is_(None), ~_by(actor), drafts.c.at > now - WRITING)
    return connection.execute(query).scalars().all()


def prune(connection: Connection, *, now: datetime) -> int:
    """Delete what is older than 30 days, and thin out what is older than a day. Returns how many went."""
    return connection.execute(delete(drafts).where(_old(now))).rowcount


def any_old(now: datetime) -> ColumnElement[bool]:
    """Whether there is something for `prune`."""
    return exists().where(_old(now))


def _old(now: datetime) -> ColumnElement[bool]:
    each = drafts.alias()
    day = type_coerce(each.c.at, BigInteger) // DAY_MICROSECONDS
    last = select(func.max(each.c.id)).where(each.c.at <= now - WHOLE)
    last = last.group_by(each.c.newsletter, each.c.file, each.c.by, day)
    return or_(drafts.c.at <= now - KEEP, and_(drafts.c.at <= now - WHOLE, drafts.c.id.not_in(last.scalar_subquery())))


def _of(slug: str, file: str) -> ColumnElement[bool]:
    return and_(drafts.c.newsletter == slug, drafts.c.file == file)


def _by(actor: Actor) -> ColumnElement[bool]:
    if actor.account_id is not None:
        return func.coalesce(drafts.c.account_id, 0) == actor.account_id
    return and_(drafts.c.account_id.is_(None), drafts.c.by == actor.name)


def _listed(slug: str, file: str) -> Select[Any, Any, Any, Any]:
    query = select(drafts.c.id, NAME, drafts.c.at, drafts.c.saved_at).select_from(_WITH_NAMES)
    return query.where(_of(slug, file)).order_by(drafts.c.id.desc())


def _found(connection: Connection, query: Select[Any, Any, Any, Any]) -> Sequence[KeptDraft]:
    rows = connection.execute(query).all()
    return [KeptDraft(row.id, row.name, row.at, row.saved_at is not None) for row in rows]
