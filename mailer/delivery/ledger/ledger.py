"""The ledger: one row for each person of a campaign, and how workers share it.

A worker claims rows under its lease, records the *intent* to hand one over before the first byte leaves, and records
the outcome after (`outcomes`). `Worker.exchange` does both together, so that one commit carries the outcomes of the
last hand-overs and the intents of the next. A worker whose lease was taken away finds its row in `workers` gone and is
given nothing more. Nobody is ever put back in the queue whose mail may have left.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Update, bindparam, case, insert, select, update

from mailer.audience.consent.caps import NO_CAP, cap_now, within_cap
from mailer.audience.consent.recheck import hold_consent, may_be_mailed, obstacles
from mailer.audience.consent.still_inside import leaving_rules, reasons_out, still_inside
from mailer.compose.languages import ORIGINAL
from mailer.delivery.ledger.outcomes import NO_SETTING, CampaignStanding, Claim, Done, may_go_back, record
from mailer.delivery.ledger.reopen import HOLD_OURS, HOLD_QUEUED, LATE, OURS, let_go, lock_campaign, reopen
from mailer.delivery.ledger.warm_up import WarmUp
from mailer.errors import MailerError
from mailer.settings import Bounces, Caps
from mailer.store.engine.by_campaign import given, in_part, those
from mailer.store.engine.database import Database
from mailer.store.engine.dialects import keep_few_pages
from mailer.store.engine.prepared import ByNumber, PreparedStatement
from mailer.store.tables.core import EPOCH, MICROSECOND, QUEUE, campaigns, deliveries, workers
from mailer.store.tables.states import CampaignState, DeliveryState
from mailer.transports.base import Fate

LEASE = timedelta(seconds=60)
RENEW_WHEN_LEFT = timedelta(seconds=40)


class LeaseLost(MailerError):
    """Another worker took over what this one had claimed, since it seemed dead. It must hand nothing more over."""


class CampaignStopped(MailerError):
    """The campaign is no longer sending: paused, cancelled or finished by somebody else."""

    def __init__(self, state: str, why: str) -> None:
        super().__init__(f"the campaign is {state}" + (f": {why}" if why else ""))
        self.state = state


@dataclass(frozen=True, slots=True)
class Begun:
    """What an exchange gives back: the claims whose intent is recorded, and how many were skipped just now.

    `held_back`: why the others were not begun, when the warm-up plan lets no more people through today.
    """

    claims: tuple[Claim, ...]
    skipped: int
    held_back: str = ""


class Lane(NamedTuple):
    """What one worker takes from a campaign's queue: one mail, so that no request to a provider ever holds two.

    `stage`: the gate that its people waited behind; `arm`: the version of a test, "" where there is none; `language`:
    a translation's, "" the original.
    """

    stage: int = 0
    arm: str = ""
    language: str = ORIGINAL


ONE_LANE = Lane()  # of a campaign with one mail for everybody


@dataclass(frozen=True, slots=True)
class Bounds:
    """Who is passed over at hand-over beside those who left. `late`: how long after their hour people are still mailed,
    of a campaign by local time; None of others. `cap`: how many mails people get, of all campaigns together."""

    late: timedelta | None = None
    cap: Caps = NO_CAP


NO_BOUNDS = Bounds()


class Worker:
    """One process sending one lane of a campaign's mail, known to others by its row in `workers`."""

    def __init__(
        self,
        database: Database,
        *,
        campaign_id: int,
        list_ids: Sequence[int],
        clock: Callable[[], datetime],
        warm_up: WarmUp,
        soft: Bounces = NO_SETTING,
        lane: Lane = ONE_LANE,
        bounds: Bounds = NO_BOUNDS,
    ) -> None:
        self.database = database
        self.bounds = bounds
        self.lane = lane
        self.soft = soft
        self.warm_up = warm_up
        self.campaign_id = campaign_id
        self.list_ids = tuple(list_ids)
        self.clock = clock
        self.id = secrets.randbits(62)
        self.lease_until = clock() + LEASE
        with database.held.write() as connection:
            keep_few_pages(connection)
            self._leaving = leaving_rules(connection, campaign_id)
            connection.execute(
                insert(workers).values(
                    id=self.id,
                    campaign_id=campaign_id,
                    name=f"{socket.gethostname()}:{os.getpid()}",
                    lease_until=self.lease_until,
                )
            )
        inside = () if self._leaving is None else (still_inside(self._leaving),)
        self._plainly = _begin_statements(self.list_ids, *inside)
        self._capped = _begin_statements(self.list_ids, *inside, within_cap()) if bounds.cap else self._plainly

    def claim(self, limit: int) -> list[Claim]:
        """Claim at most `limit` due deliveries for this worker; empty when nothing is due."""
        now = self.clock()
        values = {
            "campaign": self.campaign_id, **self.lane._asdict(), "worker": self.id, "now": now, "most": limit,
        }  # fmt: skip
        with self.database.held.write() as connection:
            self._look(connection, now).check()
            if self.bounds.late is not None:  # first, so that nobody is claimed who would only be given back
                HOLD_QUEUED.count(connection, {**values, "late": now - self.bounds.late})
            rows = CLAIM.rows(connection, values)
        return [Claim(number, person or 0, attempt + 1) for number, person, attempt in sorted(rows)]

    def exchange(self, done: Sequence[Done], wanted: Sequence[Claim]) -> Begun:
        """Record the outcomes of `done` and the intents of `wanted`, in one transaction.

        Consent is read again here: who left, was suppressed or deleted since the launch is skipped. Raises
        `LeaseLost` and `CampaignStopped`; the outcomes are recorded all the same. When the database breaks off, the
        same exchange may be asked for again, whether or not it was committed.
        """
        now = self.clock()
        stopped: LeaseLost | CampaignStopped | None = None
        begun = Begun((), 0)
        with self.database.held.write() as connection:
            look = self._look(connection, now)
            self._record(connection, look, done, now)
            try:
                look.check()
            except (LeaseLost, CampaignStopped) as error:
                stopped = error
            else:
                begun = self._begin(connection, wanted, now)
        if stopped:
            raise stopped
        return begun

    def release(self, done: Sequence[Done] = ()) -> None:
        """End: record `done`, give back what was claimed and not begun, and give up the lease.

        A delivery still on the wire becomes uncertain, since nobody will hear the answer.
        """
        now = self.clock()
        with self.database.held.write() as connection:
            self._record(connection, self._look(connection, now), done, now)
            let_go(connection, [self.id], now, why="the program was stopped before the answer came")

    def renew(self) -> None:
        """Keep the lease alive while every connection is busy; does nothing while it has long to run."""
        now = self.clock()
        if RENEW_WHEN_LEFT <= self.lease_until - now <= LEASE:
            return
        with self.database.held.write() as connection:
            self._look(connection, now).check_lease()

    def _look(self, connection: Connection, now: datetime) -> _Look:
        """The state of the campaign and of this worker's lease; the lease is renewed in good time.

        The row is the lease: a worker that takes over deletes it, so a clock that jumped can't make two workers believe
        in one claim.
        """
        values = {"campaign": self.campaign_id, "worker": self.id}
        ((state, why, launched, holds),) = LOOK.rows(connection, values)
        if holds and not RENEW_WHEN_LEFT <= self.lease_until - now <= LEASE:
            holds = connection.execute(
                update(workers).where(workers.c.id == self.id).values(lease_until=now + LEASE)
            ).rowcount
            self.lease_until = now + LEASE
        launched_at = None if self._leaving is not None else EPOCH + MICROSECOND * launched
        return _Look(
            CampaignStanding(self.campaign_id, CampaignState(state), why, launched_at), holds_lease=bool(holds)
        )

    def _record(self, connection: Connection, look: _Look, done: Sequence[Done], now: datetime) -> None:
        campaign, is_late = look.campaign, bool(done) and not look.holds_lease
        if is_late or any(may_go_back(item.outcome) for item in done):
            # Staff may be cancelling it just now, and of one that this worker has lost others may be the last.
            state, _ = lock_campaign(connection, campaign.id, shared=not is_late)
            campaign = replace(campaign, state=state)
        record(connection, campaign, done, now, soft=self.soft)
        if is_late:
            reopen(connection, campaign.id, now=now)
        nothing_left = sum(item.outcome is None or item.outcome.fate is Fate.DEFERRED for item in done)
        self.warm_up.give_back(connection, nothing_left, now=now)

    def _begin(self, connection: Connection, wanted: Sequence[Claim], now: datetime) -> Begun:
        """Record the intents of those who may still be mailed, and skip the others."""
        granted = wanted[: self.warm_up.take(connection, len(wanted), now=now)]
        today = self.warm_up.today(connection, now) if len(granted) < len(wanted) else None
        held_back = today.in_words(now) if today else ""
        if not granted:
            return Begun((), 0, held_back)
        ids = [claim.id for claim in granted]
        hold_consent(connection)
        values = {"worker": self.id, "now": now}
        cap = cap_now(connection, self.bounds.cap, self.campaign_id, now=now) if self.bounds.cap else None
        begin, begun = self._capped if cap else self._plainly
        asked = {**values, **cap.values} if cap else values
        if begin.count(connection, ids, asked) == len(ids):
            return Begun(tuple(granted), 0, held_back)
        started = {row[0] for row in begun.rows(connection, ids, asked)}
        not_started = [number for number in ids if number not in started]
        barred = obstacles(connection, delivery_ids=not_started, list_ids=self.list_ids, cap=cap)
        if self._leaving is not None:
            barred = reasons_out(connection, not_started, self._leaving) | barred
        HOLD_OURS.count(connection, {**given("deliveries", (n for n in not_started if n not in barred)), **values})
        # Who did not start and has no obstacle is ours no longer: staff cancelled the campaign, for one.
        skipped = self._skip(connection, barred, now)
        self.warm_up.give_back(connection, len(not_started), now=now)
        return Begun(tuple(claim for claim in granted if claim.id in started), skipped, held_back)

    def _skip(self, connection: Connection, barred: dict[int, str], now: datetime) -> int:
        by_reason: dict[str, list[int]] = {}
        for delivery, reason in barred.items():
            by_reason.setdefault(reason, []).append(delivery)
        return sum(
            SKIP.count(connection, {**given("deliveries", ids), "worker": self.id, "reason": reason, "now": now})
            for reason, ids in by_reason.items()
        )


