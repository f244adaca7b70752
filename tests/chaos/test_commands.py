"""What staff do in mid-send: pause, resume, cancel from another process; Ctrl-C and SIGTERM of the sending one."""

from __future__ import annotations

import signal
import time

from tests.chaos.combinations import on
from tests.chaos.site import Site

PEOPLE = 2000  # most of them are never mailed
AT_ONCE_SECONDS = 1.0
DRAIN_SECONDS = 5.0


def later_than(site: Site, moment: float) -> list[str]:
    return [one.address for one in site.receiver.arrivals() if one.accepted_at > moment]


class Timed:
    """A command, run to its end. `seconds`: what it took, the yardstick for how quick anything can be here and now."""

    def __init__(self, site: Site, *arguments: str) -> None:
        began = time.monotonic()
        self.words = site.mailer(*arguments)
        self.seconds = time.monotonic() - began
        self.ended_at = time.time()

    @property
    def in_force_at(self) -> float:
        """The latest moment at which a worker may go on as before, in UNIX seconds."""
        return self.ended_at + AT_ONCE_SECONDS + self.seconds


def watch(site: Site, told: Timed) -> None:
    """Long enough to see whether anything arrives after it should be in force."""
    site.wait_for(lambda: time.time() > told.in_force_at + AT_ONCE_SECONDS, why="a second more had passed")
    assert later_than(site, told.in_force_at) == []


@on("sqlite-smtp")
def test_pause_resume_and_cancel_take_effect_within_a_second(site: Site) -> None:
    site.pace_per_second = 60
    site.launch(PEOPLE)
    worker = site.start("run", "--loop")
    site.wait_for_arrivals(40, worker)
    watch(site, Timed(site, "pause", "appeal"))
    paused = site.judge(ended=False)
    assert paused.states == {"sent": site.receiver.count(), "queued": PEOPLE - site.receiver.count()}
    assert site.status()["state"] == "paused"
    before = site.receiver.count()
    resumed = Timed(site, "resume", "appeal")
    site.wait_for_arrivals(before + 20, worker)
    first = min(one.began_at for one in site.receiver.arrivals()[before:])
    assert first <= resumed.in_force_at
    cancelled = Timed(site, "cancel", "appeal", "--yes")
    watch(site, cancelled)
    worker.send(signal.SIGTERM)
    worker.end()
    sent = site.receiver.count()
    assert site.finish(state="cancelled") == {"sent": sent, "cancelled": PEOPLE - sent}
    assert f"{PEOPLE - sent:,} people who were queued will not be mailed" in cancelled.words
    assert site.told(r"appeal: .* sent; the campaign is paused")


@on("postgresql-sendgrid", also=("sqlite-outbox",))
def test_a_signal_drains_and_leaves_nothing_uncertain(site: Site) -> None:
    site.launch(240)
    site.receiver.slow_down(0.5)
    for number in (signal.SIGTERM, signal.SIGINT):
        run = site.start("run")
        site.wait_for_arrivals(site.receiver.count() + 6, run)
        run.send(number)
        since = time.monotonic()
        words = run.end()
        took = time.monotonic() - since
        assert took <= DRAIN_SECONDS + Timed(site, "status").seconds
        assert f"stopped by {number.name}" in words
        assert set(site.judge(ended=False).states) == {"sent", "queued"}
    site.receiver.behave()
    assert site.finish() == {"sent": 240}
