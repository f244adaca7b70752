"""Issues of newsletters that repeat, as lists show them: without a folder, they are called by their newsletter and
their day, and their subject is the one that was frozen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import cast

from sqlalchemy import select

from mailer.compose import message as messages
from mailer.delivery.campaigns.status import CampaignStatus
from mailer.delivery.series.approval import issue_name
from mailer.editing.folders import name_of
from mailer.store.tables.core import EPOCH, campaigns
from mailer.store.tables.states import CampaignKind
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import plain
from mailer.web.studio.newsletters.shelf import ShelvedNewsletter


def files_of_issues(
    visit: Visit, files: Mapping[str, ShelvedNewsletter], statuses: Iterable[CampaignStatus]
) -> dict[str, ShelvedNewsletter]:
    """What takes the place of the files that an issue hasn't, by its slug. `files`: those of every newsletter."""
    issues = [one for one in statuses if one.kind is CampaignKind.ISSUE]
    subjects = _subjects(visit, issues)
    found: dict[str, ShelvedNewsletter] = {}
    for one in issues:
        name = one.parent
        parent = files.get(name) or ShelvedNewsletter(name, name_of(name), "", "", "", "", "", False, EPOCH, False)
        called = issue_name(parent.name, one.due_at or EPOCH, zone=one.zone)
        found[one.slug] = replace(
            parent, slug=one.slug, name=called, subject=subjects.get(one.campaign_id or 0, ""), preheader="",
            has_page=False, is_away=False, repeats=False, list=next(iter(one.include), parent.list),
        )  # fmt: skip
    return found


def _subjects(visit: Visit, issues: Iterable[CampaignStatus]) -> Mapping[int, str]:
    """The subject of each, by the campaign's number. A frozen message never changes, so each is read once."""
    known = cast("dict[int, str]", visit.studio.kept.setdefault("subjects of issues", {}))
    missing = [one.campaign_id for one in issues if one.campaign_id not in known]
    if missing:
        query = select(campaigns.c.id, campaigns.c.message).where(campaigns.c.id.in_(missing))
        with visit.database.read() as connection:
            for row in connection.execute(query):
                message = messages.from_json(row.message)
                known[row.id] = plain(messages.as_written(message, message.subject))
    return known
