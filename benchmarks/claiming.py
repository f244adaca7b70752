"""How workers share a campaign, simulated: 64 of them, their clocks apart, killed and frozen at random.

`python -m benchmarks.claiming` prints what many seeds came to, and how the people a second grow with the workers at the
costs that were measured. The rules are those of `delivery/ledger`: a worker claims rows, notes the intent of a few of
them while it still holds them, hands over, and notes the outcome. What a worker held whose lease ran out is taken back
by others, and who had an intent is uncertain. `Rules` leaves one out, to see that the simulation would notice.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from itertools import count

WORKERS, PEOPLE = 64, 2_000
LEASE, RENEWED_EVERY = 60.0, 15.0  # seconds
CLAIMED, BEGUN = 50, 16  # people put aside at a time, and of these with an intent
SKEW = 20.0  # seconds that a worker's clock may be wrong
FROZEN = (1.0, 200.0)  # seconds; some are longer than a lease
FREEZES, KILLS = 0.02, 0.01  # of steps


class Mail(StrEnum):
    """Of one person, in the ledger."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    BEGUN = "begun"  # its intent is noted
    SENT = "sent"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the ledger keeps to."""

    intent_if_held: bool = True  # an intent is noted only of rows that are still the worker's
    begun_is_uncertain: bool = True  # when a lease ran out, who had an intent is not given to others
    taken_back: bool = True  # what a dead worker had claimed returns to the queue


@dataclass(slots=True)
class Row:
    """Of the ledger."""

    state: Mail = Mail.QUEUED
    worker: int = 0


@dataclass(slots=True)
class Verdict:
    """How it ended."""

    states: Counter[str]
    twice: int  # people who were handed over more than once
    lost: int  # sent and never handed over, or left without an end
    kills: int
    freezes: int
    seconds: float


@dataclass
class Simulation:
    """One campaign. Time is the database's; workers ask it when a lease ran out, so what their own clocks say is of no
    account but for when they renew."""

    seed: int
    people: int = PEOPLE
    workers: int = WORKERS
    rules: Rules = field(default_factory=Rules)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.rows = [Row() for _ in range(self.people)]
        self.leases: dict[int, float] = {}
        self.handed = Counter[int]()
        self.now, self.kills, self.freezes = 0.0, 0, 0
        self._names, self._turns = count(1), count()
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []

    def run(self) -> Verdict:
        """Until nobody waits any more."""
        for _ in range(self.workers):
            self._at(self.dice.random(), self._begin)
        while self._agenda:
            self.now, _, step = heapq.heappop(self._agenda)
            step()
        states = Counter(row.state.value for row in self.rows)
        unended = sum(row.state not in (Mail.SENT, Mail.UNCERTAIN) for row in self.rows)
        unsent = sum(row.state is Mail.SENT and not self.handed[n] for n, row in enumerate(self.rows))
        twice = sum(times > 1 for times in self.handed.values())
        return Verdict(states, twice, unended + unsent, self.kills, self.freezes, self.now)

    def _at(self, delay: float, step: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (self.now + delay, next(self._turns), step))

    def _begin(self) -> None:
        name = next(self._names)
        skew = self.dice.uniform(-SKEW, SKEW)
        self.leases[name] = self.now + LEASE
        self._step(name, skew, self._claim, renewed=self.now)

    def _step(self, name: int, skew: float, what: Callable[[int, float, float], None], *, renewed: float) -> None:
        """Go on a moment later, unless killed, or frozen for a while: then whatever it was about to do comes late."""
        if self.dice.random() < KILLS:
            self.kills += 1
            self._at(self.dice.uniform(0.5, 90.0), self._begin)  # cron starts another
            return
        delay = self.dice.uniform(0.001, 0.5)
        if self.dice.random() < FREEZES:
            self.freezes += 1
            delay += self.dice.uniform(*FROZEN)
        self._at(delay, lambda: what(name, skew, renewed))

    def _lease(self, name: int, skew: float, renewed: float) -> float | None:
        """When it was renewed last, by its own clock; None when it was found to have run out."""
        if self.leases.get(name, 0.0) < self.now:
            return None
        if self.now + skew - renewed > RENEWED_EVERY:
            self.leases[name] = self.now + LEASE
            return self.now + skew
        return renewed

    def _claim(self, name: int, skew: float, renewed: float) -> None:
        self._take_back()
        mine = [n for n, row in enumerate(self.rows) if row.state is Mail.CLAIMED and row.worker == name]
        held = self._lease(name, skew, renewed)
        if held is None:
            self._at(0.0, self._begin)
            return
        if not mine:
            mine = [n for n, row in enumerate(self.rows) if row.state is Mail.QUEUED][:CLAIMED]  # skipping the locked
            for n in mine:
                self.rows[n] = Row(Mail.CLAIMED, name)
        if mine:
            chosen = mine[:BEGUN]
            self._step(name, skew, partial(self._intend, chosen), renewed=held)
        elif any(row.state not in (Mail.SENT, Mail.UNCERTAIN) for row in self.rows):
            self._at(RENEWED_EVERY, self._begin)  # a later run

    def _intend(self, chosen: Sequence[int], name: int, skew: float, renewed: float) -> None:
        held = self._lease(name, skew, renewed)
        if self.rules.intent_if_held:
            chosen = [n for n in chosen if held is not None and self.rows[n] == Row(Mail.CLAIMED, name)]
        for n in chosen:
            self.rows[n] = Row(Mail.BEGUN, name)
        self._step(name, skew, partial(self._hand_over, chosen), renewed=renewed)

    def _hand_over(self, chosen: Sequence[int], name: int, skew: float, renewed: float) -> None:
        on_the_wire = chosen[: self.dice.randint(0, len(chosen))] if self.dice.random() < KILLS else chosen
        self.handed.update(on_the_wire)
        if len(on_the_wire) < len(chosen):  # killed in between
            self.kills += 1
            self._at(self.dice.uniform(0.5, 90.0), self._begin)
            return
        self._step(name, skew, partial(self._record, chosen), renewed=renewed)

    def _record(self, chosen: Sequence[int], name: int, skew: float, renewed: float) -> None:
        for n in chosen:
            if self.rows[n].worker == name and self.rows[n].state in (Mail.BEGUN, Mail.UNCERTAIN):
                self.rows[n] = Row(Mail.SENT, name)  # late, and known after all
        self._step(name, skew, self._claim, renewed=renewed)

    def _take_back(self) -> None:
        for row in self.rows:
            if row.state in (Mail.CLAIMED, Mail.BEGUN) and self.leases.get(row.worker, 0.0) < self.now:
                if row.state is Mail.BEGUN and self.rules.begun_is_uncertain:
                    row.state = Mail.UNCERTAIN
                elif self.rules.taken_back:
                    row.state, row.worker = Mail.QUEUED, 0


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds: of the database's processor for a person's claim, intent and outcome; of a worker's for their mail; of a
    commit's wait for the disk, which those who wait at the same time share. `batch`: people of an exchange."""

    server: float
    worker: float
    disk: float
    batch: int


