"""Versions of an automation: frozen when it is started, read back as values, and retired once nobody is inside.

A version holds its definition, and a campaign for each step that mails. People stay in the version that they came into.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, exists, insert, select, update

from mailer.audience.consent.changes import list_id
from mailer.audience.consent.still_inside import LeavingRules
from mailer.automations.steps import Automation, from_json, to_json
from mailer.delivery.campaigns.freeze import Plan, create_campaign
from mailer.delivery.campaigns.lifecycle import finish_open
from mailer.store.tables.automations import (
    INSIDE,
    automation_entries,
    automation_sends,
    automation_versions,
    automations,
)
from mailer.store.tables.core import campaigns
from mailer.store.tables.states import CampaignKind, CampaignState


@dataclass(frozen=True, slots=True)
class AutomationVersion:
    """A version as it is frozen. `sends`: the campaign of each step that mails."""

    id: int
    automation_id: int
    number: int
    automation: Automation
    digest: str
    rules: LeavingRules
    sends: Mapping[str, int]


def locked(connection: Connection, automation_id: int, *, waiting: bool = False) -> Row[Any] | None:
    """The automation's row, which nobody else changes until this transaction ends; None when somebody is at it, unless
    `waiting`. Whatever moves people takes it first, so no two programs move the same."""
    query = select(automations).where(automations.c.id == automation_id).with_for_update(skip_locked=not waiting)
    return connection.execute(query).one_or_none()


def freeze_version(
    connection: Connection, automation_id: int, automation: Automation, plans: Mapping[str, Plan], *,
    digest: str, now: datetime,
) -> int:  # fmt: skip
    """A new version, with a campaign that stays open for each of `plans`, by step; returns its number in the table."""
    mine = automation_versions.c.automation_id == automation_id
    last = select(automation_versions.c.number).where(mine).order_by(automation_versions.c.number.desc()).limit(1)
    number = (connection.execute(last).scalar() or 0) + 1
    row = {
        "automation_id": automation_id, "number": number, "definition": to_json(automation), "digest": digest,
        "list_id": list_id(connection, automation.list), "created_at": now,
    }  # fmt: skip
    made = connection.execute(insert(automation_versions).values(row).returning(automation_versions.c.id))
    version_id = int(made.scalar_one())
    for step, plan in plans.items():
        name = campaign_slug(automation.slug, number, step)
        part = replace(plan, kind=CampaignKind.STEP, parent=automation.slug)
        campaign_id = create_campaign(connection, part, state=CampaignState.SENDING, now=now, slug=name)
        connection.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(launched_at=now))
        connection.execute(insert(automation_sends).values(campaign_id=campaign_id, version_id=version_id, step=step))
    return version_id


def campaign_slug(slug: str, number: int, step: str) -> str:
    """What the campaign of a step is called: no newsletter can have that name."""
    return f"{slug}.{number}.{step}"


def living_versions(connection: Connection, automation_id: int) -> list[AutomationVersion]:
    """The versions that somebody is inside, or comes into; the newest first."""
    query = select(automation_versions).where(
        automation_versions.c.automation_id == automation_id, automation_versions.c.retired_at.is_(None)
    )
    rows = connection.execute(query.order_by(automation_versions.c.number.desc())).all()
    return [_version(connection, row) for row in rows]


def version_of(connection: Connection, version_id: int) -> AutomationVersion:
    """One version by its number in the table."""
    query = select(automation_versions).where(automation_versions.c.id == version_id)
    return _version(connection, connection.execute(query).one())


def _version(connection: Connection, row: Row[Any]) -> AutomationVersion:
    sends = select(automation_sends.c.step, automation_sends.c.campaign_id)
    found = connection.execute(sends.where(automation_sends.c.version_id == row.id))
    automation = from_json(row.definition)
    return AutomationVersion(
        row.id, row.automation_id, row.number, automation, row.digest, LeavingRules(row.list_id, automation.goals),
        {one.step: one.campaign_id for one in found},
    )  # fmt: skip


def campaigns_of(connection: Connection, automation_id: int) -> list[int]:
    """The campaigns of all its versions."""
    query = select(automation_sends.c.campaign_id).join(
        automation_versions, automation_versions.c.id == automation_sends.c.version_id
    )
    return list(connection.execute(query.where(automation_versions.c.automation_id == automation_id)).scalars())


def paused_steps(connection: Connection, version: AutomationVersion) -> frozenset[str]:
    """The steps whose mail is paused, by staff or a guard rail: people wait before them."""
    paused = select(campaigns.c.id).where(
        campaigns.c.id.in_(sorted(version.sends.values())), campaigns.c.state == CampaignState.PAUSED
    )
    found = set(connection.execute(paused).scalars())
    return frozenset(step for step, campaign_id in version.sends.items() if campaign_id in found)


def retire(connection: Connection, version: AutomationVersion, *, now: datetime) -> bool:
    """End a version that nobody comes into once nobody is inside and all its mails are answered. False while not."""
    inside = exists().where(INSIDE, automation_entries.c.version_id == version.id)
    if connection.execute(select(inside)).scalar():
        return False
    ended = (CampaignState.FINISHED, CampaignState.CANCELLED)
    for campaign_id in version.sends.values():
        finish_open(connection, campaign_id, now=now)
    states = select(campaigns.c.state).where(campaigns.c.id.in_(sorted(version.sends.values())))
    if any(state not in ended for state in connection.execute(states).scalars()):
        return False
    connection.execute(update(automation_versions).where(automation_versions.c.id == version.id).values(retired_at=now))
    return True


def may_set_inactive(connection: Connection, automation_id: int) -> bool:
    """Whether some version of it ended in "inactive" for somebody, so that it has to see when they act."""
    query = select(automation_versions.c.definition).where(automation_versions.c.automation_id == automation_id)
    return any(
        step.get("inactive") for definition in connection.execute(query).scalars() for step in definition["steps"]
    )
