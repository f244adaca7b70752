"""When a mailbox that is full or away again and again is given up: so many campaigns, over so many days, and nothing
delivered between. One soft bounce says nothing of an address; policy never counts, since it is about us.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import Connection, and_, func, or_, select

from mailer.audience.consent.changes import suppress
from mailer.audience.consent.lift import last_lifted
from mailer.settings import Bounces
from mailer.store.engine.arrays import among
from mailer.store.engine.by_campaign import about
from mailer.store.tables.core import deliveries, events, hits, people
from mailer.store.tables.states import DeliveryState, Feedback, SuppressionReason, Verdict
from mailer.transports.base import ReplyClass

AT_ONCE = 500  # people in one query
# A relay tries for four or five days before it says that it failed (RFC 5321 §4.5.4.1). A mail that was taken and of
# which nothing came back for longer has arrived, even where nobody tells us of deliveries.
NO_NEWS = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class Mailed:
    """How one campaign's mail to a person ended. `soft` None: too early to say, or not the mailbox's doing."""

    at: datetime
    soft: bool | None


@dataclass(frozen=True, slots=True)
class Worn:
    """Why an address is given up."""

    campaigns: int
    days: int

    def __str__(self) -> str:
        return f"the mailbox was full or away in {self.campaigns} campaigns over {self.days} days"


def judge(history: Iterable[Mailed], rule: Bounces) -> Worn | None:
    """Whether this is enough to give up; pure. One entry for each campaign, in any order."""
    row: list[datetime] = []
    for mailed in sorted(history, key=lambda one: one.at, reverse=True):
        if mailed.soft is False:
            break
        if mailed.soft:
            row.append(mailed.at)
    if len(row) < rule.soft_campaigns or row[0] - row[-1] < timedelta(days=rule.soft_days):
        return None
    return Worn(len(row), (row[0] - row[-1]).days)


def suppress_worn(connection: Connection, person_ids: Sequence[int], *, rule: Bounces, now: datetime) -> int:
    """Suppress the people with too many soft bounces; returns how many."""
    count = 0
    for start in range(0, len(person_ids), AT_ONCE):
        some = person_ids[start : start + AT_ONCE]
        for person_id, history in _histories(connection, _candidates(connection, some, rule), now).items():
            if judge(history, rule) is None:
                continue
            hashed = connection.execute(select(people.c.address_hash).where(people.c.id == person_id)).scalar()
            lifted = None if hashed is None else last_lifted(connection, hashed)
            worn = judge((mailed for mailed in history if lifted is None or mailed.at > lifted), rule)
            if hashed is not None and worn is not None:
                reason = SuppressionReason.BOUNCED
                count += suppress(connection, address_hash=hashed, reason=reason, at=now, source=str(worn))
    return count


def _candidates(connection: Connection, person_ids: Sequence[int], rule: Bounces) -> list[int]:
    """Those with so many bounces of any kind, which are few."""
    perhaps = or_(
        deliveries.c.feedback == Feedback.BOUNCED,
        and_(deliveries.c.state == DeliveryState.FAILED, deliveries.c.reply_class == ReplyClass.SOFT.value),
    )
    query = (
        select(deliveries.c.person_id)
        .where(among(deliveries.c.person_id, "numbers"), perhaps)
        .group_by(deliveries.c.person_id)
        .having(func.count() >= rule.soft_campaigns)
    )
    return list(connection.execute(query, {"numbers": person_ids}).scalars())


def _histories(connection: Connection, person_ids: Sequence[int], now: datetime) -> dict[int, list[Mailed]]:
    """How each mail to these people ended."""
    if not person_ids:
        return {}
    bounced = and_(about(events), events.c.kind == "bounced")
    clicked = select(hits.c.delivery_id).where(
        hits.c.campaign_id == deliveries.c.campaign_id,
        hits.c.delivery_id == deliveries.c.id,
        hits.c.verdict == Verdict.HUMAN.value,
    )
    query = (
        select(
            deliveries.c.person_id,
            deliveries.c.state,
            deliveries.c.reply_class,
            deliveries.c.feedback,
            deliveries.c.changed_at,
            events.c.reply_class.label("bounce"),
            events.c.at.label("bounced_at"),
            clicked.exists().label("clicked"),
        )
        .select_from(deliveries.outerjoin(events, bounced))
        .where(among(deliveries.c.person_id, "numbers"), deliveries.c.changed_at.is_not(None))
        .order_by(deliveries.c.person_id)
    )
    found: dict[int, list[Mailed]] = {}
    for person_id, rows in groupby(connection.execute(query, {"numbers": person_ids}), key=lambda row: row.person_id):
        found[person_id] = [
            Mailed(
                row.bounced_at or row.changed_at,
                _soft(
                    DeliveryState(row.state),
                    row.reply_class,
                    Feedback(row.feedback),
                    bounce=row.bounce,
                    clicked=row.clicked,
                    quiet=now - row.changed_at > NO_NEWS,
                ),
            )
            for row in rows
        ]
    return found


def _soft(
    state: DeliveryState, reply_class: str, feedback: Feedback, *, bounce: str | None, clicked: bool, quiet: bool
) -> bool | None:
    """Whether a mail came back soft; False when it arrived."""
    if clicked:
        return False
    if state is DeliveryState.FAILED:
        return True if reply_class == ReplyClass.SOFT.value else None
    if feedback is Feedback.BOUNCED:
        return True if bounce == ReplyClass.SOFT.value else None
    if state is not DeliveryState.SENT:
        return None
    return False if quiet or feedback in (Feedback.DELIVERED, Feedback.COMPLAINED) else None
