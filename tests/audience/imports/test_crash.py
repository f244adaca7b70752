"""All or nothing: a full disk, a locked database, a signal in the middle leave the list as it was."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select

from mailer.store.engine.database import Database, DatabaseTrouble, open_database
from mailer.store.tables.core import consents, people, subscriptions
from tests.audience.world import bring
from tests.patience import HANG_SECONDS

ROWS = 5_000  # more than the room that is left on the disk
FEW = 500


def write_people(path: Path, *, start: int = 0, rows: int = ROWS) -> None:
    lines = (f"person{n}@example.org,Name{n},Town{n}\n" for n in range(start, start + rows))
    path.write_text("email,first_name,town\n" + "".join(lines))


def numbers(database: Database) -> tuple[int, ...]:
    with database.read() as connection:
        return tuple(
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (people, subscriptions, consents)
        )


@pytest.mark.sqlite
def test_a_full_disk_changes_nothing(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    write_people(path, rows=10)
    bring(database, path)
    limit = {"pages": 0}

    def connected(raw: Any, _record: Any) -> None:
        if limit["pages"]:
            raw.execute(f"PRAGMA max_page_count = {limit['pages']}").close()

    with database.read() as connection:
        limit["pages"] = connection.exec_driver_sql("PRAGMA page_count").scalar_one() + 20
    database.engine.dispose()
    event.listen(database.engine, "connect", connected)
    write_people(path)
    with pytest.raises(DatabaseTrouble, match="disk is full"):
        bring(database, path, rejects_path=tmp_path / "rejects.csv")
    assert numbers(database) == (10, 10, 10)
    assert not list(tmp_path.glob("rejects*")), "half a file of rejects is left"


@pytest.mark.sqlite
def test_a_locked_database_is_said_and_nothing_changes(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    write_people(path, rows=10)
    file = database.engine.url.database
    assert file
    event.listen(database.engine, "connect", lambda raw, _record: raw.execute("PRAGMA busy_timeout = 1").close())
    database.engine.dispose()
    other = sqlite3.connect(file, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseTrouble, match="locked by another program"):
            bring(database, path)
        other.execute("ROLLBACK")
    finally:
        other.close()
    assert numbers(database) == (0, 0, 0)
    assert bring(database, path).added == 10


# Imports until it has come to a stage, says so, and waits there to be killed. Takes every file for a large one.
VICTIM = """
    import sys, time
    from pathlib import Path
    from mailer.audience.imports import importer
    from mailer.audience.imports.load import staging, upsert
    from mailer.store.engine.database import open_database
    from tests.audience.world import bring

    stage, url, path = sys.argv[1:]
    importer.MANY_ROWS = 1_000
    owner = staging.StagedRows if stage == "fill" else upsert.Writer
    plain = getattr(owner, stage)

    def stopped(self, *args):
        result = plain(self, *args)
        print("here", flush=True)
        sys.stdin.read()
        return result

    setattr(owner, stage, stopped)
    bring(open_database(url), Path(path))
"""


@pytest.mark.parametrize(
    ("stage", "kind"),
    [
        ("fill", signal.SIGKILL),
        ("_block", signal.SIGKILL),
        ("_add", signal.SIGKILL),
        ("_join", signal.SIGKILL),
        ("finish", signal.SIGKILL),
        ("fill", signal.SIGINT),
        ("finish", signal.SIGINT),
    ],
)
def test_a_signal_in_the_middle_leaves_the_list_as_it_was(
    database: Database, tmp_path: Path, stage: str, kind: signal.Signals
) -> None:
    path = tmp_path / "people.csv"
    write_people(path, rows=10)
    bring(database, path)
    write_people(path, start=5, rows=FEW)
    url = str(database.engine.url)
    command = [sys.executable, "-c", textwrap.dedent(VICTIM), stage, url, str(path)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as victim:
        assert victim.stdout
        assert victim.stdout.readline() == b"here\n"
        victim.send_signal(kind)
        victim.wait(HANG_SECONDS)
    fresh = open_database(url)
    try:
        assert numbers(fresh) == (10, 10, 10)
        report = bring(fresh, path)
        assert (report.added, report.unchanged) == (FEW - 5, 5)
        assert numbers(fresh) == (FEW + 5,) * 3
    finally:
        fresh.close()
