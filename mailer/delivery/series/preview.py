"""What the next issues of a series would be if they were made now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, select

from mailer.compose.data.sources import LAST_ISSUE
from mailer.compose.source.written import Source
from mailer.delivery.data.read import read_data
from mailer.delivery.schedule.recurring import SeriesRule
from mailer.delivery.series.issues import ahead_of, last_issue, next_free
from mailer.settings import StudioSettings
from mailer.store.engine.database import Database
from mailer.store.tables.series import PLANNED, issues

NEXT = 3
TITLES = 5  # of what is new


@dataclass(frozen=True, slots=True)
class PreviewedIssue:
    """An issue that isn't made yet. `remark`: what to know of its moment; "" mostly."""

    planned_at: datetime
    wake_at: datetime
    remark: str


@dataclass(frozen=True, slots=True)
class NewItems:
    """What came since the last issue, of a message that takes news from elsewhere: how many, and the first titles.
    `fault`: why that can't be read; "" when it can."""

    count: int
    titles: Sequence[str]
    fault: str = ""

    @property
    def in_words(self) -> str:
        if self.fault:
            return f"what is new can’t be read: {self.fault}"
        if not self.count:
            return "nothing new so far: there would be no issue"
        more = f"; and {self.count - len(self.titles):,} more" if self.count > len(self.titles) else ""
        return f"{self.count:,} new so far: {'; '.join(self.titles)}{more}"


def new_items(database: Database, source: Source, *, now: datetime) -> NewItems | None:
    """What would be in the next issue as things are now; None where the message takes nothing that may be new. What was
    read within some minutes isn't asked for again."""
    asked = [one.name for one in source.data_sources if one.since == LAST_ISSUE]
    if not asked:
        return None
    with database.read() as connection:
        before = last_issue(connection, source.newsletter.slug)
    reading = read_data(database, source, now=now, since=before.made_at, seen=before.seen)
    fault = next((one.message for one in reading.diagnostics if one.stops), "")
    values = [item for name in asked for item in cast("list[Any]", reading.data.values.get(name) or [])]
    titles = [str(item.get("title", "")) for item in values if isinstance(item, dict)]  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    return NewItems(reading.data.new_items or 0, [one for one in titles if one][:TITLES], fault)


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
