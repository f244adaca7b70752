"""kill -9 at each step of a mail of thanks: nobody is thanked twice, and what can't be known is said."""

from __future__ import annotations

import signal
from collections import Counter
from datetime import UTC, datetime

from sqlalchemy import select, update

from mailer.store.tables.core import people
from mailer.store.tables.inbound import signatures
from mailer.store.tables.jobs import jobs
from mailer.workspace import Workspace
from tests.chaos.combinations import on
from tests.chaos.dying import STEPS
from tests.chaos.ledger import LONG_AGO
from tests.chaos.site import PATIENCE_SECONDS, Site
from tests.delivery.thanks.conftest import Signing

# What is true of the person once all is over: mails that arrived, and what is said of them.
THANKED, PERHAPS_NOT, PERHAPS = (1, "sent"), (0, "uncertain"), (1, "uncertain")
EXPECTED = dict(zip(STEPS, [*[THANKED] * 3, *[PERHAPS_NOT] * 2, *[PERHAPS] * 2, THANKED], strict=True))


@on("sqlite-smtp", "postgresql-smtp")
def test_a_worker_killed_at_each_step_of_a_mail_of_thanks(site: Site, workspace: Workspace) -> None:
    signing = Signing(workspace, site.database, datetime.now(UTC))
    for number, step in enumerate(STEPS):
        assert signing.sign(f"person{number}@example.org", news=number % 2 == 1)
        run = site.start("run", dying=step)
        assert run.process.wait(PATIENCE_SECONDS) == -signal.SIGKILL, f"it wasn't there when {step}:\n{run.words}"
        site.kills += 1
    with site.database.write() as connection:
        connection.execute(update(jobs).where(jobs.c.done_at.is_(None)).values(due_at=LONG_AGO))  # their leases ran out
    site.mailer("run")
    site.mailer("run")
    arrived = Counter(one.address for one in site.receiver.arrivals())
    joined = signatures.join(people, people.c.id == signatures.c.person_id)
    with site.database.read() as connection:
        rows = connection.execute(select(people.c.address, signatures.c.thanks).select_from(joined))
        said = {row.address: row.thanks for row in rows}
    addresses = [f"person{number}@example.org" for number in range(len(STEPS))]
    assert {step: (arrived[one], said[one]) for step, one in zip(STEPS, addresses, strict=True)} == EXPECTED
    told = site.mailer("signatures", "library")
    assert "4 uncertain" in told, told
    site.check_words()
