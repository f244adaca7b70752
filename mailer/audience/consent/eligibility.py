"""Who may be mailed and who may not: the words and ranks that selection, hand-over and `people show` share.

A person may be mailed through a list when they are subscribed to it, and the address is suppressed neither on that
list nor on every list. Of several lists, one that may be used is enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, case, literal

from mailer.store.tables.core import subscriptions, suppressions
from mailer.store.tables.states import Membership, SuppressionReason

EVERY_LIST = 0  # the list_id of a suppression that holds for all lists


class Reason(StrEnum):
    """Why somebody gets nothing. Everyone left out has one reason: the first of these that holds."""

    UNSUBSCRIBED = "unsubscribed"
    PENDING = "pending"  # asked to join, never confirmed
    COMPLAINED = "complained"  # reported a mail as spam
    BOUNCED = "bounced"  # the address does not exist
    STAFF = "suppressed by staff"
    EXCLUDED = "on an excluded list"
    OUTSIDE = "outside the segment"
    FEWER = "asked for fewer mails"  # in their preferences: once a month, or urgent ones alone
    MAILED_RECENTLY = "mailed recently"
    MAILED_BEFORE = "mailed by an earlier campaign"
    LIMIT = "beyond the limit"
    DELETED = "deleted"  # forgotten since the launch: only at hand-over


# Ranks let SQL take the best of several lists (min) and the gravest of several suppressions (max).
FREE = 0
RANKS: Mapping[Reason, int] = {
    Reason.STAFF: 1,
    Reason.BOUNCED: 2,
    Reason.COMPLAINED: 3,
    Reason.PENDING: 4,
    Reason.UNSUBSCRIBED: 5,
}
BY_RANK = {rank: reason for reason, rank in RANKS.items()}
BY_SUPPRESSION = {
    SuppressionReason.STAFF: Reason.STAFF,
    SuppressionReason.BOUNCED: Reason.BOUNCED,
    SuppressionReason.COMPLAINED: Reason.COMPLAINED,
    SuppressionReason.UNSUBSCRIBED: Reason.UNSUBSCRIBED,
}


def suppression_rank() -> ColumnElement[int]:
    """The rank of a row of `suppressions`. A reason this program does not know counts as staff's."""
    ranks = [(suppressions.c.reason == known.value, literal(RANKS[reason])) for known, reason in BY_SUPPRESSION.items()]
    return case(*ranks, else_=literal(RANKS[Reason.STAFF]))


def subscription_rank(suppressed: ColumnElement[Any]) -> ColumnElement[int]:
    """The rank of a row of `subscriptions`, `suppressed` being that of the address on this list, or 0."""
    return case(
        (subscriptions.c.status == Membership.SUBSCRIBED.value, suppressed),
        (subscriptions.c.status == Membership.PENDING.value, literal(RANKS[Reason.PENDING])),
        else_=literal(RANKS[Reason.UNSUBSCRIBED]),
    )
