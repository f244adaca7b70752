"""The engine: sends a campaign's queue over several concurrent connections.

Only the thread that calls `Engine.run` touches the database. The connections report what they have done and ask for
people; it gathers what there is, commits once for all (`Worker.exchange`), and gives. So the ledger always knows
of every message that may be on the wire, and one commit serves many connections.
"""

from __future__ import annotations

import time
from collections.abc import Hashable
from contextlib import suppress
from itertools import groupby

from mailer.delivery.ledger.guard import Halt
from mailer.delivery.ledger.guard_state import Rails
from mailer.delivery.ledger.ledger import CampaignStopped, LeaseLost, Worker
from mailer.delivery.ledger.outcomes import Done
from mailer.delivery.ledger.pacer import Pacer
from mailer.delivery.ledger.recipients import load_recipients
from mailer.delivery.sending.buffer import Ahead
from mailer.delivery.sending.connections.event_loop import Looped
from mailer.delivery.sending.connections.hand_over import Addressed, ConnectionReport, Connections, Maker, boot_seconds
from mailer.delivery.sending.connections.threaded import Threaded
from mailer.delivery.sending.envelopes import EnvelopeBuilder
from mailer.delivery.sending.progress import UNOBSERVED, Observer, SendCounts
from mailer.delivery.sending.run_control import Patience, Stop
from mailer.store.engine.database import DatabaseTrouble
from mailer.transports.base import Transport, TransportRefused

CLAIMED_AHEAD = 500  # people put aside at a time, so that claiming is rare and a dead worker blocks few
BATCHES_AHEAD = 5  # or so many hand-overs, so that most can be of people whose mails say the same
MOST_AHEAD = 10 * CLAIMED_AHEAD  # of these, when all wait for a domain's pace
LINGER_SECONDS = 0.002  # how long a commit waits for most connections, to serve them together
LONGEST_WAIT_SECONDS = 10.0  # between looks at the lease and the clock


