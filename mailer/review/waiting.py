"""Which newsletters are in review: those that somebody asked approval for, or approved, and that didn't leave yet; and
which of them wait for somebody.

It is told from the steps alone, for a page that shows many newsletters: what their files say now isn't looked at. So a
newsletter counts as approved here while it is as it was at its last step; `approvals.review_state` is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from mailer.review.approvals import Approval, counting_of, last_asked, may_approve, steps_of
from mailer.settings import StudioSettings
from mailer.staff.actor import Actor, cron
from mailer.store.tables.core import campaigns
from mailer.store.tables.writing import approvals, reviewed_contents


@dataclass(frozen=True, slots=True)
class OpenReview:
    """A newsletter on its way to being approved. `counting`: the approvals of it as it was at its last step."""

    slug: str
    digest: str  # as it was at its last step
    asked: Approval | None  # the last time somebody asked for approval
    counting: tuple[Approval, ...]
    needed: int

    @property
    def is_approved(self) -> bool:
        return len(self.counting) >= self.needed


def open_reviews(connection: Connection, settings: StudioSettings, slug: str | None = None) -> Sequence[OpenReview]:
    """Every newsletter in review, or the one that is meant; the one begun longest ago first."""
    left = select(campaigns.c.slug).where(campaigns.c.launched_at.is_not(None))
    # Nobody asks for the approval of an issue but the run that made it: without its campaign there is none any more.
    by_itself = approvals.c.via == cron().via
    gone = select(approvals.c.slug).where(by_itself, approvals.c.slug.not_in(select(campaigns.c.slug)))
    begun = select(approvals.c.slug, func.min(approvals.c.id).label("first")).where(
        approvals.c.slug.not_in(left), approvals.c.slug.not_in(gone)
    )
    if slug is not None:
        begun = begun.where(approvals.c.slug == slug)
    found: list[OpenReview] = []
    for name in connection.execute(begun.group_by(approvals.c.slug).order_by("first")).scalars():
        steps = steps_of(connection, name)
        digest = steps[-1].digest
        counting = tuple(counting_of(connection, name, digest, settings))
        found.append(OpenReview(name, digest, last_asked(steps), counting, max(1, settings.approvals)))
    return found


def waiting_for(connection: Connection, actor: Actor, settings: StudioSettings) -> Sequence[OpenReview]:
    """The newsletters that wait for this actor's approval: they may give it, and didn't yet."""
    return [
        one
        for one in open_reviews(connection, settings)
        if one.asked
        and not one.is_approved
        and all(given.person != actor.person for given in one.counting)
        and may_approve(connection, actor, one.slug, list_name=_list_name(connection, one), settings=settings)
    ]


def _list_name(connection: Connection, review: OpenReview) -> str:
    """The list in whose name it goes out. The content itself is long, and not read for it."""
    kept = reviewed_contents.c
    name = select(kept.content["mail"]["list"].as_string()).where(kept.digest == review.digest)
    return connection.execute(name).scalar_one()
