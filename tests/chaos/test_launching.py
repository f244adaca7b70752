"""kill -9 while the audience is being frozen: the campaign is launched wholly or not at all, and nobody is missing."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from mailer.store.tables.core import people
from tests.chaos import ledger
from tests.chaos.combinations import on
from tests.chaos.site import Run, Site

MANY = 3_000  # so that freezing takes some time
MANY_LONG = 10_000
FEW = 1_000  # who are mailed at the end
SENDGRID_AT_ONCE = {"MAILER_SENDGRID_PEOPLE_PER_REQUEST": "50"}


def freezing_seconds(site: Site, run: Run) -> float:
    """How long an undisturbed run takes from its first write to its end."""
    site.wait_for(lambda: site.store.is_being_written() or not run.running, why="it wrote")
    begun = time.monotonic()
    run.end()
    return time.monotonic() - begun


def kill_while_it_writes(site: Site, run: Run, within_seconds: float) -> None:
    site.wait_for(lambda: site.store.is_being_written() or not run.running, why="it wrote")
    time.sleep(site.dice.random() * within_seconds)
    site.kill(run)


@on("sqlite-smtp", transports=["smtp"])
def test_sending_killed_while_it_launches(site: Site) -> None:
    many = MANY_LONG if site.long else MANY
    site.write_newsletter(many)
    folder = site.root / "newsletters" / "appeal"
    rounds = 12 if site.long else 2
    slugs = [f"appeal-{n}" for n in range(rounds + 1)]
    for slug in slugs:
        shutil.copytree(folder, folder.with_name(slug))
    command = ("--yes", str(many), "--later")
    seconds = freezing_seconds(site, site.start("send", slugs.pop(), *command))
    for slug in slugs:
        kill_while_it_writes(site, site.start("send", slug, *command), seconds)
        rows = ledger.states(site.database, slug)
        assert len(rows) in (0, many), f"{slug} is launched to {len(rows)} people"
        if not rows:
            assert "Launched" in site.mailer("send", slug, *command)
            rows = ledger.states(site.database, slug)
        assert {state for _, state in rows} == {"queued"}
        assert len({address for address, _ in rows}) == many
    site.check_words()


@on("postgresql-sendgrid")
def test_a_due_schedule_killed_while_it_launches(site: Site) -> None:
    site.pace_per_second = 0
    site.environ = SENDGRID_AT_ONCE
    site.write_newsletter(FEW)
    due = datetime.now(UTC) + timedelta(hours=1)
    site.mailer("schedule", "appeal", "--at", f"{due:%Y-%m-%d %H:%M}", "--late", "6h")
    assert site.mailer("run") == ""
    site.move_clock(2 * 3600)
    for _ in range(12 if site.long else 3):
        kill_while_it_writes(site, site.start("run", moved=True), 0.05)
        rows = ledger.states(site.database, "appeal")
        assert len(rows) in (0, FEW), f"it is launched to {len(rows)} people"
        ledger.let_leases_run_out(site.database)
    site.bound = site.kills * 2 * 50 if site.transport == "sendgrid" else site.bound
    assert set(site.finish(later=True)) <= {"sent", "uncertain"}


@on("sqlite-smtp")
def test_a_newsletter_by_local_time_killed_at_its_launch_and_when_it_is_late(site: Site) -> None:
    """Half the people are in Honolulu. It is killed while it launches, and again three hours after the hour of the
    others: they are held, nobody is mailed late or lost, and the others get it at their hour."""
    site.pace_per_second = 0
    site.write_newsletter(FEW)
    with site.database.write() as connection:
        half = select(people.c.id).order_by(people.c.id).limit(FEW // 2)
        far = {"timezone": "Pacific/Honolulu", "timezone_source": "own"}
        connection.execute(update(people).where(people.c.id.in_(half)).values(far))
    due = datetime.now(UTC) + timedelta(hours=2)
    site.mailer("schedule", "appeal", "--at", f"{due:%Y-%m-%d %H:%M}", "--local")
    for _ in range(2):
        kill_while_it_writes(site, site.start("run"), 0.05)
        assert len(ledger.states(site.database, "appeal")) in (0, FEW), "launched wholly or not at all"
        ledger.let_leases_run_out(site.database)
    site.mailer("run")
    assert Counter(state for _, state in ledger.states(site.database, "appeal")) == {"queued": FEW}
    site.move_clock(5 * 3600)
    kill_while_it_writes(site, site.start("run", moved=True), 0.02)
    ledger.let_leases_run_out(site.database)
    site.mailer("run", moved=True, codes=(0, 3))
    assert Counter(state for _, state in ledger.states(site.database, "appeal")) == {
        "held": FEW // 2,
        "queued": FEW // 2,
    }
    assert site.receiver.arrivals() == []
    assert f"{FEW // 2} people held" in site.mailer("status")
    site.move_clock(12 * 3600 + 600)
    site.mailer("run", moved=True)
    assert site.judge(ended=True).states == {"held": FEW // 2, "sent": FEW // 2}
    site.check_words()
