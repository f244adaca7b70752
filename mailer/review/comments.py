"""Comments on a newsletter, by line: threads that are answered and resolved. None of them is ever mailed.

A thread remembers the words of its line, so that it is found again after lines were added above it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, insert, select, update

from mailer.errors import MailerError
from mailer.review.approvals import subject
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.store.tables.review import comments

LONGEST = 10_000  # characters of a comment


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody said."""

    id: int
    text: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Thread:
    """A comment and its answers. `line` is from 1, as it was when the thread began; 0: about the whole newsletter."""

    id: int
    file: str
    line: int
    quote: str
    comments: tuple[Comment, ...]
    resolved_by: str  # "": open

    @property
    def is_open(self) -> bool:
        return not self.resolved_by

    def line_in(self, lines: Sequence[str]) -> int:
        """Where its line is now in the text's `lines`: the nearest with the same words; 0 once there is none."""
        same = [n for n, line in enumerate(lines, 1) if self.quote and line.strip() == self.quote.strip()]
        return min(same, key=lambda n: abs(n - self.line), default=0)


def threads(connection: Connection, slug: str) -> list[Thread]:
    """All threads of a newsletter, by file and line, the open and the resolved."""
    rows = connection.execute(select(comments).where(comments.c.slug == slug).order_by(comments.c.id)).all()
    answers: dict[int, list[Comment]] = {}
    for row in rows:
        answers.setdefault(row.thread_id or row.id, []).append(Comment(row.id, row.text, row.at, row.by))
    begun = [row for row in rows if row.thread_id is None]
    return [
        Thread(row.id, row.file, row.line, row.quote, tuple(answers[row.id]), row.resolved_by)
        for row in sorted(begun, key=lambda row: (row.file, row.line, row.id))
    ]


def comment(  # noqa: PLR0913 - a place is a file, a line and its words
    connection: Connection,
    actor: Actor,
    slug: str,
    text: str,
    *,
    list_name: str,
    at: datetime,
    file: str = "",
    line: int = 0,
    quote: str = "",
) -> int:
    """Begin a thread at a line; returns its number."""
    actor.require(Right.PROOF, list_name)
    said = _words(text)
    row = {"slug": slug, "file": file, "line": line, "quote": quote, "text": said, "at": at, **_who(actor)}
    number: int = connection.execute(insert(comments).returning(comments.c.id), row).scalar_one()
    audit.record(connection, actor, "comment written", at=at, subject=subject(slug))
    return number


def answer(connection: Connection, actor: Actor, thread_id: int, text: str, *, list_name: str, at: datetime) -> None:
    """Answer a thread, which opens it again when it was resolved."""
    actor.require(Right.PROOF, list_name)
    begun = _thread(connection, thread_id)
    row = {"slug": begun.slug, "thread_id": thread_id, "text": _words(text), "at": at, **_who(actor)}
    connection.execute(insert(comments), row)
    connection.execute(update(comments).where(comments.c.id == thread_id).values(resolved_at=None, resolved_by=""))
    audit.record(connection, actor, "comment answered", at=at, subject=subject(begun.slug))


def resolve(connection: Connection, actor: Actor, thread_id: int, *, list_name: str, at: datetime) -> None:
    """Say that what a thread is about is done."""
    actor.require(Right.PROOF, list_name)
    begun = _thread(connection, thread_id)
    done = update(comments).where(comments.c.id == thread_id, comments.c.resolved_at.is_(None))
    if connection.execute(done.values(resolved_at=at, resolved_by=actor.name)).rowcount:
        audit.record(connection, actor, "comment resolved", at=at, subject=subject(begun.slug))


def _thread(connection: Connection, thread_id: int) -> Row[tuple[object, ...]]:
    first = select(comments).where(comments.c.id == thread_id, comments.c.thread_id.is_(None))
    row = connection.execute(first).one_or_none()
    if row is None:
        raise MailerError("that comment isn't there any more")
    return row


def _words(text: str) -> str:
    said = text.strip()
    if not said:
        raise MailerError("an empty comment says nothing", remedy="Write something first.")
    if len(said) > LONGEST:
        raise MailerError(f"a comment of {len(said):,} characters is too long", remedy=f"At most {LONGEST:,}.")
    return said


def _who(actor: Actor) -> dict[str, object]:
    return {"by": actor.name, "account_id": actor.account_id}
