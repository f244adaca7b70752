"""What the answer of a transport makes of a delivery: decided as a value, then written down in the open transaction.

Only the answer to the last attempt counts, so a late answer never overwrites a newer truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, insert, or_, select, update

from mailer.audience.consent.changes import suppress
from mailer.delivery.ledger.soft_bounces import suppress_worn
from mailer.settings import Bounces
from mailer.store.engine.prepared import ByNumber, Values
from mailer.store.tables.core import deliveries, events, people
from mailer.store.tables.states import CampaignState, DeliveryState, SuppressionReason
from mailer.transports.base import Fate, Outcome, ReplyClass

# A relay's "try again later" is believed for two days, as a relay itself would (RFC 5321 §4.5.4.1 asks for some
# days; an appeal that is older helps nobody).
GIVE_UP_AFTER = timedelta(hours=48)
MOST_ATTEMPTS = 17  # which take so long; for campaigns that stay open, where each person has a time of their own
FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=4)
NO_SETTING = Bounces()


class Claim(NamedTuple):
    """A delivery this worker may hand over, once its intent is recorded.

    `attempt` is the number of that hand-over, from 1; it fences late answers off.
    """

    id: int
    person_id: int
    attempt: int


class Done(NamedTuple):
    """The end of one hand-over. No outcome: surely nothing was handed over, and the row goes back to the queue."""

    claim: Claim
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class CampaignStanding:
    """The state of a campaign within the current transaction."""

    id: int
    state: CampaignState
    why: str
    launched_at: datetime | None  # None: it stays open, and people come to it one by one


@dataclass(frozen=True, slots=True)
class RowChange:
    """What an outcome makes of a delivery."""

    state: DeliveryState
    not_before: datetime | None = None  # when queued again


def decide(outcome: Outcome | None, *, attempt: int, now: datetime, since: datetime | None) -> RowChange:
    """What becomes of a delivery after a hand-over; pure. `since`: when its campaign was launched, None for one that
    stays open."""
    if outcome is None:
        return RowChange(DeliveryState.QUEUED, not_before=now)
    if outcome.fate is Fate.ACCEPTED:
        return RowChange(DeliveryState.SENT)
    if outcome.fate is Fate.UNCERTAIN:
        return RowChange(DeliveryState.UNCERTAIN)
    if is_for_good(outcome) or is_given_up(outcome, attempt=attempt, now=now, since=since):
        return RowChange(DeliveryState.FAILED)
    if outcome.refuses_us:  # the campaign pauses; once that is put right, they are the first in line again
        return RowChange(DeliveryState.QUEUED, not_before=now)
    wait = min(FIRST_RETRY * 4 ** min(attempt - 1, 10), LONGEST_RETRY)
    if outcome.retry_after_seconds is not None:
        wait = max(wait, timedelta(seconds=outcome.retry_after_seconds))
    return RowChange(DeliveryState.QUEUED, not_before=now + wait)


def may_go_back(outcome: Outcome | None) -> bool:
    """Whether somebody with this answer may go back to the queue."""
    return outcome is None or (outcome.fate in (Fate.DEFERRED, Fate.REFUSED) and not is_for_good(outcome))


def is_for_good(outcome: Outcome) -> bool:
    """Whether somebody was refused through no fault of ours: until ours is fixed, people keep their place."""
    return outcome.fate is Fate.REFUSED and outcome.reply_class is not ReplyClass.OURS


def is_given_up(outcome: Outcome, *, attempt: int, now: datetime, since: datetime | None) -> bool:
    """Whether somebody who is not refused for good is tried no more, since that has gone on for too long."""
    if outcome.refuses_us:
        return False
    put_off = outcome.fate is Fate.DEFERRED or (outcome.fate is Fate.REFUSED and not is_for_good(outcome))
    if since is None:
        return put_off and attempt >= MOST_ATTEMPTS
    return put_off and attempt > 1 and now - since > GIVE_UP_AFTER


def record(
    connection: Connection,
    campaign: CampaignStanding,
    done: Sequence[Done],
    now: datetime,
    *,
    soft: Bounces = NO_SETTING,
) -> None:
    """Write outcomes down. An answer that comes after the lease was lost settles what had become uncertain, as long
    as no later attempt has begun: it is proof."""
    if not done:
        return
    sent: list[tuple[list[int], Values]] = []
    others: list[tuple[list[int], Values]] = []
    failed_soft: set[int] = set()
    for (outcome, attempt), deliveries_of in _alike(done).items():
        change = decide(outcome, attempt=attempt, now=now, since=campaign.launched_at)
        if change.state is DeliveryState.QUEUED and campaign.state == CampaignState.CANCELLED:
            change = RowChange(DeliveryState.CANCELLED)
        row = _row(outcome, change, now) | {"tried": attempt}
        (sent if change.state is DeliveryState.SENT else others).append((deliveries_of, row))
        if change.state is DeliveryState.FAILED and outcome and outcome.reply_class is ReplyClass.SOFT:
            failed_soft.update(deliveries_of)
    if sent:
        WRITE_SENT.each(connection, sent)
    if others:
        WRITE_OTHERS.each(connection, others)
        _note_deferrals(connection, campaign.id, done, now)
        _suppress_hard(connection, done, now)
    if failed_soft:
        persons = {item.claim.person_id for item in done if item.claim.id in failed_soft}
        suppress_worn(connection, sorted(persons), rule=soft, now=now)


def _alike(done: Sequence[Done]) -> dict[tuple[Outcome | None, int], list[int]]:
    """The deliveries that got the same answer to the same attempt: by a provider's API, a whole request's."""
    alike: dict[tuple[Outcome | None, int], list[int]] = {}
    for _, run in groupby(done, key=lambda item: (id(item.outcome), item.claim.attempt)):
        same = list(run)  # of a request one after the other, so that each answer is looked at once
        alike.setdefault((same[0].outcome, same[0].claim.attempt), []).extend([item.claim.id for item in same])
    return alike


ROW_COLUMNS = ("state", "not_before", "code", "detail", "reply_class", "provider_id", "changed_at")


def _write(*states: DeliveryState) -> ByNumber:
    """The statement that writes an answer into rows in these states."""
    columns: dict[str, Any] = {"worker_id": None}
    for name in ROW_COLUMNS:
        columns[name] = bindparam(f"new_{name}")
    tried = deliveries.c.attempt == bindparam("tried")
    takes = or_(*[deliveries.c.state == state.value for state in states])
    return ByNumber(deliveries.c.id, lambda those: update(deliveries).where(those, tried, takes).values(columns))


# In which states a row takes the answer to its last attempt. That it was taken is proof, whatever staff decided since.
WRITE_OTHERS = _write(DeliveryState.SENDING, DeliveryState.UNCERTAIN)
WRITE_SENT = _write(DeliveryState.SENDING, DeliveryState.UNCERTAIN, DeliveryState.QUEUED, DeliveryState.CANCELLED,
                    DeliveryState.HELD)  # fmt: skip


def _row(outcome: Outcome | None, change: RowChange, now: datetime) -> dict[str, object]:
    return {
        "new_state": change.state.value,
        "new_not_before": change.not_before or now,
        "new_code": outcome.code if outcome else "",
        "new_detail": outcome.detail[:500] if outcome else "",
        "new_reply_class": outcome.reply_class.value if outcome and outcome.reply_class else "",
        "new_provider_id": outcome.provider_id if outcome else "",
        "new_changed_at": now,
    }


def _note_deferrals(connection: Connection, campaign_id: int, done: Sequence[Done], now: datetime) -> None:
    rows = [
        {
            "campaign_id": campaign_id,
            "delivery_id": item.claim.id,
            "at": now,
            "kind": "deferred",
            "detail": f"{item.outcome.code} {item.outcome.detail}".strip()[:500],
        }
        for item in done
        if item.outcome and item.outcome.fate is Fate.DEFERRED
    ]
    if rows:
        connection.execute(insert(events), rows)


def _suppress_hard(connection: Connection, done: Sequence[Done], now: datetime) -> None:
    """An address that does not exist is mailed by no later campaign."""
    for item in done:
        if item.outcome and item.outcome.fate is Fate.REFUSED and item.outcome.reply_class is ReplyClass.HARD:
            known = select(people.c.address_hash).where(people.c.id == item.claim.person_id)
            address_hash = connection.execute(known).scalar()
            if address_hash is not None:
                suppress(
                    connection,
                    address_hash=address_hash,
                    reason=SuppressionReason.BOUNCED,
                    list_id=0,
                    at=now,
                    source=f"{item.outcome.code} {item.outcome.detail}".strip()[:200],
                )
