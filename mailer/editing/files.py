"""Writes the files of a workspace: by one writer at a time, in one moment, and never outside the workspace.

A file is written beside the one it replaces, flushed to the disk and renamed, so that a reader, a crash or a `kill -9`
meets the old file or the new one, whole. What is in it is for the callers.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

from sqlalchemy import Connection, func, select

from mailer.errors import MailerError

SAVING = 0x5341_5645  # the advisory lock that saves take on PostgreSQL
UNFINISHED = ".*.saving-*"  # a file that is being written at this moment
STALE_SECONDS = 3600.0  # after which an unfinished file is what a killed process left


def one_at_a_time(connection: Connection) -> None:
    """Let no other studio write until this transaction ends. On SQLite writers take turns anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(SAVING)))


def write_file(path: Path, content: bytes, *, within: Path, mode: int = 0o644) -> None:
    """Put `content` in the place of the file at `path`, with the mode it had; `mode` is that of a new file.

    Raises `MailerError`, with nothing written, where `path` leads out of the folder `within` or is a symbolic link,
    which a rename would replace by a copy, and where the disk refuses.
    """
    if path.is_symlink() or not path.parent.resolve().is_relative_to(within.resolve()):
        raise MailerError(
            f"{path.name} leads to a place outside the workspace, so it can’t be written here",
            remedy="Put the file itself in its place.",
        )
    try:
        _replace(path, content, mode)
    except OSError as error:
        raise MailerError(
            f"{path.name} could not be written: {error.strerror or error}",
            remedy="Nothing was changed. Ask who looks after the server: is its disk full, or the folder read-only?",
        ) from error


def _replace(path: Path, content: bytes, mode: int) -> None:
    _clear_stale(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=_unfinished(path))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, name)
        else:
            Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name is on the disk, too
    finally:
        os.close(folder)


def _unfinished(path: Path) -> str:
    return f".{path.name}.saving-"


def _clear_stale(path: Path) -> None:
    """Remove what a process that was killed in the middle of a save left behind."""
    for left in path.parent.glob(f"{_unfinished(path)}*"):
        try:
            if time.time() - left.stat().st_mtime > STALE_SECONDS:
                left.unlink()
        except FileNotFoundError:  # another studio was quicker
            continue
