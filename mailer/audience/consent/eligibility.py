"""Who may be mailed: said once, in SQL, for selection, hand-over and `people show`.

A person may be mailed through a list when no `OBSTACLES` apply: they are subscribed to it, and the address is
suppressed neither on that list nor on every list. Of several lists, one without an obstacle is enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select

from mailer.store.tables.core import people, subscriptions, suppressions
from mailer.store.tables.states import Membership, SuppressionReason

EVERY_LIST = 0  # the list_id of a suppression that holds for all lists
# What people take back by what they do: they left, or did nothing for long.
THEIR_OWN = (SuppressionReason.UNSUBSCRIBED, SuppressionReason.INACTIVE)


class Reason(StrEnum):
    """Why somebody gets nothing. Everyone left out has one reason: the first of these that holds."""

    UNSUBSCRIBED = "unsubscribed"
    PENDING = "pending"  # asked to join, never confirmed
    COMPLAINED = "complained"  # reported a mail as spam
    BOUNCED = "bounced"  # the address does not exist
    STAFF = "suppressed by staff"
    INACTIVE = "inactive"  # showed no interest for long; until they act
    EXCLUDED = "on an excluded list"
    OUTSIDE = "outside the segment"
    FEWER = "asked for fewer mails"  # in their preferences: once a month, or urgent ones alone
    MAILED_RECENTLY = "mailed recently"
    MAILED_BEFORE = "mailed by an earlier campaign"
    CAPPED = "had as many mails as the cap allows"
    LIMIT = "beyond the limit"
    HOUR_PAST = "the hour was past where they live"  # at the launch of a newsletter by local time, or when it was held
    DELETED = "deleted"  # forgotten since the launch: only at hand-over


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing against mailing somebody through a list: a status of the subscription, a suppression, or either."""

    reason: Reason
    status: Membership | None = None
    suppression: SuppressionReason | None = None


# From the mildest to the most serious. A place in this order is an obstacle's rank, by which SQL takes the most serious
# of one subscription (max) and the mildest of several (min). Words that this program doesn't know count as well: a
# status as having left, a suppression as staff's.
OBSTACLES = (
    Obstacle(Reason.INACTIVE, suppression=SuppressionReason.INACTIVE),
    Obstacle(Reason.STAFF, suppression=SuppressionReason.STAFF),
    Obstacle(Reason.BOUNCED, suppression=SuppressionReason.BOUNCED),
    Obstacle(Reason.COMPLAINED, suppression=SuppressionReason.COMPLAINED),
    Obstacle(Reason.PENDING, status=Membership.PENDING),
    Obstacle(Reason.UNSUBSCRIBED, status=Membership.UNSUBSCRIBED, suppression=SuppressionReason.UNSUBSCRIBED),
)
FREE = 0
RANKS = {one.reason: rank for rank, one in enumerate(OBSTACLES, FREE + 1)}
BY_RANK = {rank: reason for reason, rank in RANKS.items()}


def suppression_rank() -> ColumnElement[int]:
    """The rank of a row of `suppressions`."""
    ranks = [(suppressions.c.reason == one.suppression, RANKS[one.reason]) for one in OBSTACLES if one.suppression]
    return case(*((known, literal(rank)) for known, rank in ranks), else_=literal(RANKS[Reason.STAFF]))


def obstacle(suspect: ColumnElement[bool] | None = None) -> ColumnElement[int]:
    """The rank of the most serious obstacle to mailing a person through a list, FREE when there is none.

    This is what "may be mailed" means, for a row of `people` joined with one of `subscriptions`. Suppressions are
    looked up for each; where everybody is asked about, `suspect` says sooner who has any, by a join.
    """
    status, rank = _status_rank(), suppression_rank()
    suppressed = (
        select(func.max(rank)).where(_suppressed(), rank > status).correlate(people, subscriptions).scalar_subquery()
    )
    return func.coalesce(suppressed if suspect is None else case((suspect, suppressed)), status)


def no_obstacle() -> ColumnElement[bool]:
    """The same as `obstacle() == FREE`, where only that matters: PostgreSQL needn't weigh suppressions to see whether
    there are any."""
    return and_(_status_rank() == FREE, ~exists().where(_suppressed()).correlate(people, subscriptions))


def unwelcome(address_hash: ColumnElement[bytes] | bytes) -> ColumnElement[bool]:
    """Whether an address gets no mail of any kind: it left every list, or something other than leaving is against it.
    Somebody who left one list, or was inactive until now, may still be thanked for what they do."""
    return exists().where(
        suppressions.c.address_hash == address_hash,
        or_(
            (suppressions.c.list_id == EVERY_LIST) & (suppressions.c.reason != SuppressionReason.INACTIVE.value),
            suppressions.c.reason.not_in([reason.value for reason in THEIR_OWN]),
        ),
    )


def _status_rank() -> ColumnElement[int]:
    """The rank of a subscription by its status alone."""
    ranks = [(subscriptions.c.status == one.status, RANKS[one.reason]) for one in OBSTACLES if one.status]
    return case(
        (subscriptions.c.status == Membership.SUBSCRIBED.value, literal(FREE)),
        *((known, literal(rank)) for known, rank in ranks),
        else_=literal(RANKS[Reason.UNSUBSCRIBED]),
    )


def _suppressed() -> ColumnElement[bool]:
    """Whether a row of `suppressions` is about this person, and holds for this list or for every list."""
    # Said with OR, SQLite would look each address up twice, in a set that it makes first.
    other = func.nullif(suppressions.c.list_id, subscriptions.c.list_id)
    return and_(suppressions.c.address_hash == people.c.address_hash, func.coalesce(other, EVERY_LIST) == EVERY_LIST)
