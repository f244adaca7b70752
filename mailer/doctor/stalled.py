"""Detects stalled work: paused and overdue campaigns, workers that died, queues that nobody works on."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, case, func, select

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
        dead=tuple(_dead_worker(connection, row) for row in dead),
        living=len(known) - len(dead),
        held_back={transport: today.in_words(now)} if today and not today.left else {},
    )


def _campaigns(connection: Connection, at_work: Container[int | None]) -> Iterator[CampaignProgress]:
    columns = campaigns.c  # not the message, which is large
    rows = connection.execute(
        select(columns.id, columns.slug, columns.transport, columns.state, columns.why, columns.due_at)
        .where(columns.state != CampaignState.CANCELLED)
        .order_by(columns.created_at)
    ).all()
    for row in rows:
        mine = deliveries.c.campaign_id == row.id
        first = func.min(deliveries.c.not_before)
        queued = select(func.count(), first).where(mine, deliveries.c.state == DeliveryState.QUEUED)
        uncertain = select(func.count()).where(mine, deliveries.c.state == DeliveryState.UNCERTAIN)
        waiting, due_since = connection.execute(queued).one()
        yield CampaignProgress(
            slug=row.slug,
            transport=row.transport,
            state=CampaignState(row.state),
            why=row.why,
            due_at=row.due_at,
            waiting=waiting,
            due_since=due_since,
            uncertain=connection.execute(uncertain).scalar_one(),
            worked_at=row.id in at_work,
        )


def _dead_worker(connection: Connection, row: Row[Any]) -> DeadWorker:
    sending = func.sum(case((deliveries.c.state == DeliveryState.SENDING, 1), else_=0))
    mine = select(func.count(), sending).where(deliveries.c.worker_id == row.id)
    claimed, on_the_wire = connection.execute(mine).one()
    return DeadWorker(row.name, row.lease_until, claimed, on_the_wire or 0)


def judge_sending(facts: SendingFacts, *, now: datetime) -> list[Diagnostic]:
    findings = [finding for one in facts.campaigns for finding in _judge_campaign(one, facts, now)]
    findings += [_judge_dead(one) for one in facts.dead]
    at_work = f"; {counted(facts.living, 'worker')} at work" if facts.living else ""
    return findings or [well(f"no campaign waits for staff{at_work}")]


def _judge_campaign(one: CampaignProgress, facts: SendingFacts, now: datetime) -> Iterator[Diagnostic]:
    named = f"the campaign {one.slug}"
    why = f": {one.why.rstrip('.')}" if one.why else ""  # a sentence of its own when staff wrote it
    wait = f"{counted(one.waiting)} {'waits' if one.waiting == 1 else 'wait'} for it"
    cron = "Is cron running `mailer run`? See: mailer cron"
    match one.state:
        case CampaignState.PAUSED:
            remedy = f"When that is settled: mailer resume {one.slug}, or mailer cancel {one.slug}"
            yield warning(f"{named} is paused, and {wait}{why}", remedy)
        case CampaignState.OVERDUE:
            remedy = f"Send it now or schedule it again: mailer send {one.slug}"
            yield warning(f"{named} was due at {_at(one.due_at)} and was not sent{why}", remedy)
        case CampaignState.SCHEDULED if one.due_at is not None and one.due_at < now - PATIENCE:
            yield warning(f"{named} was due at {_at(one.due_at)}, and nothing has begun to send it", cron)
        case CampaignState.SENDING if one.waiting and one.transport in facts.held_back:
            yield well(f"{one.slug}: {facts.held_back[one.transport]}")
        case CampaignState.SENDING if not one.worked_at and one.due_since and one.due_since < now - PATIENCE:
            yield warning(f"nobody is sending {named}; {wait} since {_at(one.due_since)}", cron)
        case _:
            pass
    if one.uncertain:
        people = counted(one.uncertain, "person", "people")
        remedy = f"See who, and decide: mailer resolve {one.slug}"
        yield warning(f"{people} may have got {one.slug} or not, and nobody can tell", remedy)


def _judge_dead(one: DeadWorker) -> Diagnostic:
    left = f"{counted(one.claimed, 'delivery', 'deliveries')} with it"
    lost = f", {one.on_the_wire:,} of them perhaps handed over" if one.on_the_wire else ""
    said = f"the worker {one.name} died or hangs: its lease ran out at {_at(one.lease_until)}, {left}{lost}"
    return warning(said, "The next `mailer run` settles it. If this stays, cron isn't running it: mailer cron")


def _at(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"
