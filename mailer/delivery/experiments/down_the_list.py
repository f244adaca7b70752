"""Goes down a list: puts everybody behind their group's gate at the launch, and opens gates as samples do well.

What a gate asks is in `experiments.cohorts`. A group whose sample does too little holds the newsletter: it pauses, with
the reason, and staff resume it, which opens that group, or stop it for good.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Row,
    and_,
    case,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    type_coerce,
    update,
)

from mailer.audience.selection.groups import clicked_since, signed_since
from mailer.audience.selection.select import drawn, places
from mailer.compose.message import from_json
from mailer.delivery.campaigns import lifecycle
from mailer.delivery.ledger.guard import QUEUED, THEN
from mailer.delivery.ledger.reopen import lock_campaign
from mailer.experiments.cohorts import PlannedCohorts, stage_of, stage_opened, why_not_on
from mailer.experiments.deciding import ArmCounts
from mailer.staff import audit
from mailer.staff.actor import cron
from mailer.store.engine.database import Database
from mailer.store.tables.cohorts import cohorts
from mailer.store.tables.core import campaigns, deliveries, events, hits, links
from mailer.store.tables.states import CampaignState, CohortState, DeliveryState, Verdict
from mailer.tracking.classify import judge_new

BY_STAFF = "resumed by staff"


def staged_places(plan: PlannedCohorts, *, seed: int, now: datetime) -> FromClause:
    """The people of `places` (`n`, `person_id`), each with the `stage` they wait for: decided here, and never again.

    Who is in a group's sample is drawn by `seed`.
    """
    acted = [
        or_(places.c.person_id.in_(group(now - timedelta(days=days))) for group in (signed_since, clicked_since))
        for days in plan.days
    ]
    cohort = case(*((one, n) for n, one in enumerate(acted)), else_=plan.last)
    grouped = select(places.c.n, places.c.person_id, cohort.label("cohort")).subquery()
    order = func.row_number().over(partition_by=grouped.c.cohort, order_by=drawn(grouped.c.person_id, seed))
    stage: ColumnElement[int] = case(
        *((and_(grouped.c.cohort == n, order <= plan.sample), stage_of(n, is_sample=True)) for n in _later(plan)),
        else_=2 * grouped.c.cohort,
    )
    return select(grouped.c.n, grouped.c.person_id, type_coerce(stage, Integer).label("stage")).subquery()


def keep_cohorts(connection: Connection, campaign_id: int, plan: PlannedCohorts, *, now: datetime) -> None:
    """Keep the groups of a campaign that was just frozen; the first one's mail and the next one's sample leave now."""
    stage = deliveries.c.stage
    rows = connection.execute(
        select(stage, func.count()).where(deliveries.c.campaign_id == campaign_id).group_by(stage)
    )
    people = {int(row[0]): int(row[1]) for row in rows}
    for n in _later(plan):
        sample, others = (people.get(stage_of(n, is_sample=one), 0) for one in (True, False))
        connection.execute(
            insert(cohorts).values(
                campaign_id=campaign_id, n=n, people=sample + others, sample=sample, state=CohortState.WAITING,
                decide_at=now + timedelta(seconds=plan.wait_seconds) if n == 1 else None,
            )
        )  # fmt: skip
    connection.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(stage=stage_opened(0)))


def cohorts_of(connection: Connection, campaign_id: int) -> list[Row[tuple[object, ...]]]:
    """The groups of a campaign after the first, in their order; none where it goes to everybody at once."""
    mine = select(cohorts).where(cohorts.c.campaign_id == campaign_id)
    return list(connection.execute(mine.order_by(cohorts.c.n)).all())


def any_to_decide(connection: Connection, *, now: datetime) -> bool:
    """Whether a gate may be opened, found by an index."""
    return bool(connection.execute(select(exists().select_from(_deciding()).where(_is_due(now)))).scalar())


def decide_cohorts(database: Database, *, now: datetime) -> None:
    """Judge each sample whose time has come: its group's others may be mailed, or the campaign pauses.

    A group that was held and whose campaign was resumed is opened: staff have seen the reason.
    """
    with database.read() as connection:
        due = connection.execute(select(cohorts).select_from(_deciding()).where(_is_due(now))).all()
    if not due:
        return
    judge_new(database)
    for row in due:
        if why := _decide(database, row, now=now):
            lifecycle.pause(database, row.campaign_id, why, now=now, by=cron())


def _decide(database: Database, due: Row[tuple[object, ...]], *, now: datetime) -> str:
    """Decide one gate; the reason for pausing its campaign, "" when it goes on or must wait for its sample."""
    with database.write() as connection:
        state, _ = lock_campaign(connection, due.campaign_id)
        this = and_(cohorts.c.campaign_id == due.campaign_id, cohorts.c.n == due.n)
        row = connection.execute(select(cohorts).where(this, _is_due(now))).one_or_none()
        if row is None or state is not CampaignState.SENDING:
            return ""
        campaign = connection.execute(
            select(campaigns.c.slug, campaigns.c.message).where(campaigns.c.id == row.campaign_id)
        ).one()
        plan = from_json(campaign.message).down_the_list
        assert plan is not None, "a campaign with groups has their plan"
        if row.state == CohortState.HELD:
            _open(connection, row, plan, why=BY_STAFF, now=now)
            return ""
        sample, waits_until = _sampled(connection, row, plan, now=now)
        if waits_until is not None:
            connection.execute(update(cohorts).where(this).values(decide_at=waits_until))
            return ""
        why = why_not_on(sample, plan) if row.sample else ""
        counts = {name: value for name, value in asdict(sample).items() if name in ("sent", "clicked", "complained")}
        connection.execute(update(cohorts).where(this).values(counts=counts))
        if not why:
            _open(connection, row, plan, now=now)
            return ""
        connection.execute(update(cohorts).where(this).values(state=CohortState.HELD, why=why, decide_at=now))
        who = plan.words(row.n)
        return f"of a sample of people {who}, {why}{QUEUED}Look at who they are{THEN}{campaign.slug}"


def _open(
    connection: Connection, row: Row[tuple[object, ...]], plan: PlannedCohorts, *, now: datetime, why: str = ""
) -> None:
    """Let a group's others be mailed, and the next group's sample: one row of `campaigns` changes, and no delivery."""
    mine = cohorts.c.campaign_id == row.campaign_id
    opened = {"state": CohortState.OPEN, "decided_at": now, "why": why}
    connection.execute(update(cohorts).where(mine, cohorts.c.n == row.n).values(opened))
    again = now + timedelta(seconds=plan.wait_seconds)
    connection.execute(update(cohorts).where(mine, cohorts.c.n == row.n + 1).values(decide_at=again))
    stage = stage_opened(row.n)
    connection.execute(update(campaigns).where(campaigns.c.id == row.campaign_id).values(stage=stage))
    detail = f"people {plan.words(row.n)}{f': {why}' if why else ''}"
    lifecycle.note_decision(connection, cron(), "went on down the list", row.campaign_id, at=now, detail=detail)


def _sampled(
    connection: Connection, row: Row[tuple[object, ...]], plan: PlannedCohorts, *, now: datetime
) -> tuple[ArmCounts, datetime | None]:
    """What the sample did; and until when to wait, while somebody of it has not had their mail for as long as that."""
    state = deliveries.c.state
    mine = (deliveries.c.campaign_id == row.campaign_id, deliveries.c.stage == stage_of(row.n, is_sample=True))
    open_ = state.in_((DeliveryState.QUEUED.value, DeliveryState.SENDING.value))
    sent, waiting, last = connection.execute(
        select(
            func.count().filter(state == DeliveryState.SENT.value),
            func.count().filter(open_),
            func.max(deliveries.c.changed_at).filter(state == DeliveryState.SENT.value),
        ).where(*mine)
    ).one()
    wait = timedelta(seconds=plan.wait_seconds)
    until = now + wait if waiting else last + wait if last is not None else None
    action = and_(links.c.campaign_id == hits.c.campaign_id, links.c.n == hits.c.n, links.c.is_action)
    people = func.count(deliveries.c.id.distinct())
    followed = (
        select(people)
        .select_from(hits.join(links, action).join(deliveries, deliveries.c.id == hits.c.delivery_id))
        .where(*mine, hits.c.campaign_id == row.campaign_id, hits.c.verdict == Verdict.HUMAN.value)
    )
    complained = (
        select(people)
        .select_from(events.join(deliveries, deliveries.c.id == events.c.delivery_id))
        .where(*mine, events.c.campaign_id == row.campaign_id, events.c.kind == literal("complained"))
    )
    clicked, spam = (connection.execute(query).scalar_one() for query in (followed, complained))
    counts = ArmCounts("", sent, clicked=clicked, complained=spam)
    return counts, until if until is not None and until > now else None


def _later(plan: PlannedCohorts) -> range:
    return range(1, plan.last + 1)


def _deciding() -> FromClause:
    return cohorts.join(campaigns, campaigns.c.id == cohorts.c.campaign_id)


def _is_due(now: datetime) -> ColumnElement[bool]:
    """Of a gate that is not decided: its time has come."""
    sending = exists().where(campaigns.c.id == cohorts.c.campaign_id, campaigns.c.state == CampaignState.SENDING)
    return and_(cohorts.c.decided_at.is_(None), cohorts.c.decide_at <= now, sending)
