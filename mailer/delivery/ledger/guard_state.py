"""What a campaign's guard rails judge by, kept for all workers and runs together in one row of `guard_evidence`.

A worker adds what it saw every few seconds and learns what the others did, and which bounces and complaints came back
meanwhile. A worker that dies loses a few seconds of its counts, which only rates are made of; the ledger loses nothing.
A resume resets the row, so that a campaign isn't paused twice on the same counts. `guard` decides.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select, update

from mailer.delivery.ledger.guard import GuardCounts, GuardRails, Halt
from mailer.delivery.ledger.outcomes import is_given_up
from mailer.errors import MailerError
from mailer.settings import Guard as Limits
from mailer.store.engine.by_campaign import about
from mailer.store.engine.database import Database
from mailer.store.engine.dialects import insert_for
from mailer.store.tables.core import EPOCH, FEEDBACK, campaigns, deliveries, events, guard_evidence
from mailer.store.tables.states import CampaignKind, DeliveryState
from mailer.transports.base import Fate, Outcome, ReplyClass

LOOK_EVERY_SECONDS = 10.0
# Failures of several workers at once are one failure, and runs that cron starts each minute are one each.
TROUBLES_APART = timedelta(seconds=50)


class Rails:
    """The guard rails of one worker with the database behind them. Used by the one thread that may touch it.

    Every method returns why to stop, or None. `look` and `trouble` may raise `DatabaseTrouble`; nothing is lost then.
    """

    def __init__(
        self,
        database: Database,
        *,
        campaign_id: int,
        slug: str,
        transport: str,
        limits: Limits,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._campaign_id = campaign_id
        self._limits = limits
        self._clock = clock
        self._monotonic = monotonic
        self._guard = GuardRails(limits, slug=slug, transport=transport)
        self._next_look = 0.0
        with database.read() as connection:
            self._since = _since(connection, campaign_id)
            launched = select(campaigns.c.launched_at, campaigns.c.kind).where(campaigns.c.id == campaign_id)
            row = connection.execute(launched).one()
            self._launched_at = None if row.kind == CampaignKind.STEP else row.launched_at

    def given_up(self, outcome: Outcome, attempts: Iterable[int]) -> int:
        """How many of the people with this answer are given up on. `attempts`: how often each was tried by now."""
        if outcome.fate is Fate.ACCEPTED:
            return 0
        now, since = self._clock(), self._launched_at
        return sum(is_given_up(outcome, attempt=attempt, now=now, since=since) for attempt in attempts)

    def note(self, outcome: Outcome, *, people: int = 1, given_up: int = 0) -> Halt | None:
        """Count one answer, which may be that of many people; in memory only."""
        return self._guard.note(outcome, people=people, given_up=given_up)

    def trouble(self, error: MailerError) -> Halt | None:
        """Take a failure of the transport in. One that ends this run is counted, together with those of other runs."""
        halt = self._guard.trouble(error)
        if halt is None or halt.pause:
            return halt
        if paused := self.look(at_once=True):
            return paused
        with self._database.held.write() as connection:
            in_a_row = count_trouble(connection, self._campaign_id, now=self._clock())
        return self._guard.judge_troubles(in_a_row, error) or halt

    def look(self, *, at_once: bool = False) -> Halt | None:
        """Every few seconds: share what was seen here, and judge by what was seen everywhere."""
        if not at_once and self._monotonic() < self._next_look:
            return None
        with self._database.held.write() as connection:
            known = add(
                connection, self._campaign_id, self._guard.fresh, since=self._since, keep=self._limits.refused_of
            )
        self._next_look = self._monotonic() + LOOK_EVERY_SECONDS
        self._since = known.since
        return self._guard.learn(known)


def _since(connection: Connection, campaign_id: int) -> datetime:
    """When the campaign was last resumed."""
    query = select(guard_evidence.c.since).where(guard_evidence.c.campaign_id == campaign_id)
    return connection.execute(query).scalar() or EPOCH


def add(
    connection: Connection, campaign_id: int, fresh: GuardCounts, *, since: datetime | None = None, keep: int
) -> GuardCounts:
    """Add what one worker saw; returns what all have seen. What was seen before a resume (`since`) isn't added."""
    row = _locked(connection, campaign_id)
    values: dict[str, Any] = {
        name: getattr(row, name) for name in ("accepted", "refused", "hard", "recent", "troubles")
    }
    if fresh.mailed and since in (None, row.since):
        values["accepted"] += fresh.accepted
        values["refused"] += fresh.refused
        values["hard"] += fresh.hard
        values["recent"] = (row.recent + fresh.recent)[-keep:]
        changes = values | ({"troubles": 0, "trouble_at": None} if fresh.accepted else {})
        connection.execute(update(guard_evidence).where(guard_evidence.c.campaign_id == campaign_id).values(changes))
        values["troubles"] = changes["troubles"]
    came_back = feedback(connection, campaign_id, since=row.since)
    return GuardCounts(
        **values, bounced=came_back.get("bounced", 0), complained=came_back.get("complained", 0), since=row.since
    )


