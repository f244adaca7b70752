"""Comments on a newsletter, by line: threads that are answered and resolved. None of them is ever mailed.

A thread remembers the words it is about, of one line or of several, so that it is found again after lines were added
above it, and is kept where it was once somebody changed them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from sqlalchemy import Connection, insert, select, update

from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.store.tables.writing import comments

LONGEST = 10_000  # characters of a comment
LONGEST_QUOTE = 2_000  # of the words it is about


@dataclass(frozen=True, slots=True)
class ThreadPlace:
    """Where a thread belongs in a text: a line from 1, or 0 when it is about nothing that is there."""

    line: int
    is_same: bool  # its words are as they were


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

    def place_in(self, lines: Sequence[str]) -> ThreadPlace:
        """Where it belongs in the text's `lines`: the nearest place with the same words; else, since they were changed,
        where they are most alike."""
        quoted = [line.strip() for line in self.quote.split("\n")]
        if not any(quoted):
            return ThreadPlace(0, True)
        now, size = [line.strip() for line in lines], len(quoted)
        same = [at for at in range(1, len(now) - size + 2) if now[at - 1 : at - 1 + size] == quoted]
        if same:
            return ThreadPlace(min(same, key=lambda at: abs(at - self.line)), True)
        for words in quoted:
            if alike := get_close_matches(words, [line for line in now if line], 1) if words else []:
                found = [at for at, line in enumerate(now, 1) if line == alike[0]]
                return ThreadPlace(min(found, key=lambda at: abs(at - self.line)), False)
        return ThreadPlace(0, False)


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
    about = {"file": file, "line": line, "quote": quote[:LONGEST_QUOTE]}
    row = {"slug": slug, **about, "text": said, "at": at, **_who(actor)}
    number: int = connection.execute(insert(comments).returning(comments.c.id), row).scalar_one()
    audit.record(connection, actor, "comment written", at=at, subject=audit.newsletter_subject(slug))
    return number


def answer(
    connection: Connection, actor: Actor, slug: str, thread_id: int, text: str, *, list_name: str, at: datetime
) -> None:
    """Answer a thread of a newsletter, which opens it again when it was resolved."""
    actor.require(Right.PROOF, list_name)
    _require_thread(connection, slug, thread_id)
    row = {"slug": slug, "thread_id": thread_id, "text": _words(text), "at": at, **_who(actor)}
    connection.execute(insert(comments), row)
    connection.execute(update(comments).where(comments.c.id == thread_id).values(resolved_at=None, resolved_by=""))
    audit.record(connection, actor, "comment answered", at=at, subject=audit.newsletter_subject(slug))


def resolve(connection: Connection, actor: Actor, slug: str, thread_id: int, *, list_name: str, at: datetime) -> None:
    """Say that what a thread of a newsletter is about is done."""
    actor.require(Right.PROOF, list_name)
    _require_thread(connection, slug, thread_id)
    done = update(comments).where(comments.c.id == thread_id, comments.c.resolved_at.is_(None))
    if connection.execute(done.values(resolved_at=at, resolved_by=actor.name)).rowcount:
        audit.record(connection, actor, "comment resolved", at=at, subject=audit.newsletter_subject(slug))


def _require_thread(connection: Connection, slug: str, thread_id: int) -> None:
    """Who may comment on one newsletter may not on another by a number."""
    first = select(comments.c.id).where(comments.c.id == thread_id, comments.c.thread_id.is_(None))
    if connection.execute(first.where(comments.c.slug == slug)).one_or_none() is None:
        raise MailerError("that comment isn't there any more")


def _words(text: str) -> str:
    said = text.strip()
    if not said:
        raise MailerError("an empty comment says nothing", remedy="Write something first.")
    if len(said) > LONGEST:
        raise MailerError(f"a comment of {len(said):,} characters is too long", remedy=f"At most {LONGEST:,}.")
    return said


def _who(actor: Actor) -> dict[str, object]:
    return {"by": actor.name, "account_id": actor.account_id}
