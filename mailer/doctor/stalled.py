"""Detects stalled work: paused and overdue campaigns, workers that died, queues that nobody works on."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from mailer.counting import counted
from mailer.delivery.ledger.warm_up import WarmUp
from mailer.diagnostics import Diagnostic, warning, well
from mailer.settings import Pace
from mailer.store.tables.core import campaigns, deliveries, workers
from mailer.store.tables.states import CampaignState, DeliveryState

# cron calls `mailer run` every minute; one that was missed is nothing, five are a cron that doesn't run.
PATIENCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class CampaignProgress:
    """One campaign. `waiting` counts the queued; `due_since` is when the first of them was due; `worked_at` says
    whether a worker that lives is at it."""

    slug: str
    transport: str
    state: CampaignState
    why: str
    due_at: datetime | None
    waiting: int
    due_since: datetime | None
    uncertain: int
    worked_at: bool


@dataclass(frozen=True, slots=True)
class DeadWorker:
    """A worker whose lease ran out and whose claims nobody has taken over. `on_the_wire` may have left or not."""

    name: str  # host:process
    lease_until: datetime
    claimed: int
    on_the_wire: int


@dataclass(frozen=True, slots=True)
class SendingFacts:
    """All campaigns that could need somebody, and the workers."""

    campaigns: tuple[CampaignProgress, ...]
    dead: tuple[DeadWorker, ...]
    living: int
    held_back: Mapping[str, str]  # transport → why its warm-up plan lets nobody more through today


def gather_sending(connection: Connection, *, now: datetime, pace: Pace, transport: str) -> SendingFacts:
    """`transport` is the one that is set, and `pace` the warm-up plan that goes with it."""
    known = connection.execute(select(workers)).all()
    dead = [row for row in known if row.lease_until < now]
    at_work = {row.campaign_id for row in known if row.lease_until >= now}
    today = WarmUp(pace, transport=transport).today(connection, now)
    return SendingFacts(
        campaigns=tuple(_campaigns(connection, at_work)),
        dead=tuple(_dead_worker(connection, row.id, name=row.name, lease_until=row.lease_until) for row in dead),
        living=len(known) - len(dead),
        held_back={transport: today.in_words(now)} if today and not today.left else {},
    )


def _campaigns(connection: Connection, at_work: Container[int | None]) -> Iterator[CampaignProgress]:
    rows = connection.execute(
        select(
            campaigns.c.id,
            campaigns.c.slug,
            campaigns.c.transport,
            campaigns.c.state,
            campaigns.c.why,
            campaigns.c.due_at,
        )  # not the message, which is large
        .where(campaigns.c.state != CampaignState.CANCELLED)
        .order_by(campaigns.c.created_at)
    ).all()
    for row in rows:
        counts = {
            state: (count, first)
            for state, count, first in connection.execute(
                select(deliveries.c.state, func.count(), func.min(deliveries.c.not_before))
                .where(
                    deliveries.c.campaign_id == row.id,
                    deliveries.c.state.in_((DeliveryState.QUEUED, DeliveryState.UNCERTAIN)),
                )
                .group_by(deliveries.c.state)
            )
        }
        waiting, due_since = counts.get(DeliveryState.QUEUED, (0, None))
        uncertain, _ = counts.get(DeliveryState.UNCERTAIN, (0, None))
        yield CampaignProgress(
            slug=row.slug,
            transport=row.transport,
            state=CampaignState(row.state),
            why=row.why,
            due_at=row.due_at,
            waiting=waiting,
            due_since=due_since,
            uncertain=uncertain,
            worked_at=row.id in at_work,
        )


def _dead_worker(connection: Connection, worker_id: int, *, name: str, lease_until: datetime) -> DeadWorker:
    mine = select(deliveries.c.state, func.count()).where(deliveries.c.worker_id == worker_id)
    counts: dict[str, int] = {}
    for state, count in connection.execute(mine.group_by(deliveries.c.state)):
        counts[state] = count
    return DeadWorker(name, lease_until, sum(counts.values()), counts.get(DeliveryState.SENDING, 0))


def judge_sending(facts: SendingFacts, *, now: datetime) -> list[Diagnostic]:
    findings = [finding for one in facts.campaigns for finding in _judge_campaign(one, facts, now)]
    findings += [_judge_dead(one) for one in facts.dead]
    if findings:
        return findings
    at_work = f"; {counted(facts.living, 'worker')} at work" if facts.living else ""
    return [well(f"no campaign waits for staff{at_work}")]


def _judge_campaign(one: CampaignProgress, facts: SendingFacts, now: datetime) -> Iterator[Diagnostic]:
    why = f": {one.why.rstrip('.')}" if one.why else ""  # a sentence of its own when staff wrote it
    match one.state:
        case CampaignState.PAUSED:
            yield warning(
                f"the campaign {one.slug} is paused, and {_people(one.waiting)} for it{why}",
                f"When that is settled: mailer resume {one.slug}, or mailer cancel {one.slug}",
            )
        case CampaignState.OVERDUE:
            yield warning(
                f"the campaign {one.slug} was due at {_at(one.due_at)} and was not sent{why}",
                f"Send it now or schedule it again: mailer send {one.slug}",
            )
        case CampaignState.SCHEDULED if one.due_at is not None and one.due_at < now - PATIENCE:
            yield warning(
                f"the campaign {one.slug} was due at {_at(one.due_at)}, and nothing has begun to send it",
                "Is cron running `mailer run`? See: mailer cron",
            )
        case CampaignState.SENDING if one.waiting and one.transport in facts.held_back:
            yield well(f"{one.slug}: {facts.held_back[one.transport]}")
        case CampaignState.SENDING if not one.worked_at and one.due_since and one.due_since < now - PATIENCE:
            yield warning(
                f"nobody is sending the campaign {one.slug}; {_people(one.waiting)} for it since {_at(one.due_since)}",
                "Is cron running `mailer run`? See: mailer cron",
            )
        case _:
            pass
    if one.uncertain:
        yield warning(
            f"{counted(one.uncertain, 'person', 'people')} may have got {one.slug} or not, and nobody can tell",
            f"See who, and decide: mailer resolve {one.slug}",
        )


def _judge_dead(one: DeadWorker) -> Diagnostic:
    left = f"{counted(one.claimed, 'delivery', 'deliveries')} with it"
    lost = f", {one.on_the_wire:,} of them perhaps handed over" if one.on_the_wire else ""
    return warning(
        f"the worker {one.name} died or hangs: its lease ran out at {_at(one.lease_until)}, {left}{lost}",
        "The next `mailer run` settles it. If this stays, cron isn't running it: mailer cron",
    )


def _people(count: int) -> str:
    return f"{counted(count)} {'waits' if count == 1 else 'wait'}"


def _at(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"
