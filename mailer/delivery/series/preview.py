"""What the next issues of a series would be if they were made now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from mailer.compose.message import as_written
from mailer.delivery.campaigns.freeze import Plan
from mailer.delivery.series.issues import ahead_of, next_free, rule_of
from mailer.store.tables.series import PLANNED, issues

NEXT = 3


@dataclass(frozen=True, slots=True)
class PreviewedIssue:
    """An issue that isn't made yet. `remark`: what to know of its moment; "" mostly."""

    planned_at: datetime
    wake_at: datetime
    remark: str
    subject: str  # as staff wrote it, of the message as it is now


def next_issues(connection: Connection, plan: Plan, *, now: datetime, count: int = NEXT) -> Sequence[PreviewedIssue]:
    """The next issues of a newsletter that repeats, started or not; fewer where its last day is near."""
    rule, slug = rule_of(plan), plan.newsletter.slug
    subject = " ".join(as_written(plan.message, plan.message.subject).split())
    ahead = ahead_of(rule, plan.newsletter.workspace.settings.studio)
    planned = select(issues.c.planned_at).where(PLANNED, issues.c.slug == slug).order_by(issues.c.planned_at)
    first = connection.execute(planned.limit(1)).scalar()
    if first is None or not rule.has(first):
        first = next_free(connection, slug, rule, now=now)
    moments = [] if first is None else [first, *rule.next(count - 1, first)]
    return [PreviewedIssue(one, one - ahead, rule.remark(one), subject) for one in moments]
