"""What a newsletter's files come to now, as the content that approvals are bound to; and whether what is scheduled is
still that."""

from __future__ import annotations

from dataclasses import replace

from mailer.compose.source.message_file import read_source
from mailer.delivery.campaigns.freeze import Plan
from mailer.delivery.campaigns.lifecycle import find_campaign
from mailer.delivery.campaigns.orders import planned_for
from mailer.delivery.campaigns.plan import as_mailed, prepare
from mailer.review.approvals import kept_content
from mailer.review.changes import changes, in_short
from mailer.review.content import NewsletterContent, PlannedTime
from mailer.review.reading import read_content
from mailer.store.engine.database import Database
from mailer.store.tables.states import CampaignKind, CampaignState
from mailer.workspace import Workspace


def content_of(plan: Plan, *, leaves: PlannedTime | None) -> NewsletterContent:
    """The content of a plan that leaves then. Raises `MailerError` when a page or a picture can't be read."""
    found = read_content(plan.newsletter, message=plan.message, audience=plan.audience, leaves=leaves)
    if plan.series is None:
        return found
    from mailer.delivery.schedule.recurring import to_json  # few newsletters repeat
    from mailer.review.standing import standing_parts

    # What an approval of a series is of: its rule, no time of its own, and nothing that each issue has another of.
    parts = {**found.parts, "leaves": None, "series": to_json(plan.series)}
    if plan.message.data:
        parts |= standing_parts(plan.message, read_source(plan.newsletter))
    return replace(found, parts=parts)


def changed_since_scheduled(workspace: Workspace, database: Database, slug: str) -> str:
    """What of a scheduled newsletter is no longer as it was approved, in words; "" when all is, or none is asked for.

    Raises `MailerError` when the files can't be read as a newsletter any more.
    """
    if not workspace.settings.studio.approvals:
        return ""
    with database.read() as connection:
        row = find_campaign(connection, slug)
        approved = None if row is None else kept_content(connection, slug, row.content_digest)
    if row is None or row.state != CampaignState.SCHEDULED or row.kind != CampaignKind.NEWSLETTER:
        return ""
    source = as_mailed(read_source(workspace.newsletter(slug)), row.message.get("data", {}))
    now = content_of(prepare(database, source).plan, leaves=planned_for(row))
    if now.digest == row.content_digest:
        return ""
    told = in_short(changes(approved, now)) if approved else ""
    return "it was changed after it was approved and scheduled" + (f": {told}" if told else "")
