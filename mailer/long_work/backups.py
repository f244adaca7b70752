"""Copies the database for the studio, while others read and write it."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any

from mailer.errors import MailerError
from mailer.long_work.running import Running, WorkStopped
from mailer.staff.audit import record
from mailer.store.admin.backup import LOGGED_AS, back_up
from mailer.store.admin.kept_backups import backup_folder

TOPIC = "backup"
LOOK_SECONDS = 1.0  # whether it is there, and that we live


def take_backup(running: Running) -> Mapping[str, Any]:
    """A copy in the workspace's folder backups/. One that was interrupted leaves none."""
    folder, began = backup_folder(running.workspace.root), running.clock()
    with ThreadPoolExecutor(1) as beside:
        copying = beside.submit(back_up, running.workspace.settings.database_url, folder, now=began)
        try:
            while not copying.done():
                wait([copying], LOOK_SECONDS)
                running.step(0)
        except WorkStopped:  # nobody is left with a copy that no log tells of
            with suppress(MailerError):
                copying.result().unlink(missing_ok=True)
            raise
    file = copying.result()
    result = {"file": file.name}
    with running.database.write() as connection:
        record(connection, running.actor, "database backed up", at=began, subject=LOGGED_AS, detail=file.name)
        running.settle(connection, result)
    return result
