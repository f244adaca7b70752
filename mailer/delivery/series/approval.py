"""Whether an issue may leave: approved as it is, or by a standing approval of its series exactly as that was then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, select, true

from mailer.review.approvals import kept_content, why_not_approved
from mailer.review.content import NewsletterContent
from mailer.settings import StudioSettings
from mailer.store.tables.core import campaigns
from mailer.store.tables.series import issues
from mailer.store.tables.states import CampaignKind


def why_issue_not_approved(connection: Connection, campaign: Row[Any], settings: StudioSettings) -> str:
    """Why an issue's campaign may not leave; "" when it may. Asked when it is made and, again, as it is launched."""
    why = why_not_approved(connection, campaign.slug, campaign.content_digest, settings)
    if not why:
        return ""
    standing = connection.execute(select(issues.c.standing).where(issues.c.campaign == campaign.slug)).scalar()
    if not standing:
        return why.replace(campaign.slug, "it")
    lapsed = why_not_approved(connection, campaign.parent, standing, settings).replace(
        campaign.parent, "the newsletter"
    )
    return lapsed and f"its standing approval doesn’t cover it: {lapsed}"


def issue_content(connection: Connection, slug: str) -> NewsletterContent | None:
    """What an approval of an issue is of, exactly as it was made; None for any other newsletter."""
    digest = connection.execute(
        select(campaigns.c.content_digest).where(campaigns.c.slug == slug, campaigns.c.kind == CampaignKind.ISSUE)
    ).scalar()
    return None if digest is None else kept_content(connection, slug, digest)


@dataclass(frozen=True, slots=True)
class MadeIssue:
    """What names an issue: the newsletter that it is of, when it leaves, and the lists it goes to."""

    parent: str
    due_at: datetime
    zone: str
    lists: frozenset[str]

    def called(self, newsletter: str) -> str:
        """What staff call it, by the name of its newsletter."""
        return issue_name(newsletter, self.due_at, zone=self.zone)


def made_issues(connection: Connection, slug: str | None = None) -> dict[str, MadeIssue]:
    """Every issue that was made, by the slug of its campaign; with `slug` that one alone."""
    table = campaigns.c
    wanted = (table.kind == CampaignKind.ISSUE) & (table.slug == slug if slug is not None else true())
    named = table.message["list"].as_string() if slug is not None else table.audience["include"][0].as_string()
    rows = connection.execute(
        select(table.slug, table.parent, table.due_at, table.zone, table.audience, named.label("list")).where(wanted)
    )
    return {
        row.slug: MadeIssue(row.parent, row.due_at, row.zone, frozenset([row.list, *row.audience["include"]]))
        for row in rows
    }


def issue_name(newsletter: str, moment: datetime, *, zone: str) -> str:
    """What staff call an issue: River news, 1 Dec 2026."""
    return f"{newsletter}, {moment.astimezone(ZoneInfo(zone or 'UTC')):%-d %b %Y}"
