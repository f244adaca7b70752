"""kill -9 in the middle of a send: one worker again and again, all at once, two of four."""

from __future__ import annotations

from tests.chaos import ledger
from tests.chaos.combinations import on
from tests.chaos.site import SHARED_PEOPLE, Site


@on("sqlite-smtp", "postgresql-sendgrid", also=("sqlite-outbox",))
def test_a_worker_killed_again_and_again(site: Site) -> None:
    site.launch(900 if site.long else 160)
    kill_again_and_again(site)


@on("sqlite-sendgrid", "postgresql-smtp")
def test_a_worker_of_a_mail_in_two_languages_killed_again_and_again(site: Site) -> None:
    """As ever at most one request is left uncertain, and nobody is lost between the languages."""
    site.launch(900 if site.long else 160, translated=True)
    kill_again_and_again(site)


def kill_again_and_again(site: Site) -> None:
    wanted = 30 if site.long else 4
    while site.kills < wanted:
        run = site.start("run")
        site.wait_for_arrivals(site.receiver.count() + site.dice.randint(0, int(1.2 * site.people / wanted)), run)
        site.wait_a_moment()
        if not site.kill(run):
            break
        ledger.let_leases_run_out(site.database)
    assert site.kills >= wanted // 2, "it was over before it was killed"
    assert set(site.finish()) <= {"sent", "uncertain"}


@on("postgresql-smtp")
def test_all_workers_killed_at_once(site: Site) -> None:
    site.share_out()
    runs = [site.start("run") for _ in range(4)]
    site.wait_for_arrivals(site.dice.randint(200, SHARED_PEOPLE // 2), *runs)
    site.wait_a_moment()
    site.kill(*runs)
    assert site.kills >= 3, "they were over before they were killed"
    assert set(site.finish()) <= {"sent", "uncertain"}


@on("sqlite-sendgrid")
def test_two_of_four_workers_killed(site: Site) -> None:
    site.share_out()
    runs = [site.start("run") for _ in range(4)]
    for victim in runs[:2]:
        site.wait_for_arrivals(site.receiver.count() + site.dice.randint(100, 500), *runs)
        site.wait_a_moment()
        site.kill(victim)
    for run in runs[2:]:
        run.end()
    assert set(site.finish()) <= {"sent", "uncertain"}
