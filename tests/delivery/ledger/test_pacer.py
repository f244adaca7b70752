"""The pace: kept by all workers together, on both databases, by simulated clocks and by real processes."""

from __future__ import annotations

import heapq
import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.delivery.ledger.pacer import Pacer
from mailer.delivery.ledger.permits import (
    AHEAD_SECONDS,
    BLOCK_SECONDS,
    LATE_SECONDS,
    TOTAL,
    RateLimit,
    SharedPace,
    give_out,
)
from mailer.settings import Pace
from mailer.store.engine.database import Database, open_database
from mailer.store.gcra import begin
from mailer.workspace import Workspace
from tests.databases import POSTGRESQL, NewDatabase, on_postgresql
from tests.patience import HANG_SECONDS, with_growing_patience

simulated = pytest.mark.sqlite  # on PostgreSQL the server's clock counts, which no test can set
START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


class Clock:
    """Both clocks of a machine: the wall's, which may be put forward and back, and the one that only counts."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.put = timedelta()

    def wall(self) -> datetime:
        return START + timedelta(seconds=self.seconds) + self.put

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class Simulated:
    """A worker: its pacer, how many mails it has on the wire at once, how long each takes, and whom it must mail."""

    pacer: Pacer
    connections: int
    seconds_per_mail: float
    domains: tuple[str, ...]  # who waits, the first first; somebody held back keeps the place, and the others go on
    sent: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])

    def step(self, now: float) -> float:
        """One connection is free: mail somebody, or say when to look again."""
        waits = {domain: self.pacer.wait(domain, now) for domain in dict.fromkeys(self.domains)}
        free = [domain for domain in self.domains if waits[domain] == 0]
        if not free:
            return now + min(waits.values())
        self.pacer.take(free[0], now)
        self.sent.append((now, free[0]))
        return now + self.seconds_per_mail


def simulate(workers: list[Simulated], clock: Clock, seconds: float) -> list[tuple[float, str]]:
    """Let all workers work for some simulated seconds; every mail with its time and domain."""
    events = [(clock.seconds + n * 1e-4, n) for n, worker in enumerate(workers) for _ in range(worker.connections)]
    heapq.heapify(events)
    until = clock.seconds + seconds
    while events[0][0] < until:
        now, n = heapq.heappop(events)
        clock.seconds = now
        heapq.heappush(events, (workers[n].step(now), n))
    return sorted(mail for worker in workers for mail in worker.sent)


def worker(
    database: Database, clock: Clock, pace: Pace, *, connections: int = 4, seconds_per_mail: float, domains: str
) -> Simulated:
    limits = SharedPace(database, transport="smtp", clock=clock.wall, monotonic=clock.monotonic)
    return Simulated(Pacer(pace, limits), connections, seconds_per_mail, tuple(domains.split()))


def test_no_pace_costs_nothing() -> None:
    class Untouchable:
        def take(self, limits: object, wanted: int) -> None:
            raise AssertionError("the database was asked")

    pacer = Pacer(Pace(), Untouchable())  # pyright: ignore[reportArgumentType]
    assert pacer.unlimited
    assert pacer.wait("example.org", 0.0) == 0.0
    pacer.take("example.org", 0.0)


@simulated
def test_only_named_domains_are_held_back_when_there_is_no_total(database: Database) -> None:
    clock = Clock()
    alone = worker(database, clock, Pace(domains={"gmail.com": 20}), seconds_per_mail=0.01, domains="gmail.com a.org")
    sent = Counter(domain for _, domain in simulate([alone], clock, 10))
    assert sent["gmail.com"] == pytest.approx(200, rel=0.05)
    assert sent["a.org"] == pytest.approx(4 * 10 / 0.01 - 200, rel=0.05)
    assert (alone.pacer.limit_of("gmail.com"), alone.pacer.limit_of("a.org")) == ("gmail.com", TOTAL)
    assert not alone.pacer.unlimited


@simulated
@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("rate", [0.5, 3, 20, 200])
def test_all_workers_together_keep_the_total_within_five_percent(database: Database, count: int, rate: float) -> None:
    clock, pace, seconds = Clock(), Pace(per_second=rate), max(10.0, 40 / rate)
    workers = [worker(database, clock, pace, seconds_per_mail=0.01, domains="a.org") for _ in range(count)]
    assert len(simulate(workers, clock, seconds)) == pytest.approx(rate * seconds, rel=0.05, abs=1)


@simulated
def test_workers_slower_than_the_pace_reach_it_together(database: Database) -> None:
    # 4 × 60 a second could be mailed; one alone can't use the blocks of a full pace in time.
    clock = Clock()
    workers = [
        worker(database, clock, Pace(per_second=200), connections=1, seconds_per_mail=1 / 60, domains="a.org")
        for _ in range(4)
    ]
    assert len(simulate(workers, clock, 20)) == pytest.approx(200 * 20, rel=0.05)


@simulated
def test_a_slow_worker_takes_little_from_a_quick_one(database: Database) -> None:
    clock, pace = Clock(), Pace(per_second=100)
    slow = worker(database, clock, pace, connections=1, seconds_per_mail=1 / 20, domains="a.org")
    quick = worker(database, clock, pace, seconds_per_mail=0.01, domains="a.org")
    assert len(simulate([slow, quick], clock, 20)) == pytest.approx(100 * 20, rel=0.1)
    assert len(slow.sent) > 100


@simulated
@pytest.mark.parametrize("count", [1, 4])
def test_a_domain_has_a_pace_of_its_own_and_holds_nobody_else(database: Database, count: int) -> None:
    clock, pace = Clock(), Pace(per_second=200, domains={"gmail.com": 20})
    workers = [worker(database, clock, pace, seconds_per_mail=0.005, domains="gmail.com a.org") for _ in range(count)]
    sent = Counter(domain for _, domain in simulate(workers, clock, 20))
    assert sent["gmail.com"] == pytest.approx(20 * 20, rel=0.05)
    assert sent.total() == pytest.approx(200 * 20, rel=0.05)


@simulated
@pytest.mark.parametrize("count", [1, 4])
def test_people_of_one_domain_alone_waste_nothing_of_the_total(database: Database, count: int) -> None:
    # `count` workers have nobody but people at gmail.com, and one has everybody else: who gets the total's permits?
    clock, pace = Clock(), Pace(per_second=200, domains={"gmail.com": 20})
    workers = [worker(database, clock, pace, seconds_per_mail=0.005, domains="gmail.com") for _ in range(count)]
    workers.append(worker(database, clock, pace, seconds_per_mail=0.005, domains="a.org"))
    sent = Counter(domain for _, domain in simulate(workers, clock, 20))
    assert sent["gmail.com"] == pytest.approx(20 * 20, rel=0.05)
    assert sent["a.org"] == pytest.approx(180 * 20, rel=0.05)


@simulated
@pytest.mark.parametrize("count", [1, 4])
def test_a_total_as_narrow_as_the_domain_is_used_up(database: Database, count: int) -> None:
    clock, pace = Clock(), Pace(per_second=10, domains={"gmail.com": 10})
    workers = [worker(database, clock, pace, seconds_per_mail=0.01, domains="gmail.com") for _ in range(count)]
    assert len(simulate(workers, clock, 30)) == pytest.approx(300, rel=0.05)


@simulated
@pytest.mark.parametrize("step", [timedelta(hours=-1), timedelta(seconds=-1), timedelta(hours=1), timedelta(days=400)])
@pytest.mark.parametrize("count", [1, 4])
def test_a_clock_that_is_put_forward_or_back_changes_nothing(database: Database, count: int, step: timedelta) -> None:
    clock, pace = Clock(), Pace(per_second=100)
    workers = [worker(database, clock, pace, seconds_per_mail=0.01, domains="a.org") for _ in range(count)]
    simulate(workers, clock, 10)
    clock.put = step
    sent = [moment for moment, _ in simulate(workers, clock, 10)]
    assert len(sent) == pytest.approx(2000, rel=0.05)
    around = [moment for moment in sent if 9 <= moment < 11]
    assert len(around) == pytest.approx(200, rel=0.15)


@simulated
def test_an_idle_limit_saves_nothing_up(database: Database) -> None:
    clock, pace = Clock(), Pace(per_second=100)
    one = worker(database, clock, pace, seconds_per_mail=0.001, domains="a.org")
    simulate([one], clock, 5)
    clock.seconds += 3600
    one.sent.clear()
    assert len(simulate([one], clock, 2)) <= 2 * 100 + 1


@simulated
def test_a_worker_that_stood_still_loses_its_permits(database: Database) -> None:
    clock, pace = Clock(), Pace(per_second=100)
    stuck = worker(database, clock, pace, connections=1, seconds_per_mail=1.0, domains="a.org")
    quick = worker(database, clock, pace, seconds_per_mail=0.001, domains="a.org")
    sent = [moment for moment, _ in simulate([stuck, quick], clock, 10)]
    for begins in range(9):
        assert sum(begins <= moment < begins + 1 for moment in sent) <= 100 * (1 + LATE_SECONDS + BLOCK_SECONDS)


# The law of one limit: whatever the demand and whoever asks, permits are at least an interval apart, none lies further
# in the past than it may be used, and none is given out long before its time.
DEMANDS = st.lists(st.tuples(st.floats(0, 3), st.integers(1, 50)), min_size=1, max_size=60)


@given(rate=st.floats(0.1, 2000), demands=DEMANDS)
def test_the_permits_of_a_limit_never_crowd(rate: float, demands: list[tuple[float, int]]) -> None:
    limit, next_at, now = RateLimit(TOTAL, rate), 0.0, 1_800_000_000.0
    given_out: list[float] = []
    for passed, wanted in demands:
        now += passed
        start = begin(next_at, now, limit.rate)
        permits = give_out([start], [limit], now=now, wanted=wanted)
        assert len(permits.times) <= min(wanted, limit.most + 1)
        if permits.times:
            assert permits.times[0] >= now - LATE_SECONDS
            assert permits.times[-1] <= now + BLOCK_SECONDS + 1e-6
            next_at = start + len(permits.times) * limit.interval_seconds
        else:
            assert now < permits.ask_again_at <= now + BLOCK_SECONDS + limit.interval_seconds
        given_out += permits.times
    gaps = [later - earlier for earlier, later in pairwise(given_out)]
    assert all(gap >= limit.interval_seconds - 1e-5 for gap in gaps)


@given(
    rate=st.floats(0.1, 2000),
    next_at=st.floats(-1e9, 1e9),
)
def test_whatever_a_limit_holds_the_next_permit_is_near(rate: float, next_at: float) -> None:
    limit = RateLimit(TOTAL, rate)
    assert -LATE_SECONDS <= begin(next_at, 0.0, limit.rate) <= BLOCK_SECONDS + limit.interval_seconds


@given(rates=st.tuples(st.floats(0.1, 2000), st.floats(0.1, 2000)), ahead=st.floats(0, 0.2), wanted=st.integers(1, 99))
def test_a_permit_in_two_limits_is_in_the_later_of_both(rates: tuple[float, float], ahead: float, wanted: int) -> None:
    limits = [RateLimit(TOTAL, rates[0]), RateLimit("gmail.com", rates[1])]
    permits = give_out([0.0, ahead], limits, now=0.0, wanted=wanted)
    if ahead > AHEAD_SECONDS:
        assert not permits.times  # and so nothing is taken from the total
    for n, moment in enumerate(permits.times):
        assert moment == pytest.approx(max(n / rates[0], ahead + n / rates[1]))


TAKER = """
import json, sys, time
from mailer.delivery.ledger.permits import SharedPace
from mailer.delivery.ledger.pacer import Pacer
from mailer.settings import Pace
from mailer.store.engine.database import open_database

