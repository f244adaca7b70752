"""kill -9 while the audience is being frozen: the campaign is launched wholly or not at all, and nobody is missing."""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime, timedelta

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
