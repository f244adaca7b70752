"""Decides tests: once, at the time that was stated, and lets the rest of the audience have the version that won.

A decision, its campaign's opening and the line in the audit log are one transaction. Before its time a test is decided
by a sequential test alone, which stays right however often somebody looks; once its time has come, staff may decide
by hand as well. What a decision comes to is for `mailer.experiments`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, exists, select, update

from mailer.counting import counted
from mailer.delivery.experiments.counts import arm_counts
from mailer.delivery.experiments.kept import AT_ITS_TIME, BY_HAND, EARLY, KeptDecision, KeptTest, find_test
from mailer.delivery.ledger.guard import QUEUED, passes
from mailer.delivery.ledger.guard_state import begin_anew
from mailer.delivery.ledger.reopen import lock_campaign
from mailer.errors import MailerError
from mailer.experiments.deciding import ArmCounts, Decision, decide
from mailer.experiments.sampling import ahead_early
from mailer.experiments.words import named, told
from mailer.settings import Guard
from mailer.staff import audit
from mailer.staff.actor import Actor, cron
from mailer.store.engine.database import Conflict, Database
from mailer.store.tables.core import QUEUE, campaigns, deliveries
from mailer.store.tables.experiments import campaign_tests
from mailer.store.tables.states import CampaignState, DecisionState


@dataclass(frozen=True, slots=True)
class SettledTest:
    """What became of a test whose time had come."""

    slug: str
    state: DecisionState
    winner: str
    why: str  # in words

    @property
    def needs_staff(self) -> bool:
        return self.state in (DecisionState.OVERDUE, DecisionState.STOPPED)


def any_due(connection: Connection, *, now: datetime) -> bool:
    """Whether the time of a test has come whose campaign is being sent."""
    return connection.execute(_due(now).limit(1)).first() is not None


def decide_due(database: Database, *, limits: Guard, now: datetime) -> list[SettledTest]:
    """Decide each test whose time has come. One that nobody decided within its campaign's lateness, or whose versions
    all tripped a guard rail, is left to staff, and its campaign is paused. Returns what was decided or left here."""
    with database.read() as connection:
        due = list(connection.execute(_due(now)).scalars())
    found: list[SettledTest | None] = []
    for campaign_id in due:
        with suppress(Conflict), database.write() as connection:
            found.append(_decide_one(connection, campaign_id, limits=limits, now=now))
    return [one for one in found if one is not None]


def decide_by_hand(database: Database, campaign_id: int, arm: str, *, limits: Guard, now: datetime, by: Actor) -> None:
    """Staff's decision: the rest get version `arm`. Raises `MailerError` when it was decided, and before its time
    unless that version is so far ahead by signatures that looking early does no harm."""
    with database.write() as connection:
        state, why = lock_campaign(connection, campaign_id)
        test = find_test(connection, campaign_id)
        if test is None:
            raise MailerError("no versions are tried in it", remedy="How to: docs/tests.md.")
        if arm not in test.plan.arms:
            raise MailerError(f"there is no version {arm!r}", remedy=f"There are {', '.join(test.plan.arms)}.")
        if test.state is DecisionState.DECIDED:
            raise MailerError(f"the test of {test.slug} is decided: {named(test.winner)} goes to everybody else")
        if state not in (CampaignState.SENDING, CampaignState.PAUSED):
            raise MailerError(f"{test.slug} is {state}, so nobody waits for a decision")
        counts = arm_counts(connection, campaign_id)
        out = vetoed(counts, limits)
        is_early = test.state is DecisionState.WAITING and now < test.decide_at
        if is_early:
            _require_early(test, counts, arm, out)
        how = EARLY if is_early else BY_HAND
        kept = KeptDecision(tuple(counts), out, _decision(test, counts, out), how, by.name)
        _open(connection, test, arm, kept, by=by, now=now)
        if state is CampaignState.PAUSED and test.why and why == test.why:
            again = update(campaigns).where(campaigns.c.id == campaign_id)
            connection.execute(again.values(state=CampaignState.SENDING, why=""))
            begin_anew(connection, campaign_id, now=now)


def recomputed(test: KeptTest) -> Decision:
    """What the formula of now makes of a kept decision's counts. Raises `MailerError` for a test without a decision."""
    if test.decision is None:
        raise MailerError(f"the test of {test.slug} isn't decided", remedy="There is nothing to compute again.")
    return _decision(test, test.decision.counts, test.decision.vetoed)


def vetoed(counts: Sequence[ArmCounts], limits: Guard) -> tuple[str, ...]:
    """The versions that can't win, since too many people left or complained after them."""
    return tuple(
        one.arm
        for one in counts
        if passes(one.unsubscribed, of=one.sent, rate=limits.unsubscribe_rate, at_least=limits.unsubscribes_at_least)
        or passes(one.complained, of=one.sent, rate=limits.complaint_rate, at_least=limits.complaints_at_least)
    )


