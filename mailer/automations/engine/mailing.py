"""Puts a step's mail into the ledger: a row for each person, who is not mailed if that would be too late, at night, or
more than they asked for. Who gets nothing has a row too, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from mailer.audience.consent.eligibility import Reason
from mailer.audience.selection.select import wants_fewer
from mailer.automations.engine.versions import AutomationVersion
from mailer.automations.engine.zones import may_leave, zone_or
from mailer.automations.steps import SendStep
from mailer.compose.message import from_json
from mailer.store.engine.arrays import among
from mailer.store.engine.by_campaign import NUMBERS_PER_CAMPAIGN
from mailer.store.tables.automations import automation_entries
from mailer.store.tables.core import campaigns, deliveries, people
from mailer.store.tables.states import CHOSEN, TOTAL, CampaignState, DeliveryState

TOO_LATE = "too late"  # the reason of a mail that its step no longer sends


@dataclass(frozen=True, slots=True)
class Arrived:
    """Somebody whose turn it is."""

    entry: int
    person: int
    zone: str
    language: str
    due: datetime


def mail(
    connection: Connection, version: AutomationVersion, step: SendStep, here: Sequence[Arrived], *,
    zone: str, now: datetime,
) -> tuple[list[Arrived], list[Arrived]]:  # fmt: skip
    """Queue the step's mail for these people; returns those who were given one, and those who go on without. Who is
    outside the hours when mail may leave stays, until they begin."""
    campaign = connection.execute(
        select(campaigns).where(campaigns.c.id == version.sends[step.name]).with_for_update()
    ).one()
    if campaign.state == CampaignState.CANCELLED:  # staff ended this mail: everybody passes by
        return [], list(here)
    waiting, going, late = _sorted(version, step, here, zone=zone, now=now)
    for moment, some in waiting.items():
        later = update(automation_entries).where(among(automation_entries.c.id, "ids"))
        connection.execute(later.values(due_at=moment), {"ids": [one.entry for one in some]})
    fewer = _who_wants_fewer(connection, going, now=now) if not campaign.is_urgent else set[int]()
    spoken = from_json(campaign.message).spoken
    first = campaign.counts.get(CHOSEN, 0) + 1
    number = campaign.id * NUMBERS_PER_CAMPAIGN + first
    rows: list[dict[str, Any]] = []
    for n, one in enumerate([*going, *late]):
        reason = Reason.FEWER.value if one.person in fewer else TOO_LATE if n >= len(going) else ""
        rows.append(
            {
                "id": number + n, "campaign_id": campaign.id, "person_id": one.person, "entry": one.entry,
                "state": DeliveryState.SKIPPED.value if reason else DeliveryState.QUEUED.value, "code": reason,
                "not_before": now, "changed_at": now if reason else None,
                "language": spoken.version_for(one.language),
            }
        )  # fmt: skip
    if rows:
        connection.execute(insert(deliveries), rows)
        counts = {TOTAL: first - 1 + len(rows), CHOSEN: first - 1 + len(rows)}
        connection.execute(update(campaigns).where(campaigns.c.id == campaign.id).values(counts=counts))
    return going, late


def _sorted(
    version: AutomationVersion, step: SendStep, here: Sequence[Arrived], *, zone: str, now: datetime
) -> tuple[dict[datetime, list[Arrived]], list[Arrived], list[Arrived]]:
    """Those who wait until a moment, those whose mail leaves, and those whose mail would be too late."""
    waiting: dict[datetime, list[Arrived]] = {}
    going: list[Arrived] = []
    late: list[Arrived] = []
    for one in here:
        where = zone_or(one.zone, zone)
        leaves = may_leave(version.automation, where, now=now)
        if step.not_after is not None and leaves - one.due > step.not_after:
            late.append(one)
        elif leaves > now:
            waiting.setdefault(leaves, []).append(one)
        else:
            going.append(one)
    return waiting, going, late


def _who_wants_fewer(connection: Connection, going: Sequence[Arrived], *, now: datetime) -> set[int]:
    fewer = select(people.c.id).where(
        among(people.c.id, "numbers"), wants_fewer(people.c.frequency, people.c.id, now=now)
    )
    return set(connection.execute(fewer, {"numbers": [one.person for one in going]}).scalars())
