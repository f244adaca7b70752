"""`mailer status`: what waits beside the newsletters, and what staff may have to look into."""

from __future__ import annotations

from mailer.store.engine.database import open_database
from mailer.store.jobs import KINDS, add, claim, finish
from mailer.store.tables.states import JobState
from mailer.workspace import find_workspace
from tests.cli.conftest import Mailer
from tests.conftest import NOW


def test_status_shows_what_waits_and_what_became_of_the_rest(mailer: Mailer) -> None:
    said = mailer("status").out
    assert "webhook" not in said
    database = open_database(find_workspace().settings.database_url)
    for kind in KINDS:
        with database.write() as connection:
            for _ in range(1_004):
                add(connection, kind, b"", at=NOW)
        for state in (JobState.DONE, JobState.FAILED, JobState.UNCERTAIN, None):
            job = claim(database, kind, now=NOW)
            assert job
            if state:
                with database.write() as connection:
                    finish(connection, job, state, now=NOW)
    database.close()
    assert mailer("status").out == said + (
        "webhook: 1,001 waiting, 1 given up, 1 uncertain\n"
        "provider reports: 1,001 waiting, 1 not applied, 1 uncertain\n"
        "mails of forms: 1,001 waiting, 1 uncertain\n"
        "thanks to those who sign: 1,001 waiting, 1 uncertain\n"
    )
