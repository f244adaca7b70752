"""Goes down a list: opens the gates that groups wait behind, as their samples do well.

What a gate asks is in `experiments.cohorts`. A group whose sample does too little holds the newsletter: it pauses, with
the reason, and staff resume it, which opens that group, or stop it for good. Each decision is one transaction with what
it changes: a row of the group's, one of the campaign's, and no delivery.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, exists, func, select, update

from mailer.audience.selection.spec import from_json
from mailer.delivery.ledger.guard import QUEUED, THEN
from mailer.delivery.ledger.reopen import lock_campaign
from mailer.experiments.cohorts import PlannedCohorts, stage_of, stage_opened, why_not_on
from mailer.experiments.deciding import ArmCounts
from mailer.staff import audit
from mailer.staff.actor import cron
from mailer.store.engine.by_campaign import about
from mailer.store.engine.database import Conflict, Database
from mailer.store.tables.core import campaigns, deliveries, events, hits, links
from mailer.store.tables.experiments import cohorts
from mailer.store.tables.states import CampaignState, CohortState, DeliveryState, Verdict
from mailer.tracking.classify import judge_new

BY_STAFF = "resumed by staff"
REMEDY = "Look at it before the others get it, too"


def any_cohort_due(connection: Connection, *, now: datetime) -> bool:
    """Whether the time of a gate has come, found by an index."""
    return connection.execute(_due(now).limit(1)).first() is not None


def decide_cohorts(database: Database, *, now: datetime) -> None:
    """Judge each sample whose time has come: its group's others may be mailed, or the campaign pauses.

    A group that was held and whose campaign was resumed is opened: staff have seen the reason.
    """
    with database.read() as connection:
        due = connection.execute(_due(now)).all()
    if not due:
        return
    judge_new(database)
    for row in due:
        with suppress(Conflict), database.write() as connection:
            _decide(connection, row.campaign_id, row.n, now=now)


def _due(now: datetime) -> Select[Any]:
    """Gates whose time has come, of campaigns that are being sent."""
    sending = exists().where(campaigns.c.id == cohorts.c.campaign_id, campaigns.c.state == CampaignState.SENDING)
    undecided = and_(cohorts.c.decided_at.is_(None), cohorts.c.decide_at <= now)
    return select(cohorts).where(undecided, sending).order_by(cohorts.c.decide_at)


def _decide(connection: Connection, campaign_id: int, n: int, *, now: datetime) -> None:
    """Decide one gate; nothing when somebody else did, or its campaign was stopped."""
    lock_campaign(connection, campaign_id)
    this = and_(cohorts.c.campaign_id == campaign_id, cohorts.c.n == n)
    row = connection.execute(_due(now).where(this)).one_or_none()
    if row is None:
        return
    campaign = connection.execute(
        select(campaigns.c.slug, campaigns.c.audience).where(campaigns.c.id == campaign_id)
    ).one()
    plan = from_json(campaign.audience).down_the_list
    assert plan is not None, "a campaign with groups has their plan"
    if row.state == CohortState.HELD:
        _open(connection, row, plan, slug=campaign.slug, now=now, why=BY_STAFF)
        return
    sample, wait_until = _sampled(connection, row, plan, now=now)
    if wait_until is not None:
        connection.execute(update(cohorts).where(this).values(decide_at=wait_until))
        return
    counts = {"sent": sample.sent, "clicked": sample.clicked, "complained": sample.complained}
    connection.execute(update(cohorts).where(this).values(counts=counts))
    why = why_not_on(sample, plan) if row.sample else ""
    if why:
        _hold(connection, row, f"of a sample of people {plan.words(n)}, {why}", slug=campaign.slug, now=now)
    else:
        _open(connection, row, plan, slug=campaign.slug, now=now)


def _open(
    connection: Connection, row: Row[Any], plan: PlannedCohorts, *, slug: str, now: datetime, why: str = ""
) -> None:
    """Let a group's others be mailed, and the next group's sample."""
    mine = cohorts.c.campaign_id == row.campaign_id
    opened = {"state": CohortState.OPEN, "decided_at": now, "why": why or row.why}
    connection.execute(update(cohorts).where(mine, cohorts.c.n == row.n).values(opened))
    again = now + timedelta(seconds=plan.wait_seconds)
    connection.execute(update(cohorts).where(mine, cohorts.c.n == row.n + 1).values(decide_at=again))
    stage = stage_opened(row.n)
    connection.execute(update(campaigns).where(campaigns.c.id == row.campaign_id).values(stage=stage))
    detail = f"people {plan.words(row.n)}{f': {why}' if why else ''}"
    subject = audit.newsletter_subject(slug)
    audit.record(connection, cron(), "newsletter went on down the list", at=now, subject=subject, detail=detail)


def _hold(connection: Connection, row: Row[Any], told: str, *, slug: str, now: datetime) -> None:
    """Keep a group behind its gate, and pause: staff decide."""
    this = and_(cohorts.c.campaign_id == row.campaign_id, cohorts.c.n == row.n)
    connection.execute(update(cohorts).where(this).values(state=CohortState.HELD, why=told))
    paused = update(campaigns).where(campaigns.c.id == row.campaign_id)
    connection.execute(paused.values(state=CampaignState.PAUSED, why=f"{told}{QUEUED}{REMEDY}{THEN}{slug}"))
    subject = audit.newsletter_subject(slug)
    audit.record(connection, cron(), "newsletter paused", at=now, subject=subject, detail=told)


def _sampled(
    connection: Connection, row: Row[Any], plan: PlannedCohorts, *, now: datetime
) -> tuple[ArmCounts, datetime | None]:
    """What the sample did; and until when to wait, while somebody's mail of it wasn't tried yet, or not for so long."""
    mine = (deliveries.c.campaign_id == row.campaign_id, deliveries.c.stage == stage_of(row.n, is_sample=True))
    state, was_sent = deliveries.c.state, deliveries.c.state == DeliveryState.SENT.value
    # Those who are tried again after a soft refusal aren't waited for: that may take days.
    untried = and_(state == DeliveryState.QUEUED.value, deliveries.c.attempt == 0)
    sent, waiting, last = connection.execute(
        select(
            func.count().filter(was_sent),
            func.count().filter(untried | (state == DeliveryState.SENDING.value)),
            func.max(deliveries.c.changed_at).filter(was_sent),
        ).where(*mine)
    ).one()
    wait = timedelta(seconds=plan.wait_seconds)
    until = now + wait if waiting else last + wait if last is not None else now
    action = and_(links.c.campaign_id == hits.c.campaign_id, links.c.n == hits.c.n, links.c.is_action)
    followed = hits.join(links, action).join(deliveries, about(hits))
    complained = events.join(deliveries, about(events))
    people = select(func.count(deliveries.c.id.distinct())).where(*mine)
    human = (hits.c.campaign_id == row.campaign_id, hits.c.verdict == Verdict.HUMAN.value)
    reported = (events.c.campaign_id == row.campaign_id, events.c.kind == "complained")
    clicked, spam = (
        connection.execute(people.select_from(source).where(*conditions)).scalar_one()
        for source, conditions in ((followed, human), (complained, reported))
    )
    return ArmCounts("", sent, clicked=clicked, complained=spam), until if until > now else None
