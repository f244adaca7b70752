"""The ledger: one row for each person of a campaign, and how workers share it.

A worker claims rows under its lease, records the *intent* to hand one over before the first byte leaves, and records
the outcome after (`recording`). `Worker.exchange` does both together, so that one commit carries the outcomes of the
last hand-overs and the intents of the next. A worker whose lease was taken away finds its row in `workers` gone and is
given nothing more. Nobody is ever put back in the queue whose mail may have left.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from mailer.audience.handover import obstacles
from mailer.delivery.recording import Claim, Done, record
from mailer.errors import MailerError
from mailer.store.database import Database
from mailer.store.tables import (
    CampaignState,
    DeliveryState,
    campaigns,
    deliveries,
    workers,
)

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
    """What an exchange gives back: the claims whose intent is recorded, and how many were skipped just now."""

    claims: tuple[Claim, ...]
    skipped: int


class Worker:
    """One process at work on one campaign, known to others by its row in `workers`."""

    def __init__(self, database: Database, *, campaign_id: int, list_ids: Sequence[int], clock: Callable[[], datetime]):
        self.database = database
        self.campaign_id = campaign_id
        self.list_ids = tuple(list_ids)
        self.clock = clock
        self.id = secrets.randbits(62)
        self.lease_until = clock() + LEASE
        with database.write() as connection:
            connection.execute(
                insert(workers).values(
                    id=self.id, name=f"{socket.gethostname()}:{os.getpid()}", lease_until=self.lease_until
                )
            )

    def claim(self, limit: int) -> list[Claim]:
        """At most `limit` due deliveries, put aside for this worker; empty when nothing is due."""
        now = self.clock()
        due = (
            select(deliveries.c.id)
            .where(
                deliveries.c.campaign_id == self.campaign_id,
                deliveries.c.state == DeliveryState.QUEUED,
                deliveries.c.not_before <= now,
                deliveries.c.worker_id.is_(None),
            )
            .order_by(deliveries.c.not_before, deliveries.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        with self.database.write() as connection:
            self._hold_lease(connection, now)
            _check(self._campaign(connection))
            rows = connection.execute(
                update(deliveries)
                .where(deliveries.c.id.in_(due.scalar_subquery()))
                .values(worker_id=self.id)
                .returning(deliveries.c.id, deliveries.c.person_id, deliveries.c.attempt)
            ).all()
        return sorted((Claim(row.id, row.person_id or 0, row.attempt) for row in rows), key=lambda claim: claim.id)

    def exchange(self, done: Sequence[Done], wanted: Sequence[Claim]) -> Begun:
        """Record the outcomes of `done` and the intents of `wanted`, in one transaction.

        Consent is read again here: who left, was suppressed or deleted since the launch is skipped. Raises
        `LeaseLost` and `CampaignStopped`; the outcomes are recorded all the same.
        """
        now = self.clock()
        stopped: LeaseLost | CampaignStopped | None = None
        begun: tuple[Claim, ...] = ()
        barred: dict[int, str] = {}
        with self.database.write() as connection:
            campaign = self._campaign(connection)
            record(connection, campaign, done, now)
            try:
                self._hold_lease(connection, now)
                _check(campaign)
            except (LeaseLost, CampaignStopped) as error:
                stopped = error
            else:
                if wanted:
                    ids = [claim.id for claim in wanted]
                    barred = obstacles(connection, delivery_ids=ids, list_ids=self.list_ids)
                    self._skip(connection, barred, now)
                    begun = self._begin(connection, [claim for claim in wanted if claim.id not in barred], now)
        if stopped:
            raise stopped
        return Begun(begun, skipped=len(barred))

    def release(self, done: Sequence[Done] = ()) -> None:
        """End: record `done`, give back what was claimed and not begun, and give up the lease.

        A delivery still on the wire becomes uncertain, since nobody will hear the answer.
        """
        now = self.clock()
        with self.database.write() as connection:
            record(connection, self._campaign(connection), done, now)
            _let_go(connection, [self.id], now, why="the program was stopped before the answer came")

    def renew(self) -> None:
        """Keep the lease alive while every connection is busy; does nothing while it has long to run."""
        now = self.clock()
        if RENEW_WHEN_LEFT <= self.lease_until - now <= LEASE:
            return
        with self.database.write() as connection:
            self._hold_lease(connection, now)

    def _hold_lease(self, connection: Connection, now: datetime) -> None:
        """Make sure the lease is still ours, and renew it in good time. The row is the lease: whoever takes over
        deletes it, so a clock that jumped can't make two workers believe in one claim."""
        if self.lease_until - now < RENEW_WHEN_LEFT or now + LEASE < self.lease_until:
            held = connection.execute(
                update(workers).where(workers.c.id == self.id).values(lease_until=now + LEASE)
            ).rowcount
            self.lease_until = now + LEASE
        else:
            held = len(connection.execute(LEASE_HELD, {"worker": self.id}).all())
        if not held:
            raise LeaseLost("another worker took over, since this one had not been heard of for a while")

    def _campaign(self, connection: Connection) -> Row[*tuple[Any, ...]]:
        return connection.execute(CAMPAIGN, {"campaign": self.campaign_id}).one()

    def _skip(self, connection: Connection, barred: dict[int, str], now: datetime) -> None:
        if barred:
            connection.execute(
                update(deliveries)
                .where(deliveries.c.id == bindparam("delivery"), deliveries.c.worker_id == self.id)
                .values(state=DeliveryState.SKIPPED, code=bindparam("reason"), worker_id=None, changed_at=now),
                [{"delivery": delivery, "reason": reason} for delivery, reason in barred.items()],
            )

    def _begin(self, connection: Connection, claims: Sequence[Claim], now: datetime) -> tuple[Claim, ...]:
        if not claims:
            return ()
        ids = [claim.id for claim in claims]
        rows = connection.execute(BEGIN, {"deliveries": ids, "worker": self.id, "now": now}).all()
        attempts = {row.id: row.attempt for row in rows}
        return tuple(Claim(c.id, c.person_id, attempts[c.id]) for c in claims if c.id in attempts)