def guard_counts_of(connection: Connection, campaign_id: int) -> GuardCounts:
    """What all workers have seen, for those who look at it alone."""
    row = connection.execute(select(guard_evidence).where(guard_evidence.c.campaign_id == campaign_id)).one_or_none()
    if row is None:
        return GuardCounts()
    came_back = feedback(connection, campaign_id, since=row.since)
    return GuardCounts(
        row.accepted, row.refused, row.hard, row.recent, bounced=came_back.get("bounced", 0),
        complained=came_back.get("complained", 0), troubles=row.troubles, since=row.since,
    )  # fmt: skip


def feedback(connection: Connection, campaign_id: int, *, since: datetime) -> dict[str, int]:
    """How many people's mails, taken after `since`, bounced hard or were complained about; each person once."""
    rows = connection.execute(
        select(events.c.kind, func.count(events.c.delivery_id.distinct()).label("people"))
        .join(deliveries, about(events))
        .where(
            events.c.campaign_id == campaign_id,
            FEEDBACK,
            # Full mailboxes and blocklists come back too, and are no sign of a bad list.
            or_(events.c.kind == "complained", events.c.reply_class.in_(("", ReplyClass.HARD.value))),
            deliveries.c.changed_at > since,
            deliveries.c.state != DeliveryState.FAILED,  # refused at once, and counted as that
        )
        .group_by(events.c.kind)
    )
    return {row.kind: row.people for row in rows}


def count_trouble(connection: Connection, campaign_id: int, *, now: datetime) -> int:
    """Count a failure of the transport, unless one was counted just now; returns how many there are in a row."""
    _locked(connection, campaign_id)
    last = guard_evidence.c.trouble_at
    connection.execute(
        update(guard_evidence)
        # One that seems to lie ahead was counted before the clock was put back.
        .where(
            guard_evidence.c.campaign_id == campaign_id, or_(last.is_(None), last <= now - TROUBLES_APART, last > now)
        )
        .values(troubles=guard_evidence.c.troubles + 1, trouble_at=now)
    )
    return int(_locked(connection, campaign_id).troubles)


def begin_anew(connection: Connection, campaign_id: int, *, now: datetime) -> None:
    """Forget what led to a pause: from here on only what happens to mails handed over later counts."""
    _locked(connection, campaign_id)
    fresh = {"accepted": 0, "refused": 0, "hard": 0, "recent": "", "troubles": 0, "trouble_at": None, "since": now}
    connection.execute(update(guard_evidence).where(guard_evidence.c.campaign_id == campaign_id).values(fresh))


def _locked(connection: Connection, campaign_id: int) -> Row[Any]:
    """The campaign's row, made if missing, held until the transaction ends."""
    query = select(guard_evidence).where(guard_evidence.c.campaign_id == campaign_id).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        new = {"campaign_id": campaign_id, "since": EPOCH}
        connection.execute(insert_for(connection, guard_evidence).values(new).on_conflict_do_nothing())
        row = connection.execute(query).one()
    return row