class Engine:
    """Sends what is due of one campaign, until nothing is due or it is stopped. `connections`: how many of those that
    the transport may open, all of them where none are named."""

    def __init__(
        self,
        worker: Worker,
        *,
        builder: EnvelopeBuilder,
        transport: Transport,
        connections: int = 0,
        pacer: Pacer,
        rails: Rails,
        stop: Stop,
        observer: Observer = UNOBSERVED,
    ) -> None:
        self.worker = worker
        self.builder = builder
        self.transport = transport
        self.connections = connections or transport.connections
        self.pacer = pacer
        self.rails = rails
        self.stop = stop
        self.clock = worker.clock
        self.observer = observer
        self.tally = SendCounts()
        self._patience = Patience(stop, observer.say)
        # Put aside for this worker, their intents not recorded. Only a hand-over of many can share what mails say.
        self._ahead = Ahead(pacer, self._kind_of) if transport.batch > 1 else Ahead(pacer)
        self._more_are_due = True
        self._troubles = 0

    def run(self) -> SendCounts:
        """Send until nothing is due. Always gives back what it claimed, whatever happens."""
        unrecorded: list[Done] = []
        connections: Connections | None = None
        try:
            self._refill()
            wanted = min(self.connections, -(-len(self._ahead) // self.transport.batch))
            if wanted:
                connections = self._connections(wanted)
                connections.start()
                self._serve(connections, wanted, unrecorded)
                with suppress(DatabaseTrouble):
                    self._halt(self.rails.look(at_once=True))
        except TransportRefused as error:  # this mailing can't be sent by this transport at all
            self._halt(self.rails.trouble(error))
        finally:
            try:
                if connections is not None:  # they went on while we waited for a database, or failed
                    unrecorded.extend(done for report in connections.wait(0.0) for done in report.done)
            finally:
                self._patience.wait_for(lambda: self.worker.release(unrecorded), unrecorded)
                if connections is not None:
                    connections.close()
        return self.tally

    def _connections(self, count: int) -> Connections:
        mailing, maker = self.builder.mailing(), Maker(self.builder, self.clock)
        loop = self.transport.loop(mailing)
        if loop is not None:
            return Looped(loop, maker, count=count)
        return Threaded(self.transport, mailing, maker, count=count)

    def _serve(self, connections: Connections, active: int, unrecorded: list[Done]) -> None:
        waiting: list[ConnectionReport] = []
        stopping_since: float | None = None
        pause = 0.0
        while active:
            fresh = self._gather(connections, pause if waiting else LONGEST_WAIT_SECONDS, enough=(3 * active) // 4)
            for report in fresh:
                unrecorded.extend(report.done)
            self._note(fresh)
            waiting += fresh
            self._look_for_the_end()
            if self.tally.ended and stopping_since is None:
                stopping_since = time.monotonic()
                connections.hurry()
            chosen, pause = ({}, LONGEST_WAIT_SECONDS) if self.tally.ended else self._choose(waiting)
            if any(chosen.values()):
                pause = 0.0  # a connection that got nobody, since the person left meanwhile, asks again at once
            begun = self._exchange(unrecorded, chosen)
            waiting, left = self._answer(connections, waiting, chosen, begun)
            active -= left
            self.observer.progress(self.tally)
            if stopping_since and time.monotonic() - stopping_since > self.stop.drain_seconds:
                return  # what has not answered by now becomes uncertain on release

    def _gather(self, connections: Connections, timeout: float, *, enough: int) -> list[ConnectionReport]:
        """The reports there are. Waits for the first for at most `timeout` seconds, in small steps so that a signal is
        heard soon, and a moment more for `enough` of them: a commit for many costs as much as for one."""
        reports: list[ConnectionReport] = []
        until = time.monotonic() + timeout
        while not reports:
            left = until - time.monotonic()
            reports += connections.wait(max(0.0, min(left, 0.2)))
            if left <= 0 or self.stop.due() or self.tally.ended:
                break
        until = time.monotonic() + LINGER_SECONDS
        while 0 < len(reports) < enough and (left := until - time.monotonic()) > 0:
            reports += connections.wait(left)
        return reports

    def _note(self, reports: list[ConnectionReport]) -> None:
        """Count the outcomes of hand-overs, and let the guard rails judge them."""
        for report in reports:
            for _, alike in groupby(report.done, key=lambda item: id(item.outcome)):
                done = list(alike)
                outcome = done[0].outcome
                given_up = self.rails.given_up(outcome, (item.claim.attempt for item in done)) if outcome else 0
                self.tally.count(outcome, len(done), given_up=given_up)
                if outcome is not None:
                    self._troubles = 0
                    self._halt(self.rails.note(outcome, people=len(done), given_up=given_up))
            if report.trouble is not None:
                self._troubles += 1
                error = report.trouble
                self._halt(self._patience.wait_for(lambda: self.rails.trouble(error), ()))  # noqa: B023 - run at once
        with suppress(DatabaseTrouble):  # they look again in a moment
            self._halt(self.rails.look())

    def _halt(self, halt: Halt | None) -> None:
        if halt is not None:
            if halt.pause:
                self.tally.pause = self.tally.pause or halt.reason
            self.tally.end(halt.reason, trouble=True)

    def _look_for_the_end(self) -> None:
        if reason := self.stop.due():
            self.tally.end(reason)

    def _choose(self, waiting: list[ConnectionReport]) -> tuple[dict[int, list[Addressed]], float]:
        """Who goes to which connection, by index in `waiting`; how long to wait when the pace holds everybody back."""
        chosen: dict[int, list[Addressed]] = {}
        pause = LONGEST_WAIT_SECONDS
        for index, report in enumerate(waiting):
            if report.trouble:
                continue
            if not self._ahead:
                self._refill()
            while self._ahead_is_stuck():
                self._refill()
            people, wait = self._ahead.take(self.transport.batch, now=time.monotonic(), longest=LONGEST_WAIT_SECONDS)
            chosen[index] = people
            if not people and self._ahead:
                pause = min(pause, max(wait, 0.001))
        return chosen, pause

    def _ahead_is_stuck(self) -> bool:
        """Whether all that are put aside wait for their domains while others in the queue would be free."""
        stuck = self._more_are_due and self._ahead.all_wait_for_domains and len(self._ahead) < MOST_AHEAD
        return stuck and not self.tally.ended

    def _refill(self) -> None:
        if self.tally.ended:
            return
        try:
            claims = self._patience.wait_for(
                lambda: self.worker.claim(max(CLAIMED_AHEAD, BATCHES_AHEAD * self.transport.batch)), ()
            )
        except (LeaseLost, CampaignStopped) as error:
            self.tally.end(error.message)
            return
        self._more_are_due = bool(claims)
        known = self._patience.wait_for(
            lambda: load_recipients(self.worker.database, claims, with_tracking=self.builder.opens), ()
        )
        self._ahead.extend((claim, known.get(claim.person_id)) for claim in claims)

    def _kind_of(self, one: Addressed) -> Hashable:
        return self.builder.kind(one[1].fields) if one[1] else None

    def _exchange(self, unrecorded: list[Done], chosen: dict[int, list[Addressed]]) -> set[int]:
        """Commit outcomes and intents; returns the deliveries that are begun."""
        wanted = [claim for people in chosen.values() for claim, _ in people]
        if not (wanted or unrecorded):
            self._renew()
            return set()
        try:
            begun = self._patience.wait_for(lambda: self.worker.exchange(unrecorded, wanted), unrecorded)
        except (LeaseLost, CampaignStopped) as error:
            self.tally.end(error.message)
            unrecorded.clear()
            return set()
        unrecorded.clear()
        self.tally.skipped += begun.skipped
        if begun.held_back:
            self.tally.end(begun.held_back)
        return {claim.id for claim in begun.claims}

    def _renew(self) -> None:
        try:
            self.worker.renew()
        except LeaseLost as error:
            self.tally.end(error.message)
        except DatabaseTrouble:
            return  # there is time for another try

    def _answer(
        self,
        connections: Connections,
        waiting: list[ConnectionReport],
        chosen: dict[int, list[Addressed]],
        begun: set[int],
    ) -> tuple[list[ConnectionReport], int]:
        """Reply to those that can go on or must end. Returns who still waits, and how many connections ended."""
        still: list[ConnectionReport] = []
        left: list[int] = []
        begun_at = boot_seconds()
        for index, report in enumerate(waiting):
            people = [one for one in chosen.get(index, ()) if one[0].id in begun]
            if people:
                connections.give(report.number, people, begun_at=begun_at)
            elif self.tally.ended or (not report.trouble and not chosen.get(index) and not self._ahead):
                left.append(report.number)
            elif report.trouble:
                connections.rest(report.number, min(2.0**self._troubles / 2, LONGEST_WAIT_SECONDS))
            else:
                still.append(report)
        connections.leave(left)
        return still, len(left)
