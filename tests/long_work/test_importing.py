"""An import as long work: killed in the middle it is done again, and once; an undo that was killed, too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from mailer.audience.imports import ImportOptions
from mailer.audience.imports.files.uploads import Uploads
from mailer.audience.imports.past import list_imports
from mailer.long_work.desk import WorkDesk
from mailer.long_work.importing import IMPORT, UNDO, WRITING
from mailer.long_work.orders import WorkStatus, find_work, start_work
from mailer.long_work.topics import WORK
from mailer.staff.actor import Actor
from mailer.staff.audit import entries
from mailer.staff.rights import Right
from mailer.store.engine.database import Database
from mailer.store.jobs import STAFF_WORK
from mailer.store.tables.core import people
from mailer.store.tables.states import JobState
from mailer.workspace import Workspace
from tests.conftest import NOW
from tests.patience import HANG_SECONDS

TOM = Actor("tom@example.org", frozenset({Right.IMPORT}), None, 7, "studio")
LATER = NOW + STAFF_WORK.lease + WRITING + timedelta(seconds=1)
ROWS = 300

# Does what is due until it has come to a stage, says so, and waits there to be killed.
VICTIM = """
    import sys
    from datetime import datetime
    from mailer.audience.imports import importer, undo
    from mailer.audience.imports.load import journal, staging, upsert
    from mailer.store.engine.database import open_database
    from mailer.long_work.desk import WorkDesk
    from mailer.long_work.running import Running
    from mailer.long_work.topics import WORK
    from mailer.workspace import find_workspace
    from pathlib import Path

    stage, url, root, at = sys.argv[1:]
    owner = {"fill": staging.StagedRows, "finish": upsert.Writer, "close": journal.Journal, "settle": Running,
             "_put_back": undo._Undo}[stage]
    plain = getattr(owner, stage)

    def stopped(self, *args, **more):
        result = plain(self, *args, **more)
        print("here", flush=True)
        sys.stdin.read()
        return result

    setattr(owner, stage, stopped)
    workspace = find_workspace(Path(root))
    WorkDesk(lambda: workspace, open_database(url), lambda: datetime.fromisoformat(at), WORK).do_due()
"""


def kill_at(stage: str, database: Database, workspace: Workspace) -> None:
    url = database.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", textwrap.dedent(VICTIM), stage, url, str(workspace.root), NOW.isoformat()]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as victim:
        assert victim.stdout
        assert victim.stdout.readline() == b"here\n"
        victim.send_signal(signal.SIGKILL)
        victim.wait(HANG_SECONDS)


def order(database: Database, topic: str, **order: object) -> int:
    with database.write() as connection:
        return start_work(connection, topic, order, actor=TOM, now=NOW)


def go_on(database: Database, workspace: Workspace, number: int) -> WorkStatus:
    """Once the lease of the dead is over, somebody else does it."""
    WorkDesk(lambda: workspace, database, lambda: LATER, WORK).do_due()
    with database.read() as connection:
        found = find_work(connection, number)
    assert found
    return found


def count(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(people)).scalar_one()


@pytest.fixture
def upload(workspace: Workspace) -> str:
    data = "email,first_name\n" + "".join(f"p{n}@example.org,P{n}\n" for n in range(ROWS))
    uploads = Uploads(workspace.root)
    begun = uploads.begin("people.csv", size=len(data), list_name="supporters", by="tom", now=NOW)
    uploads.put(begun, 0, data.encode())
    uploads.save(replace(begun, asked=asdict(ImportOptions(agreed="a form", wording="Yes."))))
    return begun.token


@pytest.mark.parametrize("stage", ["fill", "finish", "close", "settle"])
def test_an_import_that_was_killed_is_done_once(
    database: Database, workspace: Workspace, upload: str, stage: str
) -> None:
    number = order(database, IMPORT, upload=upload)
    kill_at(stage, database, workspace)
    assert count(database) == 0
    work = go_on(database, workspace, number)
    assert (work.state, count(database)) == (JobState.DONE, ROWS)
    WorkDesk(lambda: workspace, database, lambda: LATER + timedelta(hours=1), WORK).do_due()
    with database.read() as connection:
        (one,) = list_imports(connection)
        said = [(entry.action, entry.by) for entry in entries(connection)]
    assert one.id == (work.result or {})["number"]
    assert said == [("people imported", "tom@example.org")]


@pytest.mark.parametrize("stage", ["_put_back", "settle"])
def test_an_undo_that_was_killed_is_done_once(
    database: Database, workspace: Workspace, upload: str, stage: str
) -> None:
    first = go_on(database, workspace, order(database, IMPORT, upload=upload))
    number = order(database, UNDO, number=(first.result or {})["number"])
    kill_at(stage, database, workspace)
    assert count(database) == ROWS
    work = go_on(database, workspace, number)
    assert (work.state, count(database)) == (JobState.DONE, 0)
    with database.read() as connection:
        assert [entry.action for entry in entries(connection)] == ["import taken back", "people imported"]
