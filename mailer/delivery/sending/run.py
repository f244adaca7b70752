"""One run, as cron calls it: settle what dead workers left, launch what is due, send what is queued, leave.

Any number of runs may overlap, on one machine or many: the ledger shares the work out.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Row, exists, func, select

from mailer.delivery.sending.run_control import Patience, Stop
from mailer.store.engine.database import Database, DatabaseTrouble
from mailer.store.engine.fence import Mark, find_mark, set_mark
from mailer.store.tables.core import APART, QUEUE, campaigns, deliveries, workers
from mailer.store.tables.experiments import campaign_tests
from mailer.store.tables.states import CampaignKind, CampaignState, DeliveryState
from mailer.workspace import Workspace

if TYPE_CHECKING:  # most runs of cron find nothing to do, and come without what does it
    from mailer.delivery.campaigns.lifecycle import WhyHold, WhyNot
    from mailer.delivery.experiments.deciding import SettledTest
    from mailer.delivery.sending.progress import SendCounts
    from mailer.delivery.sending.sender import CampaignSender

    Progress = Callable[[str, SendCounts], None]

RAN = "run"  # the mark of the database that says when a run was here last


@dataclass(slots=True)
class RunReport:
    """What a run did, campaign by campaign, and what staff should know."""

    settled: int = 0  # deliveries that became uncertain since their program died
    launched: list[str] = field(default_factory=list[str])
    overdue: list[str] = field(default_factory=list[str])
    tallies: dict[str, SendCounts] = field(default_factory=dict[str, "SendCounts"])
    finished: list[str] = field(default_factory=list[str])
    held: dict[str, int] = field(default_factory=dict[str, int])  # people whose hour was past: staff decide
    tests: list[SettledTest] = field(default_factory=list["SettledTest"])  # whose time had come
    undecided: dict[str, datetime] = field(default_factory=dict[str, datetime])  # newsletter → when its test will be

    @property
    def trouble(self) -> bool:
        """Whether somebody should look: a campaign paused itself or is overdue, its transport failed, or people may
        have got their mail or not, or a test is left to staff, and they decide about it."""
        doubtful = any(tally.uncertain for tally in self.tallies.values())
        undecided = any(one.needs_staff for one in self.tests)
        failing = any(tally.trouble for tally in self.tallies.values())
        return bool(self.overdue or self.settled or self.held) or doubtful or undecided or failing


def note_run(database: Database, *, now: datetime) -> None:
    """Keep that a run is at work, for those who wait for one: most runs find nothing to do, and leave no other trace.
    Call it once a minute at most; a database in trouble is told of by what comes next."""
    with suppress(DatabaseTrouble), database.write() as connection:
        set_mark(connection, Mark(RAN, now))


def last_run(connection: Connection) -> datetime | None:
    """When a run was here last, to the minute; None when none ever was."""
    found = find_mark(connection, RAN)
    return None if found is None else found.at


def is_at_work(connection: Connection, *, now: datetime, campaign_id: int | None = None) -> bool:
    """Whether somebody is sending just now, any campaign or this one. Of a send that takes hours it is the only trace,
    since its run was noted before it began."""
    alive = select(workers.c.id).where(workers.c.lease_until >= now)
    if campaign_id is not None:
        alive = alive.where(workers.c.campaign_id == campaign_id)
    return connection.execute(alive.limit(1)).first() is not None


class Runner:
    """Sends a workspace's campaigns. One `Stop` ends all of it."""

    def __init__(
        self,
        workspace: Workspace,
        database: Database,
        *,
        clock: Callable[[], datetime],
        stop: Stop,
        progress: Progress = lambda slug, tally: None,
        say: Callable[[str], None] = lambda words: None,
        why_hold: WhyHold = lambda message, audience: "",
        why_not: WhyNot = lambda connection, campaign: "",
    ) -> None:
        self.workspace = workspace
        self.database = database
        self.clock = clock
        self.stop = stop
        self.progress = progress
        self.say = say
        self.why_hold = why_hold
        self.why_not = why_not
        self.patience = Patience(stop, say)

    def run(self, only: str | None = None) -> RunReport:
        """Everything that is due now; sends one campaign alone when `only` names it."""
        report = RunReport()
        anything, to_send = self._due()
        if not anything:
            return report
        from mailer.delivery.campaigns import lifecycle
        from mailer.delivery.ledger.reopen import settle_expired

        report.settled = settle_expired(self.database, self.clock())
        lifecycle.finish_paused(self.database, now=self.clock())
        if not to_send and not self._due()[1]:  # a dead worker's people may be all that is queued
            return report
        began = self.clock()
        sender = self._sender()  # before anything is launched that it could not send
        launched = lifecycle.launch_due(
            self.database, now=self.clock(), why_hold=self.why_hold, why_not=self.why_not,
            pace=self.workspace.settings.pace,
            cap=self.workspace.settings.caps,
        )  # fmt: skip
        for row in launched:
            (report.overdue if row.state == CampaignState.OVERDUE else report.launched).append(row.slug)
        report.tests = self._decide_tests()
        self._go_down_lists()
        for row in self._sending():
            if only is not None and row.slug != only:
                continue
            if self.stop.due():
                break
            # Under cron a used-up allowance is said once, by the run that used it up; `mailer status` keeps saying it.
            if only is not None or not sender.allowance_is_used_up():
                report.tallies[row.slug] = self._send(row, sender)
            if held := self._held(row, since=began):
                report.held[row.slug] = held
            if self._finish(row.id):
                report.finished.append(row.slug)
            elif row.message.get("variants") and (moment := self._decided_at(row.id)):
                report.undecided[row.slug] = moment
        return report

    def _held(self, row: Row[Any], *, since: datetime) -> int:
        """How many people of a campaign by local time are held since then, as their hour was past."""
        if not row.local_at:
            return 0
        held = (APART, deliveries.c.campaign_id == row.id, deliveries.c.state == DeliveryState.HELD)
        with self.database.read() as connection:
            late = select(func.count()).where(*held, deliveries.c.changed_at >= since)
            return connection.execute(late).scalar_one()

    def assist(self, slug: str, *, processes: int) -> SendCounts:
        """Send one campaign beside the run that started this process, one of so many; launches and finishes nothing."""
        from mailer.delivery.sending.progress import SendCounts

        rows = [row for row in self._sending() if row.slug == slug]
        return self._sender(processes).send(rows[0]) if rows else SendCounts()

    def _send(self, row: Row[Any], sender: CampaignSender) -> SendCounts:
        """Send one campaign's queue, with as many more processes as its people and `[run] workers` ask for."""
        number = self._more_processes(row, sender.transport.batch)
        if not number:
            return sender.send(row)
        from mailer.delivery.sending.worker_processes import WorkerProcesses

        beside = WorkerProcesses(self.workspace.root, row.slug, number=number, stop=self.stop, say=self.say)

        def watch(slug: str, tally: SendCounts) -> None:
            done = beside.look()
            done.add(tally)
            self.progress(slug, done)

        with closing(beside):
            tally = self._sender(number + 1, watch).send(row)
            tally.add(beside.wait())
        return tally

    def _more_processes(self, row: Row[Any], batch: int) -> int:
        """How many more to start for what is due of a campaign now."""
        most = self.workspace.settings.run.processes - 1
        if most < 1:
            return 0
        from mailer.delivery.sending.worker_processes import people_each

        each = people_each(batch)
        due = select(deliveries.c.id).where(
            QUEUE,
            deliveries.c.campaign_id == row.id,
            deliveries.c.stage <= row.stage,
            deliveries.c.not_before <= self.clock(),
        )
        with self.database.read() as connection:  # not counted to the end: of a million it would take a while
            waiting = select(func.count()).select_from(due.limit((most + 1) * each).subquery())
            number = connection.execute(waiting).scalar_one()
        return max(0, number // each - 1)

    def _due(self) -> tuple[bool, bool]:
        """Whether there is anything to do at all, and whether a campaign is being sent, or is scheduled and due."""
        now, state = self.clock(), campaigns.c.state
        due = (state == CampaignState.SCHEDULED) & (campaigns.c.due_at <= now)
        with self.database.read() as connection:
            to_send, paused, lapsed = connection.execute(
                select(
                    exists().where(due | _being_sent(now)),
                    exists().where(state == CampaignState.PAUSED),
                    exists().where(workers.c.lease_until < now),
                )
            ).one()
        return to_send or paused or lapsed, to_send

    def _decided_at(self, campaign_id: int) -> datetime | None:
        """When the test of a campaign is decided; None once it is."""
        query = select(campaign_tests.c.decide_at).where(
            campaign_tests.c.campaign_id == campaign_id, campaign_tests.c.decided_at.is_(None)
        )
        with self.database.read() as connection:
            return connection.execute(query).scalar()

    def _decide_tests(self) -> list[SettledTest]:
        """Decide the tests whose time has come, by the clicks that came until now."""
        from mailer.delivery.experiments.deciding import any_due, decide_due

        with self.database.read() as connection:
            if not any_due(connection, now=self.clock()):
                return []
        from mailer.tracking.classify import judge_new

        judge_new(self.database)
        return decide_due(self.database, limits=self.workspace.settings.guard, now=self.clock())

    def _go_down_lists(self) -> None:
        """Open what waits behind gates whose time has come, or pause where a sample did too little."""
        from mailer.delivery.experiments.down_the_list import decide_cohorts

        decide_cohorts(self.database, now=self.clock())

    def _sender(self, processes: int = 1, progress: Progress | None = None) -> CampaignSender:
        from mailer.delivery.sending.sender import CampaignSender

        return CampaignSender(
            self.workspace,
            self.database,
            clock=self.clock,
            stop=self.stop,
            patience=self.patience,
            progress=progress or self.progress,
            say=self.say,
            processes=processes,
        )

    def _finish(self, campaign_id: int) -> bool:
        from mailer.delivery.campaigns.lifecycle import finish_if_done

        return self.patience.wait_for(lambda: finish_if_done(self.database, campaign_id, now=self.clock()), ())

    def _sending(self) -> list[Row[Any]]:
        with self.database.read() as connection:
            query = select(campaigns).where(_being_sent(self.clock()))
            return list(connection.execute(query.order_by(campaigns.c.launched_at)).all())


def _being_sent(now: datetime) -> ColumnElement[bool]:
    """Whether a campaign is being sent. A step of an automation stays open, a test waits for its decision, and one by
    local time for its hours, so they are when somebody of them is due."""
    mine = (QUEUE, deliveries.c.campaign_id == campaigns.c.id)
    waits = exists().where(*mine, deliveries.c.stage == 0, deliveries.c.not_before <= now)
    rest = exists().where(*mine, deliveries.c.stage == 1, campaigns.c.stage == 1, deliveries.c.not_before <= now)
    test = exists().where(campaign_tests.c.campaign_id == campaigns.c.id, campaign_tests.c.decided_at.is_(None))
    at_work = exists().where(workers.c.campaign_id == campaigns.c.id)
    later = (campaigns.c.local_at != "") & exists().where(*mine) & ~at_work & ~test
    undecided = exists().where(
        campaign_tests.c.campaign_id == campaigns.c.id,
        campaign_tests.c.decided_at.is_(None),
        campaign_tests.c.decide_at > now,
        ~at_work,  # who may have left somebody behind
    )
    is_open = (campaigns.c.kind != CampaignKind.STEP) & ~undecided & ~later
    return (campaigns.c.state == CampaignState.SENDING) & (is_open | waits | rest)
