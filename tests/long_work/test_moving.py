"""A move from listmonk as long work: killed between two lists it goes on with those that aren't here."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from mailer.long_work.desk import WorkDesk
from mailer.long_work.importing import WRITING
from mailer.long_work.moving import BRING, READ
from mailer.long_work.orders import find_work, start_work
from mailer.long_work.topics import WORK
from mailer.moving.listmonk.folder import MoveFolders
from mailer.moving.report import find_move
from mailer.staff.actor import terminal
from mailer.store.engine.database import Database
from mailer.store.jobs import STAFF_WORK
from mailer.store.tables.imports import imports
from mailer.store.tables.states import JobState
from mailer.workspace import Workspace
from tests.conftest import NOW
from tests.moving.listmonk_server import TOKEN, USER, many, serving

pytestmark = pytest.mark.sqlite
LATER = NOW + STAFF_WORK.lease + WRITING + timedelta(seconds=1)

# Does what is due, and dies as soon as the first list of a move is here.
VICTIM = """
    import os, signal, sys
    from datetime import datetime
    from pathlib import Path
    from mailer.long_work.desk import WorkDesk
    from mailer.long_work.topics import WORK
    from mailer.moving.listmonk import bring
    from mailer.store.engine.database import open_database
    from mailer.workspace import find_workspace

    url, root, at = sys.argv[1:]
    plain = bring._import

    def dies(*args, **more):
        plain(*args, **more)
        os.kill(os.getpid(), signal.SIGKILL)

    bring._import = dies
    workspace = find_workspace(Path(root), environ={})
    database = open_database(url)
    WorkDesk(lambda: workspace, database, lambda: datetime.fromisoformat(at), WORK).do_due()
"""


def order(database: Database, topic: str, token: str, *, at: datetime = NOW) -> int:
    with database.write() as connection:
        return start_work(connection, topic, {"move": token}, actor=terminal(), now=at)


def test_a_move_that_is_killed_goes_on_and_brings_nothing_twice(workspace: Workspace, database: Database) -> None:
    folders, desk = MoveFolders(workspace.root), WorkDesk(lambda: workspace, database, lambda: NOW, WORK)
    with serving(many(60)) as fake:
        move = folders.begin(fake.url, USER, TOKEN, by="ada", now=datetime.now(UTC))
        order(database, READ, move.token)
        desk.do_due()
    move = folders.require(move.token)
    assert move.read_at
    assert folders.login(move) is None
    folders.save(replace(move, onto={"1": "river", "2": "volunteers"}, agreed="Their form"))
    number = order(database, BRING, move.token)
    script = [sys.executable, "-c", textwrap.dedent(VICTIM)]
    database.close()
    killed = subprocess.run(
        [*script, workspace.settings.database_url, str(workspace.root), NOW.isoformat()], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(imports)).scalar_one() == 1
    WorkDesk(lambda: workspace, database, lambda: LATER, WORK).do_due()
    with database.read() as connection:
        work, found = find_work(connection, number), find_move(connection, 1)
        assert connection.execute(select(func.count()).select_from(imports)).scalar_one() == 2
    assert work is not None
    assert (work.state, (work.result or {})["move"]) == (JobState.DONE, 1)
    assert found is not None
    assert found.told["people"]["theirs"] == 60
    assert not list(folders.place(move).glob("theirs*")), "what names people is deleted"


def test_a_listmonk_that_refuses_ends_the_work_and_its_token(workspace: Workspace, database: Database) -> None:
    folders = MoveFolders(workspace.root)
    with serving(many(12)) as fake:
        move = folders.begin(fake.url, USER, "wrong", by="ada", now=datetime.now(UTC))
        number = order(database, READ, move.token)
        WorkDesk(lambda: workspace, database, lambda: NOW, WORK).do_due()
    with database.read() as connection:
        work = find_work(connection, number)
    assert work is not None
    assert (work.state, "doesn’t take this user" in work.detail) == (JobState.FAILED, True)
    assert folders.login(move) is None
