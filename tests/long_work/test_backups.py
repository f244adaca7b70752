"""A backup that somebody stopped leaves no copy that the log doesn't tell of."""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path

import pytest

from mailer.long_work import backups
from mailer.long_work.desk import WorkDesk
from mailer.long_work.orders import find_work, start_work
from mailer.staff.actor import terminal
from mailer.store.admin.kept_backups import kept_backups
from mailer.store.engine.database import Database
from mailer.store.jobs import ask_to_stop
from mailer.workspace import Workspace


@pytest.mark.sqlite
def test_a_stopped_backup_leaves_no_copy(
    workspace: Workspace, database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped, copy = threading.Event(), backups.back_up

    def stop_at_the_first_look(*_: object) -> None:
        with database.write() as connection:
            ask_to_stop(connection, number)
        stopped.set()

    def copy_once_stopped(url: str, path: Path, *, now: datetime) -> Path:
        stopped.wait()
        return copy(url, path, now=now)

    monkeypatch.setattr(backups, "wait", stop_at_the_first_look)
    monkeypatch.setattr(backups, "back_up", copy_once_stopped)
    monkeypatch.setattr("mailer.long_work.running.NOTE_SECONDS", 0)
    with database.write() as connection:
        number = start_work(connection, backups.TOPIC, {}, actor=terminal(), now=now)
    desk = WorkDesk(lambda: workspace, database, lambda: now, {backups.TOPIC: backups.take_backup})
    desk.do_due()
    with database.read() as connection:
        found = find_work(connection, number)
    assert found
    assert found.detail == "stopped"
    assert kept_backups(workspace.root) == []