def _due(now: datetime) -> Select[int]:
    return (
        select(campaign_tests.c.campaign_id)
        .join(campaigns, campaigns.c.id == campaign_tests.c.campaign_id)
        .where(
            campaign_tests.c.decided_at.is_(None),
            campaign_tests.c.decide_at <= now,
            campaign_tests.c.state == DecisionState.WAITING,
            campaigns.c.state == CampaignState.SENDING,
        )
        .order_by(campaign_tests.c.decide_at)
    )


def _decide_one(connection: Connection, campaign_id: int, *, limits: Guard, now: datetime) -> SettledTest | None:
    """None when somebody else decided it, or stopped its campaign."""
    state, _ = lock_campaign(connection, campaign_id)
    test = find_test(connection, campaign_id)
    is_due = test is not None and test.state is DecisionState.WAITING and test.decide_at <= now
    if test is None or not is_due or state is not CampaignState.SENDING:
        return None
    if _is_mail_waiting(connection, campaign_id):
        later = now + test.plan.wait
        _change(connection, test, decide_at=later)
        why = f"not everybody's version has left yet, so it is decided later, at {later:%Y-%m-%d %H:%M} UTC"
        return SettledTest(test.slug, DecisionState.WAITING, "", why)
    late = connection.execute(select(campaigns.c.late_seconds).where(campaigns.c.id == campaign_id)).scalar_one()
    if now - test.decide_at > timedelta(seconds=late):
        why = f"its test was to be decided at {test.decide_at:%Y-%m-%d %H:%M} UTC, and no `mailer run` came in time"
        return _leave_to_staff(connection, test, DecisionState.OVERDUE, why, now=now)
    counts = arm_counts(connection, campaign_id)
    out = vetoed(counts, limits)
    decision = _decision(test, counts, out)
    if not decision.winner:
        why = "too many people left or complained after every version of its test"
        return _leave_to_staff(connection, test, DecisionState.STOPPED, why, now=now)
    kept = KeptDecision(tuple(counts), out, decision, AT_ITS_TIME, cron().name)
    _open(connection, test, decision.winner, kept, by=cron(), now=now)
    return SettledTest(test.slug, DecisionState.DECIDED, decision.winner, " ".join(told(counts, decision)))


def _is_mail_waiting(connection: Connection, campaign_id: int) -> bool:
    """Whether the mail of somebody whose version was drawn was never tried so far, or is on its way this moment: for
    the pace, a warm-up plan or a pause."""
    mine = (deliveries.c.campaign_id == campaign_id, deliveries.c.stage == 0)
    untried = exists().where(QUEUE, *mine, deliveries.c.attempt == 0)
    in_hand = exists().where(deliveries.c.worker_id.is_not(None), *mine, deliveries.c.attempt <= 1)
    return any(connection.execute(select(untried, in_hand)).one())


def _decision(test: KeptTest, counts: Sequence[ArmCounts], out: Sequence[str]) -> Decision:
    """By people who signed, or by clicks where the newsletter says so."""
    if test.plan.decides == "clicks":
        counts = [replace(one, signed=0) for one in counts]
    return decide(counts, prior=test.plan.prior, vetoed=out)


def _require_early(test: KeptTest, counts: Sequence[ArmCounts], arm: str, out: Sequence[str]) -> None:
    """Raise unless the sequential test says that this version may be sent on before the stated time."""
    if arm in out:
        raise MailerError(f"too many people left or complained after version {named(arm)}")
    if ahead_early(counts, prior=test.plan.prior) != arm:
        raise MailerError(
            f"{named(arm)} isn't so far ahead that the test can end early",
            remedy=f"It is decided by itself at {test.decide_at:%Y-%m-%d %H:%M} UTC.",
        )


def _open(
    connection: Connection, test: KeptTest, winner: str, kept: KeptDecision, *, by: Actor, now: datetime
) -> None:  # fmt: skip
    """Keep the decision, and let the rest have their mail: one row is changed, whatever their number."""
    _change(connection, test, state=DecisionState.DECIDED, winner=winner, why="", decided_at=now, decision=asdict(kept))
    connection.execute(update(campaigns).where(campaigns.c.id == test.campaign_id).values(stage=1))
    rest = counted(test.plan.people - test.plan.tested)
    detail = f"version {winner} for the other {rest}, {kept.how}"
    audit.record(connection, by, "test decided", at=now, subject=audit.newsletter_subject(test.slug), detail=detail)


def _leave_to_staff(
    connection: Connection, test: KeptTest, state: DecisionState, why: str, *, now: datetime
) -> SettledTest:  # fmt: skip
    """Flag the test and pause its campaign: everybody else stays queued."""
    why = f"{why}{QUEUED}Look at it, and decide: mailer tests {test.slug} --decide a"
    _change(connection, test, state=state, why=why)
    paused = update(campaigns).where(campaigns.c.id == test.campaign_id).values(state=CampaignState.PAUSED, why=why)
    connection.execute(paused)
    subject = audit.newsletter_subject(test.slug)
    audit.record(connection, cron(), "newsletter paused", at=now, subject=subject, detail=why)
    return SettledTest(test.slug, state, "", why)


def _change(connection: Connection, test: KeptTest, **values: Any) -> None:
    mine = campaign_tests.c.campaign_id == test.campaign_id
    connection.execute(update(campaign_tests).where(mine).values(values))
