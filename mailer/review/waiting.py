"""Which newsletters are in review: those that somebody asked approval for and that didn't leave yet; whose turn it is.

It is told from the steps alone, for a page that shows many newsletters: what their files say now isn't looked at. So a
newsletter counts as approved here while it is as it was at its last step; `approvals.review_state` is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from mailer.review.approvals import Approval, counting_of, kept_content, may_approve, steps_of
from mailer.settings import StudioSettings
from mailer.staff.actor import Actor
from mailer.store.tables.core import campaigns
from mailer.store.tables.review import approvals
from mailer.store.tables.states import ReviewStep


@dataclass(frozen=True, slots=True)
class OpenReview:
    """A newsletter that somebody asked approval for. `counting`: the approvals of it as it was at its last step."""

    slug: str
    list_name: str
    asked: Approval  # the last time
    counting: tuple[Approval, ...]
    needed: int

    @property
    def is_approved(self) -> bool:
        return len(self.counting) >= self.needed


def open_reviews(connection: Connection, settings: StudioSettings) -> Sequence[OpenReview]:
    """Every newsletter in review, the one asked for longest ago first."""
    left = select(campaigns.c.slug).where(campaigns.c.launched_at.is_not(None))
    asked = select(approvals.c.slug).where(approvals.c.step == ReviewStep.ASKED, approvals.c.slug.not_in(left))
    found: list[OpenReview] = []
    for slug in connection.execute(asked.distinct()).scalars():
        steps = steps_of(connection, slug)
        content = kept_content(connection, slug, steps[-1].digest)
        assert content is not None, "each step keeps what it was taken about"
        found.append(
            OpenReview(
                slug, content.list_name, next(one for one in reversed(steps) if one.step is ReviewStep.ASKED),
                tuple(counting_of(connection, content, settings)), max(1, settings.approvals),
            )
        )  # fmt: skip
    return sorted(found, key=lambda one: one.asked.at)


def waiting_for(connection: Connection, actor: Actor, settings: StudioSettings) -> Sequence[OpenReview]:
    """The newsletters that wait for this actor's approval: they may give it, and didn't yet."""
    return [
        one
        for one in open_reviews(connection, settings)
        if not one.is_approved
        and all(given.person != actor.person for given in one.counting)
        and may_approve(connection, actor, one.slug, list_name=one.list_name, settings=settings)
    ]
