"""One run, as cron calls it: settle what dead workers left, launch what is due, send what is queued, leave.

Any number of runs may overlap, on one machine or many: the ledger shares the work out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from mailer.audience.consent import list_id
from mailer.audience.definition import from_json as audience_from_json
from mailer.compose.message import from_json as message_from_json
from mailer.delivery import campaigns as steps
from mailer.delivery.engine import Engine
from mailer.delivery.evidence import Rails
from mailer.delivery.lanes import Lane, Lanes, Slots
from mailer.delivery.ledger import Worker, settle_expired
from mailer.delivery.pacing import Pacer
from mailer.delivery.patience import Patience
from mailer.delivery.postman import Postman
from mailer.delivery.stopping import Stop
from mailer.delivery.tally import Observer, Tally
from mailer.delivery.warming import WarmUp
from mailer.store.database import Database
from mailer.store.states import CampaignState
from mailer.store.tables import campaigns
from mailer.tracking.tokens import Signer
from mailer.transports.choosing import make_transport
from mailer.transports.envelope import Transport
from mailer.workspace import Workspace


@dataclass(slots=True)
class RunReport:
    """What a run did, campaign by campaign, and what staff should know."""

    settled: int = 0  # deliveries that became uncertain since their program died
    launched: list[str] = field(default_factory=list[str])
    overdue: list[str] = field(default_factory=list[str])
    tallies: dict[str, Tally] = field(default_factory=dict[str, Tally])
    finished: list[str] = field(default_factory=list[str])

    @property
    def trouble(self) -> bool:
        """Whether somebody should look: a campaign paused itself or is overdue, its transport failed, or people may
        have got their mail or not, and staff decide about them."""
        doubtful = any(tally.uncertain for tally in self.tallies.values())
        return bool(self.overdue or self.settled) or doubtful or any(tally.trouble for tally in self.tallies.values())


class _Patiently:
    """The lanes of a pace, for a run that waits for a database in trouble."""

    def __init__(self, lanes: Lanes, patience: Patience) -> None:
        self._lanes = lanes
        self._patience = patience

    def take(self, lanes: Sequence[Lane], wanted: int) -> Slots:
        return self._patience.wait_for(lambda: self._lanes.take(lanes, wanted), ())


class Runner:
    """Sends a workspace's campaigns. One `Stop` ends all of it."""

    def __init__(
        self,
        workspace: Workspace,
        database: Database,
        *,
        clock: Callable[[], datetime],
        stop: Stop,
        progress: Callable[[str, Tally], None] = lambda slug, tally: None,
        say: Callable[[str], None] = lambda words: None,
        transport: Transport | None = None,
        why_hold: steps.WhyHold = steps.hold_nothing,
    ) -> None:
        self.workspace = workspace
        self.database = database
        self.clock = clock
        self.stop = stop
        self.progress = progress
        self.say = say
        self.why_hold = why_hold
        self.signer = Signer(workspace.secrets.require_signing())
        self.transport = transport or make_transport(workspace.settings, workspace.secrets, root=workspace.root)
        self.patience = Patience(stop, say)
        lanes = Lanes(database, transport=self.transport.name)
        self.pacer = Pacer(workspace.settings.pace, _Patiently(lanes, self.patience))
        self.warm_up = WarmUp(workspace.settings.pace, transport=self.transport.name)

    def run(self, only: str | None = None) -> RunReport:
        """Everything that is due now; sends one campaign alone when `only` names it."""
        report = RunReport(settled=settle_expired(self.database, self.clock()))
        for row in steps.launch_due(self.database, now=self.clock(), why_hold=self.why_hold):
            (report.overdue if row.state == CampaignState.OVERDUE else report.launched).append(row.slug)
        for row in self._sending():
            if only is not None and row.slug != only:
                continue
            if self.stop.due():
                break
            # Under cron a used-up allowance is said once, by the run that used it up; `mailer status` keeps saying it.
            if only is not None or not self._allowance_is_used_up():
                report.tallies[row.slug] = self.send(row)
            if self._finish(row.id):
                report.finished.append(row.slug)
        return report

    def _finish(self, campaign_id: int) -> bool:
        return self.patience.wait_for(lambda: steps.finish_if_done(self.database, campaign_id, now=self.clock()), ())

    def _allowance_is_used_up(self) -> bool:
        """Whether the warm-up plan lets nobody through for the rest of the day."""
        with self.database.read() as connection:
            today = self.warm_up.today(connection, self.clock())
        return today is not None and not today.left

    def send(self, row: Row[Any]) -> Tally:
        """Work one campaign's queue off, until nothing of it is due."""
        postman = Postman(message_from_json(row.message), settings=self.workspace.settings, signer=self.signer)
        tally = Tally()
        if row.transport != self.transport.name:
            tally.end(
                f"it was launched for the {row.transport} transport, and mailer.toml now names {self.transport.name}:"
                f" put that back, or cancel the campaign",
                trouble=True,
            )
        while not (tally.ended or self.stop.due()):
            part = self.patience.wait_for(lambda: self._engine(row, postman), ()).run()
            tally.add(part)
            if why := part.pause:
                self.patience.wait_for(lambda: steps.pause(self.database, row.id, why), ())
            # Whatever came back to the queue meanwhile is due at once; go on until a round moves nobody.
            if part.ended or not (part.sent or part.failed or part.skipped or part.uncertain):
                break
        return tally

    def _engine(self, row: Row[Any], postman: Postman) -> Engine:
        worker = Worker(
            self.database,
            campaign_id=row.id,
            list_ids=self._list_ids(audience_from_json(row.audience).include),
            clock=self.clock,
            warm_up=self.warm_up,
            soft=self.workspace.settings.bounces,
        )
        rails = Rails(
            self.database,
            campaign_id=row.id,
            slug=row.slug,
            transport=self.transport.name,
            limits=self.workspace.settings.guard,
            clock=self.clock,
        )
        return Engine(
            worker,
            postman=postman,
            transport=self.transport,
            pacer=self.pacer,
            rails=rails,
            stop=self.stop,
            clock=self.clock,
            observer=Observer(
                progress=lambda tally: self.progress(row.slug, tally),
                say=lambda words: self.say(f"{row.slug}: {words}"),
            ),
        )

    def _list_ids(self, names: Sequence[str]) -> list[int]:
        with self.database.write() as connection:
            return [list_id(connection, name) for name in names]

    def _sending(self) -> list[Row[Any]]:
        with self.database.read() as connection:
            query = select(campaigns).where(campaigns.c.state == CampaignState.SENDING)
            return list(connection.execute(query.order_by(campaigns.c.launched_at)).all())
