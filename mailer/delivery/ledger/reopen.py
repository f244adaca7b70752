"""A finished campaign goes on when somebody is put back into its queue: by staff's decision, or by a late answer that
proves that nothing was handed over. What a worker that died had claimed goes back; anyone who is too late by their own
clock is held."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, exists, or_, select, update

from mailer.delivery.ledger.guard_state import begin_anew
from mailer.store.engine.by_campaign import those
from mailer.store.engine.database import Database
from mailer.store.engine.prepared import PreparedStatement
from mailer.store.tables.core import QUEUE, Instant, campaigns, deliveries, workers
from mailer.store.tables.states import CampaignState, DeliveryState

HOUR_OVER = "the hour was past by the time it was their turn"  # why somebody is held

# Of those a worker wants to begin, one that is *sending* already was begun by it a moment ago, in a transaction whose
# commit the database did and could not confirm, since it was restarted. Nothing of it has left.
OURS = (
    deliveries.c.worker_id == bindparam("worker"),
    or_(deliveries.c.state == DeliveryState.QUEUED.value, deliveries.c.state == DeliveryState.SENDING.value),
)

# People who are too late by their own clock, as it was frozen. The rows of most campaigns have no such moment.
LATE = and_(deliveries.c.not_after.is_not(None), deliveries.c.not_after < bindparam("now", type_=Instant()))
_HELD: dict[str, Any] = {
    "state": DeliveryState.HELD.value, "worker_id": None, "detail": HOUR_OVER, "changed_at": bindparam("now")
}  # fmt: skip
HOLD_OURS = PreparedStatement(update(deliveries).where(those("deliveries"), *OURS, LATE).values(_HELD))
# Of those that were never put off the earliest are the first that are late, so few rows of the queue are looked at.
HOLD_QUEUED = PreparedStatement(
    update(deliveries)
    .where(
        QUEUE,
        deliveries.c.campaign_id == bindparam("campaign"),
        deliveries.c.stage == bindparam("stage"),
        deliveries.c.not_before < bindparam("late", type_=Instant()),
        LATE,
    )
    .values(_HELD)
)


def lock_campaign(connection: Connection, campaign_id: int, *, shared: bool = False) -> tuple[CampaignState, str]:
    """The campaign's state and why, which nobody else changes until this transaction ends.

    Putting people back into the queue and ending a campaign both take it first: else, in PostgreSQL, neither
    would see the other's work, and those people would stay queued in a campaign that has ended. `shared`: workers that
    are at the campaign put people back side by side.
    """
    mine = select(campaigns.c.state, campaigns.c.why).where(campaigns.c.id == campaign_id)
    mine = mine.with_for_update(read=shared)
    state, why = connection.execute(mine).one()
    return CampaignState(state), why


def reopen(connection: Connection, campaign_id: int, *, now: datetime) -> None:
    """Let a finished campaign send again when somebody is queued in it. It must be locked."""
    queued = exists().where(QUEUE, deliveries.c.campaign_id == campaign_id)
    finished = (campaigns.c.id == campaign_id, campaigns.c.state == CampaignState.FINISHED)
    again = update(campaigns).where(*finished, queued).values(state=CampaignState.SENDING, finished_at=None, why="")
    if connection.execute(again).rowcount:
        begin_anew(connection, campaign_id, now=now)


def settle_expired(database: Database, now: datetime) -> int:
    """Take over from workers whose lease has run out: what they had on the wire becomes uncertain, the rest of what
    they had claimed goes back to the queue. Returns how many deliveries became uncertain."""
    with database.read() as connection:
        if not connection.execute(select(workers.c.id).where(workers.c.lease_until < now)).all():
            return 0
    with database.write() as connection:
        dead = connection.execute(
            select(workers.c.id).where(workers.c.lease_until < now).with_for_update(skip_locked=True)
        )
        return let_go(connection, [row.id for row in dead], now, why="the program died before the answer came")


def let_go(connection: Connection, worker_ids: Sequence[int], now: datetime, *, why: str) -> int:
    """Take from workers what they claimed: what is on the wire becomes uncertain, for this reason. Returns how many."""
    theirs = deliveries.c.worker_id.in_(worker_ids)
    uncertain = connection.execute(
        update(deliveries)
        .where(theirs, deliveries.c.state == DeliveryState.SENDING)
        .values(state=DeliveryState.UNCERTAIN, code="", detail=why, worker_id=None, changed_at=now)
    ).rowcount
    connection.execute(update(deliveries).where(theirs).values(worker_id=None))
    connection.execute(delete(workers).where(workers.c.id.in_(worker_ids)))
    return uncertain
