"""The last look before a mail leaves: consent and suppression as they stand now, not as they stood at the launch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, ScalarSelect, bindparam, func, select

from mailer.audience.standing import BY_RANK, EVERY_LIST, FREE, RANKS, Reason, subscription_rank, suppression_rank
from mailer.store.tables import deliveries, people, subscriptions, suppressions


def obstacles(connection: Connection, *, delivery_ids: Iterable[int], list_ids: Iterable[int]) -> dict[int, str]:
    """Deliveries that must not be handed over, each with its reason (a `Reason`); one query for up to thousands.

    `list_ids` are the lists the campaign includes. Run it in the transaction that records the hand-over, so that
    nobody can leave between the look and the record.
    """
    rows = connection.execute(LOOK, {"deliveries": list(delivery_ids), "lists": list(list_ids)})
    found: dict[int, str] = {}
    for delivery_id, known, standing, everywhere in rows:
        # On none of the lists any more counts as having left.
        rank = max(RANKS[Reason.UNSUBSCRIBED] if standing is None else standing, everywhere or FREE)
        if not known:
            found[delivery_id] = Reason.DELETED.value
        elif rank != FREE:
            found[delivery_id] = BY_RANK[rank].value
    return found


def _suppressed(list_id: object) -> ScalarSelect[Any]:
    """The gravest rank of this person's suppressions on one list, or on every list; null when there is none."""
    return (
        select(func.max(suppression_rank()))
        .where(suppressions.c.address_hash == people.c.address_hash, suppressions.c.list_id == list_id)
        .correlate(people, subscriptions)
        .scalar_subquery()
    )


def _standing() -> ScalarSelect[Any]:
    """The best rank this person has on any of the lists; null when they are on none."""
    on_list = func.coalesce(_suppressed(subscriptions.c.list_id), FREE)
    return (
        select(func.min(subscription_rank(on_list)))
        .where(
            subscriptions.c.person_id == people.c.id, subscriptions.c.list_id.in_(bindparam("lists", expanding=True))
        )
        .correlate(people)
        .scalar_subquery()
    )


# Built once, since it runs in every hand-over and building it takes longer than running it.
LOOK = (
    select(deliveries.c.id, people.c.id.is_not(None), _standing(), _suppressed(EVERY_LIST))
    .select_from(deliveries.outerjoin(people, people.c.id == deliveries.c.person_id))
    .where(deliveries.c.id.in_(bindparam("deliveries", expanding=True)))
)
