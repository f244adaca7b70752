"""The groups of a campaign that goes down its list: kept at the launch, shown to staff. `down_the_list` opens them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select, update

from mailer.audience.selection.spec import from_json
from mailer.experiments.cohorts import PlannedCohorts, stage_of, stage_opened
from mailer.store.tables.core import campaigns, deliveries
from mailer.store.tables.experiments import cohorts
from mailer.store.tables.states import CohortState


@dataclass(frozen=True, slots=True)
class KeptCohort:
    """A group after the first. `words`: who is in it, to follow "people". `decide_at` is None until its sample leaves;
    `clicked` and `complained` are of those of the sample who were `sent` it, when it was decided."""

    n: int
    words: str
    people: int
    sample: int
    state: CohortState
    decide_at: datetime | None
    why: str
    sent: int = 0
    clicked: int = 0
    complained: int = 0


def keep_cohorts(connection: Connection, campaign_id: int, plan: PlannedCohorts, *, now: datetime) -> None:
    """Keep the groups of a campaign that was just frozen; the first one's mail and the next one's sample leave now."""
    stage = deliveries.c.stage
    counted = select(stage, func.count()).where(deliveries.c.campaign_id == campaign_id).group_by(stage)
    people = {int(row[0]): int(row[1]) for row in connection.execute(counted)}
    for n in range(1, plan.last + 1):
        sample, others = (people.get(stage_of(n, is_sample=one), 0) for one in (True, False))
        connection.execute(
            insert(cohorts).values(
                campaign_id=campaign_id, n=n, people=sample + others, sample=sample, state=CohortState.WAITING,
                decide_at=now + timedelta(seconds=plan.wait_seconds) if n == 1 else None,
            )
        )  # fmt: skip
    connection.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(stage=stage_opened(0)))


def cohorts_of(connection: Connection, campaign_id: int) -> list[KeptCohort]:
    """The groups of a campaign in their order; none where it goes to everybody at once."""
    rows = connection.execute(
        select(cohorts, campaigns.c.audience)
        .join(campaigns, campaigns.c.id == cohorts.c.campaign_id)
        .where(cohorts.c.campaign_id == campaign_id)
        .order_by(cohorts.c.n)
    ).all()
    plan = from_json(rows[0].audience).down_the_list if rows else None
    return [
        KeptCohort(row.n, plan.words(row.n) if plan else "", row.people, row.sample, CohortState(row.state),
                   row.decide_at, row.why, **row.counts)
        for row in rows
    ]  # fmt: skip
