"""kill -9 at each step of a test of versions, and of going down a list: drawn once, decided once, and nobody is mailed
twice or left out."""

from __future__ import annotations

import signal
from collections import Counter
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from mailer.store.tables.core import campaigns, deliveries
from mailer.store.tables.experiments import campaign_tests, cohorts
from mailer.store.tables.staff import audit_log
from tests.chaos.combinations import on
from tests.chaos.dying import DECIDING, DRAWING, GROUPING, OPENING
from tests.chaos.site import PATIENCE_SECONDS, Site

PEOPLE = 60
SAMPLE, WAIT = 12, timedelta(hours=1)
DOWN = f"audience:\n  down_the_list:\n    groups: [30 days]\n    sample: {SAMPLE}\n    wait: 1h\n    clicks: 0\n"
TEST = "test:\n  b:\n    subject: Another subject\n  share: 50%\n"


def killed(site: Site, step: str, *arguments: str) -> None:
    run = site.start(*arguments, dying=step)
    assert run.process.wait(PATIENCE_SECONDS) == -signal.SIGKILL, f"it wasn't there when {step}:\n{run.words}"
    site.kills += 1


@on("sqlite-smtp", "postgresql-sendgrid")
def test_killed_at_each_step_of_a_test(site: Site) -> None:
    site.pace_per_second = 0
    site.write_newsletter(PEOPLE)
    message = site.root / "newsletters" / "appeal" / "message.md"
    message.write_text(message.read_text().replace("\nlist:", f"\n{TEST}list:", 1))
    command = ("send", "appeal", "--yes", str(PEOPLE), "--later")
    for step in DRAWING:
        killed(site, step, *command)
        with site.database.read() as connection:
            assert not connection.execute(select(campaign_tests)).all()
            assert not connection.execute(select(deliveries)).all()
    site.mailer(*command)
    with site.database.read() as connection:
        drawn = {row.person_id: row.arm for row in connection.execute(select(deliveries))}
    assert Counter(drawn.values()) == {"a": 15, "b": 15, "rest": 30}
    site.mailer("run")
    assert site.receiver.count() == 30
    with site.database.write() as connection:
        connection.execute(update(campaign_tests).values(decide_at=datetime.now(UTC)))
    winners: list[str] = []
    for step in DECIDING:
        killed(site, step, "run")
        with site.database.read() as connection:
            winners.append(connection.execute(select(campaign_tests.c.winner)).scalar_one())
            stage = connection.execute(select(campaigns.c.stage)).scalar_one()
        assert stage == bool(winners[-1]), "the gate is open exactly when it is decided"
        assert site.receiver.count() == 30
    assert winners == ["", "", "", "a"]
    assert site.finish() == {"sent": PEOPLE}
    with site.database.read() as connection:
        assert {row.person_id: row.arm for row in connection.execute(select(deliveries))} == drawn
        decided = select(audit_log.c.id).where(audit_log.c.action == "test decided")
        assert len(connection.execute(decided).all()) == 1
    site.check_words()


@on("sqlite-sendgrid", "postgresql-smtp")
def test_killed_at_each_step_down_the_list(site: Site) -> None:
    """Nobody of them is known to have acted: a sample goes first, and the others once it was judged."""
    site.pace_per_second = 0
    site.write_newsletter(PEOPLE)
    message = site.root / "newsletters" / "appeal" / "message.md"
    message.write_text(message.read_text().replace("\nlist:", f"\n{DOWN}list:", 1))
    command = ("send", "appeal", "--yes", str(PEOPLE), "--later")
    for step in GROUPING:
        killed(site, step, *command)
        with site.database.read() as connection:
            assert not connection.execute(select(cohorts)).all()
            assert not connection.execute(select(deliveries)).all()
    site.mailer(*command)
    site.mailer("run")
    assert site.receiver.count() == SAMPLE
    earlier = datetime.now(UTC) - 2 * WAIT
    with site.database.write() as connection:
        drawn = {row.person_id: row.stage for row in connection.execute(select(deliveries))}
        connection.execute(update(cohorts).values(decide_at=earlier))
        connection.execute(update(deliveries).where(deliveries.c.state == "sent").values(changed_at=earlier))
    opened: list[int] = []
    for step in OPENING:
        killed(site, step, "run")
        with site.database.read() as connection:
            opened.append(connection.execute(select(campaigns.c.stage)).scalar_one())
            assert (connection.execute(select(cohorts.c.state)).scalar_one() == "open") == (opened[-1] == 3)
        assert site.receiver.count() == SAMPLE
    assert opened == [1, 1, 3]
    assert site.finish() == {"sent": PEOPLE}
    with site.database.read() as connection:
        assert {row.person_id: row.stage for row in connection.execute(select(deliveries))} == drawn
    site.check_words()
