"""Approvals: who said that a newsletter may leave exactly as it is. Appended to; each is bound to a content's digest.

An approval counts while the content is the one that was approved. Once it differs it counts no longer, and what changed
is shown; nobody has to void it. How many are needed, and whether the writer may give one, is set in `[studio]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert, select

from mailer.audience.consent.changes import insert_for
from mailer.counting import counted
from mailer.errors import MailerError
from mailer.review.content import NewsletterContent
from mailer.settings import StudioSettings
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.store.tables.core import campaigns
from mailer.store.tables.staff import audit_log
from mailer.store.tables.states import ReviewStep
from mailer.store.tables.writing import approvals, reviewed_contents

if TYPE_CHECKING:
    from mailer.review.changes import Change

# The audit log's words for what makes somebody a writer of a newsletter; to begin one, as by a copy, is to write it.
WROTE = ("newsletter saved", "version brought back", "newsletter begun", "sign page begun")


class NotApproved(MailerError):
    """A newsletter may not leave: approvals are missing for exactly this content."""


@dataclass(frozen=True, slots=True)
class Approval:
    """One step of a review, as it was taken."""

    digest: str
    step: ReviewStep
    at: datetime
    by: str
    account_id: int | None

    @property
    def person(self) -> int | str:
        """Who it was: two approvals of one person are one."""
        return self.by if self.account_id is None else self.account_id


@dataclass(frozen=True, slots=True)
class Outdated:
    """An approval that no longer counts, and what changed since it was given."""

    approval: Approval
    since: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class ReviewState:
    """How far the review of a newsletter is. `counting`: one approval a person, of exactly this content."""

    needed: int
    counting: tuple[Approval, ...]
    outdated: tuple[Outdated, ...]
    asked: Approval | None  # when somebody last asked for approval

    @property
    def missing(self) -> int:
        return max(0, self.needed - len(self.counting))

    @property
    def in_words(self) -> str:
        """Such as "1 of 2 approved"."""
        if not self.needed:
            return "no approval is needed"
        return f"{len(self.counting)} of {self.needed} approved"


def review_path(slug: str) -> str:
    """Where the studio has the review of a newsletter."""
    return f"/newsletters/{slug}/review"


def approve(
    connection: Connection,
    actor: Actor,
    content: NewsletterContent,
    *,
    seen: str,
    settings: StudioSettings,
    at: datetime,
) -> None:
    """Approve exactly this content. `seen`: the digest of what the approver looked at.

    Raises `NotAllowed` without the right, and `MailerError` when it was changed meanwhile, when they wrote it and
    writers may not, or when they approved it already.
    """
    slug = content.slug
    actor.require(Right.APPROVE, content.list_name)
    if seen != content.digest:
        raise MailerError(f"{slug} was changed while you looked at it", remedy="Look at it again, then approve it.")
    steps = steps_of(connection, slug)
    if not may_approve(connection, actor, slug, list_name=content.list_name, settings=settings):
        raise MailerError(
            f"you wrote some of {slug}, so somebody else has to approve it",
            remedy="To let writers approve: approver_may_be_writer = true in [studio] of mailer.toml",
        )
    if any(one.person == actor.person for one in _given(steps) if one.digest == content.digest):
        raise MailerError(f"you approved {slug} already, exactly as it is")
    _take(connection, actor, content, ReviewStep.APPROVED, at=at)


def may_approve(connection: Connection, actor: Actor, slug: str, *, list_name: str, settings: StudioSettings) -> bool:
    """Whether somebody's approval of a newsletter would count: they have the right, and didn't write it where writers
    may not."""
    if not actor.may(Right.APPROVE, list_name):
        return False
    return settings.approver_may_be_writer or actor.person not in writers(connection, slug)


def withdraw(connection: Connection, actor: Actor, content: NewsletterContent, *, at: datetime) -> None:
    """Take one's own approval of this content back. Raises `MailerError` when there is none."""
    actor.require(Right.APPROVE, content.list_name)
    given = _given(steps_of(connection, content.slug))
    if not any(one.person == actor.person and one.digest == content.digest for one in given):
        raise MailerError(f"you haven't approved {content.slug} as it is now")
    _take(connection, actor, content, ReviewStep.WITHDRAWN, at=at)


def ask(connection: Connection, actor: Actor, content: NewsletterContent, *, at: datetime) -> bool:
    """Ask for approval: from now on the newsletter is in review. False where it was asked for last exactly as it is."""
    actor.require(Right.WRITE, content.list_name)
    asked = last_asked(steps_of(connection, content.slug))
    if asked is not None and asked.digest == content.digest:
        return False
    _take(connection, actor, content, ReviewStep.ASKED, at=at)
    return True


def last_asked(steps: Sequence[Approval]) -> Approval | None:
    """When approval was asked for the last time, and by which colleague."""
    return next((one for one in reversed(steps) if one.step is ReviewStep.ASKED), None)


