"""The backups that the studio took: files of the workspace's folder backups/, private and away from git."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mailer.private_files import unversioned_folder

FOLDER = "backups"
NAME = re.compile(r"mailer-(\d{4}-\d\d-\d\d-\d{6})\.(?:db|sql)")  # as `back_up` names them


@dataclass(frozen=True, slots=True)
class KeptBackup:
    """One copy of the database."""

    path: Path
    at: datetime  # when it was begun
    bytes: int


def backup_folder(root: Path) -> Path:
    """Where they are kept, made if it is missing."""
    return unversioned_folder(root / FOLDER)


def kept_backups(root: Path) -> Sequence[KeptBackup]:
    """All there are, the newest first. What isn't named by `back_up` is somebody else's."""
    found: list[KeptBackup] = []
    for path in (root / FOLDER).glob("mailer-*"):
        if (named := NAME.fullmatch(path.name)) and path.is_file():
            at = datetime.strptime(named[1], "%Y-%m-%d-%H%M%S").replace(tzinfo=UTC)
            found.append(KeptBackup(path, at, path.stat().st_size))
    return sorted(found, key=lambda one: one.at, reverse=True)
