"""The mails of automations that wait for somebody: paused, uncertain, held, or kept by a transport that fails.

They are in no list of newsletters, so what shows staff what waits for them asks here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Connection, func, or_, select

from mailer.store.tables.core import APART, campaigns, deliveries, guard_evidence
from mailer.store.tables.states import CampaignKind, CampaignState, DeliveryState


@dataclass(frozen=True, slots=True)
class StuckMail:
    """One step's mail. `uncertain` and `held` count people; `troubles` are runs in a row that its transport failed."""

    number: int  # of the campaign
    automation: str  # its slug
    campaign: str  # for `mailer resolve` and `resume`, such as welcome.1.hello
    to: str  # the list whose people get it
    state: CampaignState
    why: str  # it is paused
    uncertain: int
    held: int
    troubles: int

    @property
    def step(self) -> str:
        return self.campaign.rpartition(".")[2]

    @property
    def is_paused(self) -> bool:
        return self.state is CampaignState.PAUSED


def stuck_mails(connection: Connection, automation: str | None = None) -> list[StuckMail]:
    """Those of all automations or of one, in the order of their names. Counts by an index of the few who were neither
    simply mailed nor wait."""
    c, fails = campaigns.c, func.coalesce(guard_evidence.c.troubles, 0)
    step = [c.kind == CampaignKind.STEP, *([c.parent == automation] if automation is not None else [])]
    unclear = (DeliveryState.UNCERTAIN.value, DeliveryState.HELD.value)
    many = select(deliveries.c.campaign_id, deliveries.c.state, func.count()).where(
        APART, deliveries.c.state.in_(unclear), deliveries.c.campaign_id.in_(select(c.id).where(*step))
    )
    people: dict[int, Counter[str]] = {}
    for number, state, count in connection.execute(many.group_by(deliveries.c.campaign_id, deliveries.c.state)):
        people.setdefault(number, Counter())[state] = count
    fails_now = (c.state == CampaignState.SENDING) & (fails > 0)
    wanted = or_(c.state == CampaignState.PAUSED, fails_now, c.id.in_(sorted(people)))
    query = (
        select(c.id, c.slug, c.parent, c.audience, c.state, c.why, fails.label("troubles"))
        .outerjoin(guard_evidence, guard_evidence.c.campaign_id == c.id)
        .where(*step, wanted)
        .order_by(c.slug)
    )
    return [
        StuckMail(
            row.id, row.parent, row.slug, next(iter(row.audience.get("include", ())), ""), CampaignState(row.state),
            row.why if row.state == CampaignState.PAUSED else "",
            people.get(row.id, Counter())[DeliveryState.UNCERTAIN.value],
            people.get(row.id, Counter())[DeliveryState.HELD.value],
            row.troubles if row.state == CampaignState.SENDING else 0,
        )
        for row in connection.execute(query)
    ]  # fmt: skip