def review_state(connection: Connection, content: NewsletterContent, settings: StudioSettings) -> ReviewState:
    """How far the review of this content is."""
    steps = steps_of(connection, content.slug)
    counting = counting_of(connection, content.slug, content.digest, settings)
    people = {one.person for one in counting}
    before = [one for one in _given(steps) if one.person not in people and one.digest != content.digest]
    newest = {one.person: one for one in before}  # of each person their last
    outdated = tuple(Outdated(one, _since(connection, one, content)) for one in newest.values())
    return ReviewState(settings.approvals, tuple(counting), outdated, last_asked(steps))


def require_approvals(connection: Connection, slug: str, digest: str, settings: StudioSettings) -> None:
    """Raise `NotApproved` unless as many people as are asked for approved the content with this digest."""
    if why := why_not_approved(connection, slug, digest, settings):
        raise NotApproved(why, remedy=f"See what changed: mailer approvals {slug}. Approve it: mailer approve {slug}")


def why_not_approved(connection: Connection, slug: str, digest: str, settings: StudioSettings) -> str:
    """Why the content with this digest may not leave; "" when it may."""
    have = len(counting_of(connection, slug, digest, settings)) if settings.approvals else 0
    if have >= settings.approvals:
        return ""
    if not have and _given(steps_of(connection, slug)):
        return f"{slug} was changed since it was approved, so the approval no longer counts"
    return f"{slug} needs {counted(settings.approvals, 'approval')} as it is now, and has {have or 'none'}"


def steps_of(connection: Connection, slug: str) -> list[Approval]:
    """Everything that was done about the approval of a newsletter, the oldest first."""
    rows = connection.execute(select(approvals).where(approvals.c.slug == slug).order_by(approvals.c.id))
    return [Approval(row.digest, ReviewStep(row.step), row.at, row.by, row.account_id) for row in rows]


def writers(connection: Connection, slug: str) -> frozenset[int | str]:
    """Who began a newsletter or saved some of it, as `Approval.person` names them."""
    log = audit_log.c
    # An issue of a series is the work of those who wrote the series.
    parent = connection.execute(select(campaigns.c.parent).where(campaigns.c.slug == slug)).scalar() or slug
    mine = (log.subject == audit.newsletter_subject(parent), log.action.in_(WROTE))
    rows = connection.execute(select(log.by, log.account_id).where(*mine).distinct())
    return frozenset(row.by if row.account_id is None else row.account_id for row in rows)


def kept_content(connection: Connection, slug: str, digest: str) -> NewsletterContent | None:
    """What somebody asked for, approved or withdrew, by its digest."""
    kept = select(reviewed_contents.c.content).where(reviewed_contents.c.digest == digest)
    parts = connection.execute(kept).scalar()
    return NewsletterContent(slug, parts) if parts else None


def keep_content(connection: Connection, content: NewsletterContent, *, at: datetime) -> None:
    """Keep a content under its digest, so that it can be looked up and compared."""
    kept = {"digest": content.digest, "content": content.parts, "at": at}
    connection.execute(insert_for(connection, reviewed_contents).values(kept).on_conflict_do_nothing())


def counting_of(connection: Connection, slug: str, digest: str, settings: StudioSettings) -> list[Approval]:
    """The approvals that count of the content with this digest."""
    given = [one for one in _given(steps_of(connection, slug)) if one.digest == digest]
    if settings.approver_may_be_writer:
        return given
    wrote = writers(connection, slug)
    return [one for one in given if one.person not in wrote]


def _given(steps: Sequence[Approval]) -> list[Approval]:
    """The approvals that were not taken back, one for each person and content."""
    last: dict[tuple[int | str, str], Approval] = {}
    for one in steps:
        if one.step is not ReviewStep.ASKED:
            last[one.person, one.digest] = one
    return sorted((one for one in last.values() if one.step is ReviewStep.APPROVED), key=lambda one: one.at)


def _since(connection: Connection, approval: Approval, content: NewsletterContent) -> tuple[Change, ...]:
    from mailer.review.changes import changes  # reads mails, which those who only ask whether all approved don't need

    kept = kept_content(connection, content.slug, approval.digest)
    return tuple(changes(kept, content)) if kept else ()


def _take(connection: Connection, actor: Actor, content: NewsletterContent, step: ReviewStep, *, at: datetime) -> None:
    keep_content(connection, content, at=at)
    row = {"slug": content.slug, "digest": content.digest, "step": step, "at": at}
    who = {"by": actor.name, "account_id": actor.account_id, "via": actor.via}
    connection.execute(insert(approvals), {**row, **who})
    action = {
        ReviewStep.ASKED: "approval asked for", ReviewStep.APPROVED: "newsletter approved",
        ReviewStep.WITHDRAWN: "approval withdrawn",
    }[step]  # fmt: skip
    audit.record(connection, actor, action, at=at, subject=audit.newsletter_subject(content.slug), after=content.digest)
