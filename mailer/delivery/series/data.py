"""What an issue takes from elsewhere: read at its moment, apart from what is kept for those who look at the newsletter,
which a standing approval may be of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select

from mailer.compose.source.written import Source
from mailer.delivery.data.fetch import RULES, FetchRules
from mailer.delivery.data.read import read_data
from mailer.delivery.series.making import IssueData, ReadData
from mailer.errors import raise_errors
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns
from mailer.store.tables.series import issues
from mailer.store.tables.states import CampaignState


def reads_data(database: Database, *, now: datetime, rules: FetchRules = RULES) -> ReadData:
    """What reads the data of an issue. It raises `MailerError` where a source can't be read: no issue without it."""

    def read(source: Source, since: datetime | None) -> IssueData:
        if not source.data_sources:
            return IssueData(source)
        with database.read() as connection:
            seen = _seen(connection, source.newsletter.slug)
        reading = read_data(database, source, now=now, since=since, seen=seen, apart=True, rules=rules)
        raise_errors(f"The data of {source.newsletter.slug} can’t be read:", reading.diagnostics)
        found = replace(source, data=reading.data)
        return IssueData(found, reading.data.new_items, {"seen": list(reading.data.seen)})

    return read


def _seen(connection: Connection, slug: str) -> tuple[str, ...]:
    """What the last issue knew that left or is to leave."""
    goes = or_(campaigns.c.launched_at.is_not(None), campaigns.c.state == CampaignState.SCHEDULED)
    last = (
        select(issues.c.data)
        .join(campaigns, campaigns.c.slug == issues.c.campaign)
        .where(issues.c.slug == slug, goes)
        .order_by(issues.c.planned_at.desc())
        .limit(1)
    )
    kept: Mapping[str, Any] = connection.execute(last).scalar() or {}
    return tuple(kept.get("seen", ()))