# Statements of every exchange, built once: building them takes longer than running them.
BEGIN = (
    update(deliveries)
    .where(
        deliveries.c.id.in_(bindparam("deliveries", expanding=True)),
        deliveries.c.worker_id == bindparam("worker"),
        deliveries.c.state == DeliveryState.QUEUED,
    )
    .values(state=DeliveryState.SENDING, attempt=deliveries.c.attempt + 1, changed_at=bindparam("now"))
    .returning(deliveries.c.id, deliveries.c.attempt)
)
LEASE_HELD = select(workers.c.id).where(workers.c.id == bindparam("worker"))
CAMPAIGN = select(campaigns.c.id, campaigns.c.state, campaigns.c.why, campaigns.c.launched_at).where(
    campaigns.c.id == bindparam("campaign")
)


def _check(campaign: Row[*tuple[Any, ...]]) -> None:
    if campaign.state != CampaignState.SENDING:
        raise CampaignStopped(campaign.state, campaign.why)


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
        return _let_go(connection, [row.id for row in dead], now, why="the program died before the answer came")


def _let_go(connection: Connection, worker_ids: Sequence[int], now: datetime, *, why: str) -> int:
    theirs = deliveries.c.worker_id.in_(worker_ids)
    uncertain = connection.execute(
        update(deliveries)
        .where(theirs, deliveries.c.state == DeliveryState.SENDING)
        .values(state=DeliveryState.UNCERTAIN, code="", detail=why, worker_id=None, changed_at=now)
    ).rowcount
    connection.execute(update(deliveries).where(theirs).values(worker_id=None))
    connection.execute(delete(workers).where(workers.c.id.in_(worker_ids)))
    return uncertain
