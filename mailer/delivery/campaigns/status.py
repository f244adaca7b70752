"""The status of every campaign: its state, when it is due, and how many people are where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import Connection, bindparam, func, literal, select, true

from mailer.store.tables.core import APART, EPOCH, QUEUE, campaigns, deliveries, guard_evidence, people, workers
from mailer.store.tables.states import CHOSEN, CampaignKind, CampaignState, DeliveryState

DRAFT: Final = "draft"
# Campaigns that have a frozen message which is still to be mailed, to all or to some.
GLANCE = [column for column in campaigns.c if column.name != "message"]
EVIDENCE = [column for column in guard_evidence.c if column.name != "recent"]
WAITING = (CampaignState.SCHEDULED, CampaignState.SENDING, CampaignState.PAUSED)


@dataclass(frozen=True, slots=True)
class CampaignStatus:
    """One campaign at a glance. `people` counts deliveries by state; `next_try` is when the first queued one is due;
    `troubles` how many runs in a row its transport failed."""

    slug: str
    state: CampaignState | Literal["draft"]  # a draft has no campaign yet
    why: str
    transport: str
    due_at: datetime | None
    zone: str
    launched_at: datetime | None
    finished_at: datetime | None
    digest: str
    people: Mapping[DeliveryState, int]
    next_try: datetime | None
    troubles: int
    campaign_id: int | None = None
    resumed_at: datetime | None = None  # the last time; None while it never was
    mailed_since: int = 0  # people whose mail was answered for good since then, as of some seconds ago
    local_at: str = ""  # what clocks show where each person is, such as 2026-12-01T09:00, when it leaves by local time
    include: tuple[str, ...] = ()  # the lists it was asked for
    kind: CampaignKind = CampaignKind.NEWSLETTER
    parent: str = ""  # the newsletter that an issue is of


CountStates = Callable[[Connection, int | None], Mapping[int, Mapping[DeliveryState, int]]]


def count_states(connection: Connection, campaign_id: int | None = None) -> dict[int, Counter[DeliveryState]]:
    """How many of each campaign's deliveries, or of one's, are in which state, but for *sent*: those are all others.

    Three small indexes hold the people who are queued, claimed, or anything but simply mailed, so a million who
    were mailed needn't be counted one by one.
    """
    counted: dict[int, Counter[DeliveryState]] = {}
    campaign, state = deliveries.c.campaign_id, deliveries.c.state
    mine = campaign == campaign_id if campaign_id is not None else true()
    # Naming the state would fetch each of perhaps a million rows of the queue for it.
    queued = select(campaign, literal(DeliveryState.QUEUED.value), func.count()).where(QUEUE, mine)
    others = select(campaign, state, func.count()).where(APART, mine)
    queries = [queued.group_by(campaign), others.group_by(campaign, state)]
    if at_work := list(connection.execute(select(workers.c.id)).scalars()):
        # Few, and found by their worker: by their campaign all of its deliveries would be read.
        claimed = select(campaign, state, func.count()).where(deliveries.c.worker_id.in_(at_work))
        queries.append(claimed.group_by(campaign, state))
    for query in queries:
        for number, name, count in connection.execute(query):
            if campaign_id in (None, number):
                counted.setdefault(number, Counter())[DeliveryState(name)] += count
    return counted


def campaign_statuses(
    connection: Connection, *, slug: str | None = None, count: CountStates = count_states
) -> list[CampaignStatus]:
    """All newsletters' campaigns, the newest first; with `slug` that one alone, which may be an automation's step.
    `count` is asked how many people are where."""
    one = campaigns.c.slug == slug if slug is not None else campaigns.c.kind != CampaignKind.STEP
    # Not the message, which is most of a campaign: of hundreds it would be tens of megabytes.
    rows = connection.execute(select(*GLANCE).where(one).order_by(campaigns.c.created_at.desc())).all()
    only = rows[0].id if slug is not None and rows else None
    counted = count(connection, only)
    evidence = {row.campaign_id: row for row in connection.execute(select(*EVIDENCE))}
    return [
        CampaignStatus(
            slug=row.slug,
            state=CampaignState(row.state),
            why=row.why,
            transport=row.transport,
            due_at=row.due_at,
            zone=row.zone,
            launched_at=row.launched_at,
            finished_at=row.finished_at,
            digest=row.digest,
            people=_with_sent(counted.get(row.id, {}), frozen=row.counts.get(CHOSEN, 0)),
            next_try=_next_try(connection, row.id, row.stage) if row.state in WAITING else None,
            troubles=seen.troubles if (seen := evidence.get(row.id)) else 0,
            campaign_id=row.id,
            local_at=row.local_at,
            include=tuple(row.audience.get("include", ())),
            kind=CampaignKind(row.kind),
            parent=row.parent,
            resumed_at=seen.since if seen and seen.since > EPOCH else None,
            mailed_since=seen.accepted + seen.refused if seen else 0,
        )
        for row in rows
    ]


def sent_counts(connection: Connection) -> dict[int, int]:
    """People whose mail was taken, by the campaign's number."""
    found = campaign_statuses(connection)
    return {one.campaign_id: one.people.get(DeliveryState.SENT, 0) for one in found if one.campaign_id is not None}


def draft_statuses(slugs: Sequence[str], known: Sequence[CampaignStatus], *, transport: str) -> list[CampaignStatus]:
    """The newsletters that were neither sent nor scheduled, as `mailer status` lists them below the others."""
    campaigned = {one.slug for one in known}
    return [
        CampaignStatus(
            slug=slug, state=DRAFT, why="", transport=transport, due_at=None, zone="", launched_at=None,
            finished_at=None, digest="", people={}, next_try=None, troubles=0,
        )
        for slug in slugs
        if slug not in campaigned
    ]  # fmt: skip


def _next_try(connection: Connection, campaign_id: int, stage: int) -> datetime | None:
    """When the first is due of those who are queued and wait behind no gate: the first entry of an index for each
    stage, where a group of all would read each."""
    mine = select(deliveries.c.not_before).where(QUEUE, deliveries.c.campaign_id == campaign_id)
    first = mine.where(deliveries.c.stage == bindparam("at")).order_by(deliveries.c.not_before).limit(1)
    found = [connection.execute(first, {"at": one}).scalar() for one in range(stage + 1)]
    return min((one for one in found if one is not None), default=None)


def _with_sent(counted: Mapping[DeliveryState, int], *, frozen: int) -> dict[DeliveryState, int]:
    """All states but those that nobody is in. `frozen`: people in the audience."""
    found = dict(counted)
    if sent := frozen - sum(counted.values()):
        found[DeliveryState.SENT] = sent
    return found


@dataclass(frozen=True, slots=True)
class PersonApart:
    """Somebody whose mail did not simply go out. The address is "" once they were forgotten."""

    address: str
    since: datetime
    why: str


def people_apart(
    connection: Connection,
    campaign_id: int,
    state: DeliveryState = DeliveryState.UNCERTAIN,
    *,
    limit: int | None = None,
) -> list[PersonApart]:
    """Everybody whose delivery is in this state, not one of queued, sending and sent; those who are uncertain are for
    staff to decide on."""
    rows = connection.execute(
        select(people.c.address, deliveries.c.changed_at, deliveries.c.detail)
        .select_from(deliveries.outerjoin(people, people.c.id == deliveries.c.person_id))
        .where(APART, deliveries.c.campaign_id == campaign_id, deliveries.c.state == state)
        .order_by(deliveries.c.id)
        .limit(limit)
    )
    return [PersonApart(row.address or "", row.changed_at, row.detail) for row in rows]