def a_second(workers: int, cores: int, costs: Costs, *, exchanges: int = 20_000) -> float:
    """People a second of so many workers, each on a core of its own, with one database of `cores`."""
    free = [0.0] * cores
    disk, ends = 0.0, 0.0
    due = [(index * 1e-5, index) for index in range(workers)]
    for _ in range(exchanges):
        now, worker = heapq.heappop(due)
        began = max(now, heapq.heappop(free))
        done = began + costs.server * costs.batch
        heapq.heappush(free, done)
        synced = (disk if done < disk else done) + costs.disk  # with the sync after the one that is under way
        disk = synced if done >= disk else disk
        ends = synced + costs.worker * costs.batch
        heapq.heappush(due, (ends, worker))
    return exchanges * costs.batch / ends


SMTP = Costs(server=31e-6, worker=0.16e-3, disk=1e-3, batch=16)
SENDGRID = Costs(server=31e-6, worker=49e-6, disk=1e-3, batch=1_000)


def main() -> None:
    seeds = 50
    found = [Simulation(seed).run() for seed in range(seeds)]
    states = sum((one.states for one in found), Counter[str]())
    kills, freezes = sum(one.kills for one in found), sum(one.freezes for one in found)
    print(f"{seeds} campaigns to {PEOPLE:,} people by {WORKERS} workers: {kills:,} kills, {freezes:,} freezes")
    print(f"{sum(one.twice for one in found)} twice, {sum(one.lost for one in found)} lost, {dict(states)}")
    print("\n| workers | SMTP, 2 cores | 8 | 16 | SendGrid, 2 cores | 8 | 16 |\n|---|---|---|---|---|---|---|")
    for workers in (1, 2, 4, 8, 16, 32, 64):
        rates = [a_second(workers, cores, costs) for costs in (SMTP, SENDGRID) for cores in (2, 8, 16)]
        print(f"| {workers} | {' | '.join(f'{rate:,.0f}' for rate in rates)} |")


if __name__ == "__main__":
    main()
