"""At most so many mails in so many days, whatever asks for one: who has had them, and who will by what waits already.

Decided when a newsletter is launched, and read again at hand-over. Nobody is put off until later: what a cap leaves out
is left out, with the reason. Urgent newsletters neither count nor are held back, and neither do mails that thank or
confirm, which aren't campaigns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, func, or_, select

from mailer.settings import Caps
from mailer.store.engine.arrays import among
from mailer.store.engine.by_campaign import those
from mailer.store.engine.prepared import PreparedStatement
from mailer.store.tables.core import Instant, campaigns, deliveries
from mailer.store.tables.states import CampaignKind, DeliveryState

TAKEN = (DeliveryState.SENT.value, DeliveryState.UNCERTAIN.value)  # had, or may have had
LEAVING = (DeliveryState.QUEUED.value, DeliveryState.SENDING.value)


NO_CAP = Caps()


def over_cap(cap: Caps, *, now: datetime) -> Select[int | None]:
    """People who had their mails, or will by what is launched already. For everybody at once."""
    since = now - cap.length
    mine = deliveries.c
    counts = or_(and_(mine.state.in_(TAKEN), mine.changed_at >= since), mine.state.in_(LEAVING))
    person = mine.person_id
    found = select(person).where(person.is_not(None), counts, mine.campaign_id.in_(_recent(since)))
    return found.group_by(person).having(func.count() >= cap.newsletters)


def _recent(since: datetime | ColumnElement[datetime]) -> Select[int]:
    """Campaigns whose mails may count: those that ended before can't hold a later one, so few campaigns are read."""
    c = campaigns.c
    ended = or_(c.finished_at.is_(None), c.finished_at >= since)
    return select(c.id).where(c.launched_at.is_not(None), c.is_urgent.is_(False), ended)


@dataclass(frozen=True, slots=True)
class CapNow:
    """What a hand-over of one campaign counts by. `recent`: campaigns whose mails count; `before`: those of them that
    were launched earlier, whose mails go first. Of two that wait only one gives way, so nobody is left with neither."""

    recent: tuple[int, ...]
    before: tuple[int, ...]
    since: datetime
    most: int

    @property
    def values(self) -> Mapping[str, Any]:
        """The parameters of `within_cap`."""
        return {"recent": self.recent, "before": self.before, "since": self.since, "most": self.most}


def cap_now(connection: Connection, cap: Caps, campaign_id: int, *, now: datetime) -> CapNow | None:
    """What counts at hand-over; None when nothing can, so that nobody is asked about. A newsletter's own mails never
    do, since it has one for each person; a step's do, since people may come to it again."""
    since = now - cap.length
    rows = RECENT.rows(connection, {"since": since})
    found: dict[int, int] = {row[0]: row[1] for row in rows}
    others = [number for number in found if number != campaign_id]
    comes_again = any(row[0] == campaign_id and row[2] == CampaignKind.STEP for row in rows)
    if campaign_id not in found or not (others or comes_again):
        return None
    own = (found[campaign_id], campaign_id)
    before = tuple(number for number in others if (found[number], number) < own)
    return CapNow(tuple(found), before, since, cap.newsletters)


def within_cap() -> ColumnElement[bool]:
    """A condition on `deliveries`, with the parameters of `CapNow.values`: the person hasn't had all their mails. The
    delivery itself doesn't count."""
    other = deliveries.alias("other_mails")
    taken = or_(*(other.c.state == state for state in TAKEN))  # an IN of several couldn't be prepared
    left = or_(
        and_(taken, other.c.changed_at >= bindparam("since", type_=Instant())),
        other.c.state == DeliveryState.SENDING.value,
        and_(other.c.state == DeliveryState.QUEUED.value, among(other.c.campaign_id, "before")),
    )
    theirs = (other.c.person_id == deliveries.c.person_id, among(other.c.campaign_id, "recent"))
    number = select(func.count()).where(*theirs, other.c.id != deliveries.c.id, left).correlate(deliveries)
    return number.scalar_subquery() < bindparam("most")


RECENT = PreparedStatement(
    _recent(bindparam("since", type_=Instant())).add_columns(campaigns.c.launched_at, campaigns.c.kind)
)
BEYOND = PreparedStatement(select(deliveries.c.id).where(those("deliveries"), ~within_cap()))
