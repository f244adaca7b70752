"""The clock steps back and forward, and the database is put back to an old copy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.chaos.combinations import on
from tests.chaos.site import Site

PEOPLE = 300
HOUR = 3600.0
FAKETIME = next(iter(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)


def step_through(site: Site, *, moved: bool, step: str = "{:f}") -> None:
    """Start, step an hour forward, start another beside it, step an hour back, and let both end."""

    def move(seconds: float) -> None:
        site.move_clock(step.format(seconds))

    move(0)
    runs = [site.start("run", moved=moved)]
    site.wait_for_arrivals(40, *runs)
    move(HOUR)
    # To a second program the first one's lease has run out an hour ago, unless it was renewed since.
    runs.append(site.start("run", moved=moved))
    site.bound = site.receiver.on_the_wire
    site.wait_for_arrivals(120, *runs)
    move(-HOUR)
    site.wait_for_arrivals(160, *runs)
    move(0)
    for run in runs:
        run.end()


@on("postgresql-sendgrid")
def test_the_clock_steps_an_hour_forward_and_back(site: Site) -> None:
    site.launch(PEOPLE)
    step_through(site, moved=True)
    assert set(site.finish()) <= {"sent", "uncertain"}


@pytest.mark.skipif(FAKETIME is None, reason="libfaketime is not installed: sudo apt install faketime")
@on()
def test_the_whole_process_sees_the_clock_step(site: Site) -> None:
    """The same by libfaketime: whatever asks for the time, in any library, gets the moved one."""
    site.launch(PEOPLE)
    site.environ = {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(site.clock_file),
        "FAKETIME_CACHE_DURATION": "1",  # seconds after which it looks at the file again
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    step_through(site, moved=False, step="{:+f}")
    site.environ = {}
    assert set(site.finish()) <= {"sent", "uncertain"}


@on("sqlite-smtp")
def test_a_restored_old_copy_flags_what_is_overdue_and_sends_nothing(site: Site) -> None:
    site.people = 100
    site.pace_per_second = 0
    site.write_newsletter(site.people)
    due = datetime.now(UTC) + timedelta(minutes=10)
    site.mailer("schedule", "appeal", "--at", f"{due:%Y-%m-%d %H:%M}", "--late", "1h")
    site.database.close()
    site.store.copy()
    site.move_clock(HOUR / 2)
    site.mailer("run", moved=True)
    assert site.judge(ended=True).states == {"sent": site.people}
    site.database.close()
    site.store.restore()
    site.move_clock(5 * HOUR)
    words = site.mailer("run", moved=True, codes=(3,))
    assert "appeal: overdue, so it was not sent" in words
    assert site.receiver.count() == site.people
    assert site.status()["state"] == "overdue"
    site.check_words()