url, seconds = sys.argv[1], float(sys.argv[2])
database = open_database(url)
pacer = Pacer(Pace(per_second=200, domains={"gmail.com": 20}), SharedPace(database, transport="smtp"))
print("ready", flush=True)
sys.stdin.readline()
times = {"gmail.com": [], "a.org": []}
until = time.monotonic() + seconds
while (now := time.monotonic()) < until:
    waits = []
    for domain in times:
        waits.append(pacer.wait(domain, now))
        if waits[-1] == 0:
            pacer.take(domain, now)
            times[domain].append(now)
    time.sleep(min(*waits, until - now))
database.close()
print(json.dumps(times))
"""


def test_real_processes_share_one_pace(workspace: Workspace, database: Database) -> None:
    with_growing_patience(lambda seconds: share_a_pace(workspace.settings.database_url, seconds), first_seconds=4.0)


def share_a_pace(url: str, seconds: float) -> None:
    command = [sys.executable, "-c", TAKER, url, str(seconds)]
    takers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for taker in takers:
        assert taker.stdout is not None
        assert taker.stdout.readline() == "ready\n"
    for taker in takers:
        assert taker.stdin is not None
        taker.stdin.write("go\n")
        taker.stdin.flush()
    told = [json.loads(taker.communicate(timeout=HANG_SECONDS)[0]) for taker in takers]
    sent = {domain: sorted(moment for one in told for moment in one[domain]) for domain in ("gmail.com", "a.org")}
    # Never above the pace, whatever the machine is busy with. How near they come to it is simulated above, since here
    # it depends on what else the machine does.
    everybody = sorted(sent["gmail.com"] + sent["a.org"])
    assert len(sent["gmail.com"]) <= 20 * seconds * 1.05 + 20 * LATE_SECONDS
    assert len(everybody) <= 200 * seconds * 1.05 + 200 * LATE_SECONDS
    for first, last in zip(everybody, everybody[400:], strict=False):
        assert last - first >= 400 / 200 - LATE_SECONDS - BLOCK_SECONDS - 0.01
    assert len(everybody) > 200 * seconds * 0.05
    assert sent["gmail.com"]


@on_postgresql
def test_the_server_s_clock_is_used_on_postgresql(new_database: NewDatabase) -> None:
    database = open_database(new_database(POSTGRESQL))
    wrong = Clock()
    wrong.put = timedelta(days=-3000)
    here = SharedPace(database, transport="smtp", clock=wrong.wall)
    there = SharedPace(database, transport="smtp")
    limit = RateLimit(TOTAL, 10)
    (first, *_), (second, *_) = here.take([limit], 1).times, there.take([limit], 1).times
    assert 0.1 - 0.01 <= second - first < HANG_SECONDS, "not 3,000 days"
    database.close()
