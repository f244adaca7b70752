"""Workers beside each other: cron's runs overlap, one is frozen past its lease and wakes, one leaves in time."""

from __future__ import annotations

import signal
import time

import pytest

from tests.chaos import ledger
from tests.chaos.combinations import on
from tests.chaos.site import Run, Site

LEASE_SECONDS = 60.0


@on("sqlite-smtp")
def test_nine_overlapping_runs_share_the_work(site: Site) -> None:
    site.share_out()
    runs = [site.start("run", "--for", "55s") for _ in range(9)]
    for run in runs:
        run.end()
    assert sum("sent" in run.words for run in runs) > 1, "one of them did all the work"
    assert site.finish() == {"sent": site.people}


@on("sqlite-outbox", also=("sqlite-outbox",))
def test_cron_stops_in_time_and_the_next_run_goes_on(site: Site) -> None:
    site.pace_per_second = 40
    site.launch(300)
    while not site.receiver.count():  # a run that has only just begun when its time is over sends nobody anything
        words = site.mailer("run", "--for", "3s")
        assert "the time given with --for is over" in words
    states = site.judge(ended=False).states
    assert set(states) == {"sent", "queued"}
    assert site.finish() == {"sent": site.people}


def freeze(site: Site, run: Run) -> float:
    """SIGSTOP, at a moment when it keeps nobody from writing; returns when, in UNIX seconds."""
    for _ in range(300):
        run.send(signal.SIGSTOP)
        if not site.store.is_being_written():
            return time.time()
        run.send(signal.SIGCONT)
        site.wait_a_moment()
    pytest.fail("it was writing all the time")


@on("sqlite-smtp")
def test_a_frozen_worker_that_wakes_hands_nothing_more_over(site: Site) -> None:
    """Its lease is ended by hand. What had left its hands may still arrive; no more than that."""
    site.launch(240)
    frozen = site.start("run")
    site.wait_for_arrivals(20, frozen)
    freeze(site, frozen)
    ledger.let_leases_run_out(site.database)
    site.mailer("run")
    before = site.receiver.count()
    frozen.send(signal.SIGCONT)
    words = frozen.end()
    assert "another worker took over" in words
    assert site.receiver.count() - before <= site.receiver.on_the_wire
    site.bound = site.receiver.on_the_wire
    # The relay may have broken off with it meanwhile: whoever was surely mailed nothing is tried again later.
    assert set(site.finish(later=True)) <= {"sent", "uncertain"}


@on()
def test_a_worker_frozen_for_longer_than_its_lease(site: Site) -> None:
    """The same with nothing done by hand: after a real minute not even what it was about to hand over may leave."""
    site.launch(240)
    frozen = site.start("run")
    site.wait_for_arrivals(20, frozen)
    since = freeze(site, frozen)
    time.sleep(LEASE_SECONDS + 3)
    site.mailer("run")
    frozen.send(signal.SIGCONT)
    assert "another worker took over" in frozen.end()
    woken = since + LEASE_SECONDS
    late = [one.address for one in site.receiver.arrivals() if one.began_at > woken and one.accepted_at > woken]
    assert len(late) == len(set(late))
    site.bound = site.receiver.on_the_wire
    # The relay may have broken off with it meanwhile: whoever was surely mailed nothing is tried again later.
    assert set(site.finish(later=True)) <= {"sent", "uncertain"}
