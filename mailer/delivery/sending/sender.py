"""Sends what is queued of a campaign: its message, a worker, guard rails and the pace, put together for the engine.

Which campaigns are due is for `run`, which imports this once one is: it brings the merging of messages, the engine
and the transport's libraries, half of what a run with nothing to do would cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from mailer.audience.consent.caps import NO_CAP
from mailer.audience.consent.changes import list_id
from mailer.audience.selection.spec import from_json as audience_from_json
from mailer.compose.message import ORIGINAL, REST, Message
from mailer.compose.message import from_json as message_from_json
from mailer.delivery.campaigns import lifecycle as steps
from mailer.delivery.data.rows import TableCells
from mailer.delivery.ledger.guard_state import Rails
from mailer.delivery.ledger.ledger import Bounds, Lane, Worker
from mailer.delivery.ledger.pacer import Pacer
from mailer.delivery.ledger.permits import Permits, RateLimit, SharedPace
from mailer.delivery.ledger.warm_up import WarmUp
from mailer.delivery.sending.engine import Engine
from mailer.delivery.sending.envelopes import EnvelopeBuilder
from mailer.delivery.sending.progress import Observer, SendCounts
from mailer.delivery.sending.run_control import Patience, Stop
from mailer.staff.actor import cron
from mailer.store.engine.database import Database
from mailer.store.tables.states import CampaignKind
from mailer.tracking.tokens import Signer
from mailer.transports.provider import make_transport
from mailer.workspace import Workspace


class _Patiently:
    """The limits of a pace, for a run that waits for a database in trouble."""

    def __init__(self, limits: SharedPace, patience: Patience) -> None:
        self._limits = limits
        self._patience = patience

    def take(self, limits: Sequence[RateLimit], wanted: int) -> Permits:
        return self._patience.wait_for(lambda: self._limits.take(limits, wanted), ())


class CampaignSender:
    """Sends a workspace's campaigns by its transport. Raises at once when that can't be made, before anybody waits.

    `processes`: how many send one campaign side by side. They share the transport's connections.
    """

    def __init__(
        self,
        workspace: Workspace,
        database: Database,
        *,
        clock: Callable[[], datetime],
        stop: Stop,
        patience: Patience,
        progress: Callable[[str, SendCounts], None],
        say: Callable[[str], None],
        processes: int = 1,
    ) -> None:
        self.processes = processes
        self.workspace = workspace
        self.database = database
        self.clock = clock
        self.stop = stop
        self.patience = patience
        self.progress = progress
        self.say = say
        self.cells = TableCells(database, workspace.secrets.require_address_key)
        self.signer = Signer(workspace.secrets.require_signing())
        self.transport = make_transport(workspace.settings, workspace.secrets, root=workspace.root)
        limits = SharedPace(database, transport=self.transport.name)
        self.pacer = Pacer(workspace.settings.pace, _Patiently(limits, patience))
        self.warm_up = WarmUp(workspace.settings.pace, transport=self.transport.name)

    def allowance_is_used_up(self) -> bool:
        """Whether the warm-up plan lets nobody through for the rest of the day."""
        with self.database.read() as connection:
            today = self.warm_up.today(connection, self.clock())
        return today is not None and not today.left

    def send(self, row: Row[Any]) -> SendCounts:
        """Send one campaign's queue until nothing of it is due, one lane after the other. `row`: the campaign as it is
        now, whose stage says which lanes are open."""
        lanes = {
            lane: EnvelopeBuilder(message, settings=self.workspace.settings, signer=self.signer, cells=self.cells)
            for lane, message in self._lanes(row).items()
        }
        tally = SendCounts()
        # An automation goes on for years, by whatever transport there is then.
        if row.transport != self.transport.name and row.kind != CampaignKind.STEP:
            tally.end(
                f"it was launched for the {row.transport} transport, and mailer.toml now names {self.transport.name}:"
                f" put that back, or cancel the campaign",
                trouble=True,
            )
        while not (tally.ended or self.stop.due()):
            moved = [self._send_lane(row, lane, builder, tally) for lane, builder in lanes.items()]
            # Whatever came back to the queue meanwhile is due at once; go on until a round moves nobody.
            if not any(moved):
                break
        return tally

    def _lanes(self, row: Row[Any]) -> dict[Lane, Message]:
        """The lanes of a campaign that are open now, each with its mail. Of a test, the rest get the version that won,
        behind the gate that its decision opens."""
        mails = message_from_json(row.message).mails
        if ("", ORIGINAL) in mails:
            return {
                Lane(stage, language=language): mail
                for stage in range(row.stage + 1)
                for (_, language), mail in mails.items()
            }
        found = {Lane(0, arm, language): mail for (arm, language), mail in mails.items()}
        if row.stage:
            from mailer.delivery.experiments.kept import winner_of  # few newsletters test anything

            with self.database.read() as connection:
                winner = winner_of(connection, row.id)
            found |= {Lane(1, REST, language): mail for (arm, language), mail in mails.items() if arm == winner}
        return found

    def _send_lane(self, row: Row[Any], lane: Lane, builder: EnvelopeBuilder, tally: SendCounts) -> bool:
        """Send what is due of one lane, and add it to the tally. Whether anybody's mail came to an end."""
        if tally.ended or self.stop.due():
            return False
        part = self.patience.wait_for(lambda: self._engine(row, lane, builder, tally), ()).run()
        tally.add(part)
        if why := part.pause:
            self.patience.wait_for(self._pause(row.id, why), ())
        return bool(part.sent or part.failed or part.skipped or part.uncertain)

    def _pause(self, campaign_id: int, why: str) -> Callable[[], bool]:
        return lambda: steps.pause(self.database, campaign_id, why, now=self.clock(), by=cron())

    def _engine(self, row: Row[Any], lane: Lane, builder: EnvelopeBuilder, before: SendCounts) -> Engine:
        def progress(part: SendCounts) -> None:
            done = replace(before)
            done.add(part)
            self.progress(row.slug, done)

        worker = Worker(
            self.database,
            campaign_id=row.id,
            list_ids=self._list_ids(audience_from_json(row.audience).include),
            clock=self.clock,
            warm_up=self.warm_up,
            soft=self.workspace.settings.bounces,
            lane=lane,
            bounds=Bounds(
                late=timedelta(seconds=row.late_seconds) if row.local_at else None,
                cap=NO_CAP if row.is_urgent else self.workspace.settings.caps,
            ),
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
            builder=builder,
            transport=self.transport,
            connections=-(-self.transport.connections // self.processes),
            pacer=self.pacer,
            rails=rails,
            stop=self.stop,
            observer=Observer(
                progress=progress,
                say=lambda words: self.say(f"{row.slug}: {words}"),
            ),
        )

    def _list_ids(self, names: Sequence[str]) -> list[int]:
        with self.database.write() as connection:
            return [list_id(connection, name) for name in names]
