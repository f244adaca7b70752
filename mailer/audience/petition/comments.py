"""What signers wrote, on the page: which comments show, which wait, and what staff decide.

Nobody's words show unless they ticked the box for it, and none that hold an address before staff let it through: a
petition is no place to advertise.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, TextClause, and_, case, func, select, update

from mailer.audience.names import holds_address
from mailer.audience.petition.signatures import showable
from mailer.compose.action_page.parse import CommentsShown
from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.store.tables.inbound import TO_DECIDE, signatures
from mailer.store.tables.states import CommentState

DECIDED = {  # as the audit log says it
    CommentState.SHOWN: "comments shown", CommentState.HIDDEN: "comments hidden", CommentState.HELD: "comments held",
}  # fmt: skip
MOST_READ = 200  # of those that wait or were decided, at once
MOST_COUNTED = 1_000
# What waits is read first; then what is shown, which may have to go.
ORDER = {
    CommentState.HELD: 0, CommentState.NEW: 0, CommentState.SHOWN: 1, CommentState.HIDDEN: 2, CommentState.PRIVATE: 3,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SignerComment:
    """What somebody wrote. `agreed`: they ticked the box that shows it on the page with their first name, when it said
    so."""

    id: int  # of the signature
    name: str  # the first name
    text: str
    state: CommentState
    agreed: bool
    at: datetime  # when it was signed, or changed last

    def shows(self, shown: CommentsShown) -> bool:
        """Whether a page that shows comments in this way shows this one."""
        if not self.agreed or shown is CommentsShown.NEVER:
            return False
        at_once = shown is CommentsShown.AT_ONCE and self.state is CommentState.NEW
        return self.state is CommentState.SHOWN or (at_once and self._harmless)

    def waits(self, shown: CommentsShown) -> bool:
        """Whether somebody has to decide before it shows."""
        return self.agreed and self.state in (CommentState.NEW, CommentState.HELD) and not self.shows(shown)

    @property
    def _harmless(self) -> bool:
        # The page escapes what it shows, so < and > part words here and are no tags.
        words = self.text.replace("<", " ").replace(">", " ").split()
        return showable(self.name) and not any(map(holds_address, words))


def shown_comments(connection: Connection, page: str, shown: CommentsShown, *, limit: int) -> Sequence[SignerComment]:
    """The newest comments that the page shows."""
    if shown is CommentsShown.NEVER:
        return ()
    states = (CommentState.SHOWN, CommentState.NEW) if shown is CommentsShown.AT_ONCE else (CommentState.SHOWN,)
    agreed = and_(_agreed(), signatures.c.comment_state.in_(states))
    # Some of what nobody has looked at doesn't show.
    found = _read(connection, page, agreed, _newest(), limit=4 * limit)
    return tuple(one for one in found if one.shows(shown))[:limit]


def comments_to_decide(connection: Connection, page: str, *, limit: int = MOST_READ) -> Sequence[SignerComment]:
    """Every comment of a page, those that wait first, then the newest."""
    order = case(*((signatures.c.comment_state == state.value, place) for state, place in ORDER.items()), else_=3)
    return _read(connection, page, ~_empty(), (~_agreed(), order, *_newest()), limit=limit)


def count_waiting(connection: Connection, page: str, shown: CommentsShown) -> int:
    """How many comments of a page wait for a decision, of the newest `MOST_COUNTED` that nobody has decided about."""
    if shown is CommentsShown.NEVER:
        return 0
    if shown is CommentsShown.AT_ONCE:  # where those wait that hold an address
        return sum(one.waits(shown) for one in _read(connection, page, TO_DECIDE, _newest(), limit=MOST_COUNTED))
    newest = select(signatures.c.id).where(signatures.c.page == page, TO_DECIDE).limit(MOST_COUNTED)
    return connection.execute(select(func.count()).select_from(newest.subquery())).scalar_one()


def has_undecided(connection: Connection, page: str) -> bool:
    """Whether there is a comment that could wait; that depends on how the page shows them."""
    first = select(signatures.c.id).where(signatures.c.page == page, TO_DECIDE).limit(1)
    return connection.execute(first).first() is not None


def decide(
    connection: Connection, actor: Actor, page: str, decision: CommentState, *, numbers: Collection[int], at: datetime
) -> None:
    """Show, hide or hold the comments of these signatures.

    Raises `MailerError`, with nothing changed, when one of them isn't a comment of this page that its writer agreed to
    show, and `NotAllowed` unless the actor may see people and write.
    """
    actor.require(Right.SEE_PEOPLE)
    actor.require(Right.WRITE)
    theirs = and_(signatures.c.page == page, signatures.c.id.in_(sorted(numbers)), ~_empty(), _agreed())
    there = set(connection.execute(select(signatures.c.id).where(theirs)).scalars())
    if missing := sorted(set(numbers) - there):
        named = ", ".join(map(str, missing))
        raise MailerError(
            f"{page} has no comment {named} that its writer agreed to show",
            remedy=f"See which there are: mailer signatures {page} --comments",
        )
    connection.execute(update(signatures).where(theirs).values(comment_state=decision.value))
    detail = f"signatures {', '.join(map(str, sorted(there)))}"
    audit.record(connection, actor, DECIDED[decision], at=at, subject=f"newsletter {page}", detail=detail)


def _read(
    connection: Connection,
    page: str,
    which: ColumnElement[bool] | TextClause,
    order: Sequence[ColumnElement[Any]],
    *,
    limit: int,
) -> list[SignerComment]:
    of = signatures.c
    query = select(of.id, of.first_name, of.comment, of.comment_state, _agreed(), of.changed_at)
    rows = connection.execute(query.where(of.page == page, ~_empty(), which).order_by(*order).limit(limit))
    return [SignerComment(*row[:3], CommentState(row[3]), bool(row[4]), row[5]) for row in rows]


def _empty() -> ColumnElement[bool]:
    return signatures.c.comment == ""


def _agreed() -> ColumnElement[bool]:
    return and_(signatures.c.shown, signatures.c.comment_state != CommentState.PRIVATE.value)


def _newest() -> tuple[ColumnElement[Any], ...]:
    return signatures.c.changed_at.desc(), signatures.c.id.desc()