@dataclass(frozen=True, slots=True)
class _Look:
    """What a worker sees at the start of a transaction."""

    campaign: CampaignStanding
    holds_lease: bool

    def check_lease(self) -> None:
        if not self.holds_lease:
            raise LeaseLost("another worker took over, since this one had not been heard of for a while")

    def check(self) -> None:
        """Raises when this worker must hand nothing more over."""
        self.check_lease()
        if self.campaign.state is not CampaignState.SENDING:
            raise CampaignStopped(self.campaign.state, self.campaign.why)


_DUE = (
    select(deliveries.c.id)
    .where(
        QUEUE,
        deliveries.c.campaign_id == bindparam("campaign"),
        deliveries.c.stage == bindparam("stage"),
        deliveries.c.not_before <= bindparam("now"),
        deliveries.c.arm == bindparam("arm"),
        deliveries.c.language == bindparam("language"),
    )
    .order_by(deliveries.c.not_before, deliveries.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
CLAIM = PreparedStatement(
    update(deliveries)
    .where(deliveries.c.id.in_(_DUE.scalar_subquery()), in_part(deliveries.c.campaign_id, bindparam("campaign")))
    .values(worker_id=bindparam("worker"))
    .returning(deliveries.c.id, deliveries.c.person_id, deliveries.c.attempt)
)

_ONE_MORE = case((deliveries.c.state == DeliveryState.QUEUED.value, 1), else_=0)


def _begin_statements(list_ids: Sequence[int], *more: ColumnElement[bool]) -> tuple[ByNumber, ByNumber]:
    """Record the intents of those rows whose people may be mailed as members of these lists, where `more` holds too.

    The second says which rows those are as well, which takes longer. Run after the first it changes nothing more.
    """
    begun: dict[str, Any] = {
        "state": DeliveryState.SENDING.value,
        "attempt": deliveries.c.attempt + _ONE_MORE,
        "changed_at": bindparam("now"),
    }
    allowed = may_be_mailed(list_ids)

    def begin(those: Any) -> Update:
        return update(deliveries).where(those, *OURS, allowed, ~LATE, *more).values(begun)

    return ByNumber(deliveries.c.id, begin), ByNumber(
        deliveries.c.id, lambda those: begin(those).returning(deliveries.c.id)
    )


SKIP = PreparedStatement(
    update(deliveries)
    .where(those("deliveries"), *OURS)
    .values(state=DeliveryState.SKIPPED.value, code=bindparam("reason"), worker_id=None, changed_at=bindparam("now"))
)
LOOK = PreparedStatement(
    select(campaigns.c.state, campaigns.c.why, campaigns.c.launched_at, workers.c.id)
    .select_from(campaigns.outerjoin(workers, workers.c.id == bindparam("worker")))
    .where(campaigns.c.id == bindparam("campaign"))
)
