"""Detects stalled work: paused and overdue campaigns, workers that died, queues that nobody works on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, case, func, select

from mailer.counting import counted
from mailer.delivery.campaigns.status import CampaignStatus, campaign_statuses
from mailer.delivery.ledger.warm_up import WarmUp
from mailer.diagnostics import Diagnostic, warning, well
from mailer.settings import Pace
from mailer.store.tables.core import deliveries, workers
from mailer.store.tables.states import CampaignState, DeliveryState

# cron calls `mailer run` every minute; one that was missed is nothing, five are a cron that doesn't run.
PATIENCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class DeadWorker:
    """A worker whose lease ran out and whose claims nobody has taken over. `on_the_wire` may have left or not."""

    name: str  # host:process
    lease_until: datetime
    claimed: int
    on_the_wire: int


@dataclass(frozen=True, slots=True)
class SendingFacts:
    """All campaigns that could need somebody, the oldest first, and the workers."""

    campaigns: tuple[CampaignStatus, ...]
    at_work: tuple[int | None, ...]  # the campaigns of workers that live, one for each
    dead: tuple[DeadWorker, ...]
    held_back: Mapping[str, str]  # transport → why its warm-up plan lets nobody more through today


def gather_sending(connection: Connection, *, now: datetime, pace: Pace, transport: str) -> SendingFacts:
    """`transport` is the one that is set, and `pace` the warm-up plan that goes with it."""
    known = connection.execute(select(workers)).all()
    today = WarmUp(pace, transport=transport).today(connection, now)
    statuses = campaign_statuses(connection)
    return SendingFacts(
        campaigns=tuple(one for one in reversed(statuses) if one.state is not CampaignState.CANCELLED),
        at_work=tuple(row.campaign_id for row in known if row.lease_until >= now),
        dead=tuple(_dead_worker(connection, row) for row in known if row.lease_until < now),
        held_back={transport: today.in_words(now)} if today and not today.left else {},
    )


def _dead_worker(connection: Connection, row: Row[Any]) -> DeadWorker:
    sending = func.sum(case((deliveries.c.state == DeliveryState.SENDING, 1), else_=0))
    mine = select(func.count(), sending).where(deliveries.c.worker_id == row.id)
    claimed, on_the_wire = connection.execute(mine).one()
    return DeadWorker(row.name, row.lease_until, claimed, on_the_wire or 0)


def judge_sending(facts: SendingFacts, *, now: datetime) -> list[Diagnostic]:
    findings = [finding for one in facts.campaigns for finding in _judge_campaign(one, facts, now)]
    findings += [_judge_dead(one) for one in facts.dead]
    at_work = f"; {counted(len(facts.at_work), 'worker')} at work" if facts.at_work else ""
    return findings or [well(f"no campaign waits for staff{at_work}")]


def _judge_campaign(one: CampaignStatus, facts: SendingFacts, now: datetime) -> Iterator[Diagnostic]:
    named = f"the campaign {one.slug}"
    waiting, uncertain = (one.people.get(state, 0) for state in (DeliveryState.QUEUED, DeliveryState.UNCERTAIN))
    is_late = one.campaign_id not in facts.at_work and one.next_try and one.next_try < now - PATIENCE
    why = f": {one.why.rstrip('.')}" if one.why else ""  # a sentence of its own when staff wrote it
    wait = f"{counted(waiting)} {'waits' if waiting == 1 else 'wait'} for it"
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
        case CampaignState.SENDING if waiting and one.transport in facts.held_back:
            yield well(f"{one.slug}: {facts.held_back[one.transport]}")
        case CampaignState.SENDING if is_late:
            yield warning(f"nobody is sending {named}; {wait} since {_at(one.next_try)}", cron)
        case _:
            pass
    if uncertain:
        remedy = f"See who, and decide: mailer resolve {one.slug}"
        yield warning(f"{counted(uncertain)} may have got {one.slug} or not, and nobody can tell", remedy)


def _judge_dead(one: DeadWorker) -> Diagnostic:
    left = f"{counted(one.claimed, 'delivery', 'deliveries')} with it"
    lost = f", {one.on_the_wire:,} of them perhaps handed over" if one.on_the_wire else ""
    said = f"the worker {one.name} died or hangs: its lease ran out at {_at(one.lease_until)}, {left}{lost}"
    return warning(said, "The next `mailer run` settles it. If this stays, cron isn't running it: mailer cron")


def _at(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"
