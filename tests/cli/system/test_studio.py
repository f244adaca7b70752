"""`mailer studio --run`: what is due leaves while the studio is open, and the run ends with it."""

from __future__ import annotations

import subprocess

from mailer.cli.system.studio import begin_run, running
from mailer.delivery.sending.run import last_run
from mailer.store.engine.database import Database
from mailer.workspace import Workspace
from tests.patience import until


def ran(database: Database) -> bool:
    with database.read() as connection:
        return last_run(connection) is not None


def test_it_runs_beside_the_studio_and_ends_with_it(workspace: Workspace, database: Database) -> None:
    begun: list[subprocess.Popen[bytes]] = []

    def begin() -> subprocess.Popen[bytes]:
        begun.append(begin_run(workspace.root))
        return begun[-1]

    with running(begin):
        until(lambda: ran(database))
        assert begun[-1].poll() is None
    assert [process.returncode for process in begun] == [0]


def test_one_that_ends_is_begun_again() -> None:
    begun: list[subprocess.Popen[bytes]] = []

    def begin() -> subprocess.Popen[bytes]:
        begun.append(subprocess.Popen(["true"]))
        return begun[-1]

    with running(begin):
        until(lambda: len(begun) > 2)
    assert {process.returncode for process in begun[:2]} == {0}  # the last may have been stopped
