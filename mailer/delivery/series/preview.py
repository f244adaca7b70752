"""What the next issues of a series would be if they were made now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from mailer.delivery.schedule.recurring import SeriesRule
from mailer.delivery.series.issues import ahead_of, next_free
from mailer.settings import StudioSettings
from mailer.store.tables.series import PLANNED, issues

NEXT = 3


@dataclass(frozen=True, slots=True)
class PreviewedIssue:
    """An issue that isn't made yet. `remark`: what to know of its moment; "" mostly."""

    planned_at: datetime
    wake_at: datetime
    remark: str


def next_issues(
    connection: Connection, slug: str, rule: SeriesRule, *, settings: StudioSettings, now: datetime
) -> Sequence[PreviewedIssue]:
    """The next issues of a newsletter that repeats, started or not; fewer where its last day is near."""
    ahead = ahead_of(rule, settings)
    planned = select(issues.c.planned_at).where(PLANNED, issues.c.slug == slug).order_by(issues.c.planned_at)
    first = connection.execute(planned.limit(1)).scalar()
    if first is None or not rule.has(first):
        first = next_free(connection, slug, rule, now=now)
    moments = [] if first is None else [first, *rule.next(NEXT - 1, first)]
    return [PreviewedIssue(one, one - ahead, rule.remark(one)) for one in moments]
