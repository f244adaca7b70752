"""A finished campaign goes on when somebody is put back into its queue: by staff's decision, or by a late answer that
proves that nothing was handed over."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, exists, select, update

from mailer.delivery.ledger.guard_state import begin_anew
from mailer.store.tables.core import QUEUE, campaigns, deliveries
from mailer.store.tables.states import CampaignState


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
