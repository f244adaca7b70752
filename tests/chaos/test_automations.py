"""kill -9 at each step of an automation: nobody is let in or mailed twice, nobody is lost, and what can't be known is
said."""

from __future__ import annotations

import signal
from collections import Counter
from datetime import UTC, datetime

from sqlalchemy import select, update

from mailer.audience.consent.changes import list_id, subscribe
from mailer.automations.control import orders
from mailer.automations.control.planned import plan_automation
from mailer.staff.actor import terminal
from mailer.store.tables.automations import automation_entries, automations
from mailer.store.tables.core import deliveries, people
from mailer.workspace import Workspace
from tests.automations.conftest import MESSAGE
from tests.chaos.combinations import on
from tests.chaos.dying import AUTOMATED
from tests.chaos.ledger import LONG_AGO, let_leases_run_out
from tests.chaos.site import PATIENCE_SECONDS, Site
from tests.delivery.world import add_people

HELLO = """\
title = "Hello"
list = "supporters"
[trigger]
joined = "supporters"
[steps.hello]
send = "hello.md"
"""


def look_again(site: Site) -> None:
    let_leases_run_out(site.database)
    with site.database.write() as connection:
        connection.execute(update(automations).values(looked_at=None, due_at=LONG_AGO))


@on("sqlite-smtp", "postgresql-smtp", transports=("smtp",))
def test_a_run_killed_at_each_step_of_an_automation(site: Site, workspace: Workspace) -> None:
    now, folder = datetime.now(UTC), workspace.newsletters / "hello"
    folder.mkdir()
    (folder / "automation.toml").write_text(HELLO, encoding="utf-8")
    (folder / "hello.md").write_text(MESSAGE, encoding="utf-8")
    planned = plan_automation(site.database, workspace.newsletter("hello"), now=now, everyone=False)
    orders.start(site.database, planned, terminal(), settings=workspace.settings.studio, now=now)
    ids = add_people(site.database, len(AUTOMATED), now=now)
    for person, step in zip(ids, AUTOMATED, strict=True):
        with site.database.write() as connection:
            subscribe(
                connection, person_id=person, list_id=list_id(connection, "supporters"), how="form", source="x",
                wording="Yes", at=datetime.now(UTC),
            )  # fmt: skip
        look_again(site)
        run = site.start("run", dying=step)
        assert run.process.wait(PATIENCE_SECONDS) == -signal.SIGKILL, f"it wasn't there when {step}:\n{run.words}"
        site.kills += 1
    for _ in range(2):
        look_again(site)
        site.mailer("run", codes=(0, 3))
    arrived = Counter(one.address for one in site.receiver.arrivals())
    mails = deliveries.join(people, people.c.id == deliveries.c.person_id)
    with site.database.read() as connection:
        said = dict(connection.execute(select(people.c.address, deliveries.c.state).select_from(mails)).all())
        entries = Counter(connection.execute(select(automation_entries.c.state)).scalars())
    ends = Counter((arrived[f"person{n}@example.org"], said[f"person{n}@example.org"]) for n in range(len(AUTOMATED)))
    assert ends.pop((0, "uncertain")) >= 1, "whose intent was committed just before the last kill"
    assert set(ends) == {(1, "sent")}
    assert entries == {"ended": len(AUTOMATED)}
    site.check_words()
