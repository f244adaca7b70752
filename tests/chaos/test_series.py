"""kill -9 at each step of making and launching an issue, and two machines at once: one issue or none, never two."""

from __future__ import annotations

import signal
from collections import Counter
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from mailer.store.tables.core import campaigns
from mailer.store.tables.series import PLANNED, issues
from tests.chaos import ledger
from tests.chaos.combinations import on
from tests.chaos.dying import MAKING
from tests.chaos.site import PATIENCE_SECONDS, Site
from tests.delivery.series.conftest import MESSAGE, SLUG
from tests.delivery.world import add_people

PEOPLE = 3


def write_series(site: Site) -> None:
    """The newsletter, started; its next issue is far away."""
    site.people = PEOPLE
    add_people(site.database, PEOPLE, now=datetime.now(UTC))
    folder = site.root / "newsletters" / SLUG
    folder.mkdir(parents=True)
    (folder / "message.md").write_text(MESSAGE.replace("every: tuesday", "every: 1"), encoding="utf-8")
    site.mailer("series", "start", SLUG)


def let_it_come(site: Site, minutes: int) -> None:
    """Have the planned issue due, so many minutes ago."""
    then = datetime.now(UTC) - timedelta(minutes=minutes)
    with site.database.write() as connection:
        connection.execute(update(issues).where(PLANNED).values(planned_at=then, wake_at=then))


def slugs(site: Site) -> list[str]:
    with site.database.read() as connection:
        return list(connection.execute(select(campaigns.c.slug).order_by(campaigns.c.created_at)).scalars())


@on("sqlite-smtp", transports=["smtp"])
def test_a_run_killed_at_each_step_of_an_issue(site: Site) -> None:
    write_series(site)
    for number, step in enumerate(MAKING):
        let_it_come(site, 100 - number)
        run = site.start("run", dying=step)
        assert run.process.wait(PATIENCE_SECONDS) == -signal.SIGKILL, f"it wasn't there when {step}:\n{run.words}"
        assert len(slugs(site)) in (number, number + 1)
        site.kills += 1
        site.mailer("run")
        assert len(slugs(site)) == number + 1, f"killed when {step}"
    arrived = Counter(one.address for one in site.receiver.arrivals())
    assert arrived == {f"person{n}@example.org": len(MAKING) for n in range(PEOPLE)}
    for slug in slugs(site):
        assert {state for _, state in ledger.states(site.database, slug)} == {"sent"}
    site.check_words()


@on("postgresql-smtp", engines=["postgresql"], transports=["smtp"])
def test_two_machines_make_one_issue(site: Site) -> None:
    write_series(site)
    for number in range(3):
        let_it_come(site, 100 - number)
        for run in [site.start("run"), site.start("run")]:
            run.end()
        assert len(slugs(site)) == number + 1
    site.mailer("run")
    arrived = Counter(one.address for one in site.receiver.arrivals())
    assert arrived == {f"person{n}@example.org": 3 for n in range(PEOPLE)}
    site.check_words()
