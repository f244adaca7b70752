"""A SQLite database's file and what it says of itself: gathered without changing anything, then judged.

The file is opened by `sqlite3` itself and not through `engine.dialects`, which would turn on WAL before it could be
asked for.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mailer.diagnostics import Diagnostic, bad, warning, well
from mailer.doctor.filesystems import file_system_of
from mailer.doctor.schema import in_words, judge_schema
from mailer.store.engine.errors import trouble
from mailer.store.engine.version import SCHEMA
from mailer.store.tables.core import EPOCH

LOCK_SECONDS = 3.0  # for the write lock; a commit of a send takes far less
# quick_check reads the whole file, some hundred MB a second. When it isn't through by then it is stopped, and the
# finding says so: nobody runs a doctor that takes minutes.
CHECK_SECONDS = 8.0
NEWEST_SECONDS = 2.0  # for the newest time in the ledger, which is a scan
NEWEST = (
    "SELECT max(changed_at) FROM deliveries UNION ALL SELECT max(created_at) FROM campaigns"
    " UNION ALL SELECT max(launched_at) FROM campaigns UNION ALL SELECT max(finished_at) FROM campaigns"
)
NEARLY_FULL_BYTES = 50_000_000  # the WAL of one large launch takes about as much
LOW_BYTES = 200_000_000
# sqlite.org/wal.html: all processes must be on one machine; WAL doesn't work over a network file system.
NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ncpfs", "9p", "ceph", "glusterfs", "lustre", "vboxsf",
           "fuse.sshfs", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "davfs", "fuse.davfs2")  # fmt: skip
CLOCK_GRACE = timedelta(seconds=2)  # two machines' clocks, or one that was set right, differ by so much


@dataclass(frozen=True, slots=True)
class SqliteFacts:
    """`trouble` is why the file couldn't be read, `locked` and `write_trouble` why it couldn't be written."""

    path: Path
    exists: bool = False
    folder_writable: bool = False
    size_bytes: int = 0
    wal_bytes: int = 0
    mode: int = 0  # permission bits
    free_bytes: int = 0
    file_system: str = ""  # "" when the system doesn't tell
    schema: str | None = None
    has_tables: bool = False
    journal_mode: str = ""
    damage: tuple[str, ...] = ()
    checked_whole: bool = True
    newest: datetime | None = None  # the latest time in the ledger
    trouble: str = ""
    remedy: str = ""
    locked: bool = False
    write_trouble: str = ""


def gather_sqlite(database: str) -> SqliteFacts:
    """Facts of the file `database`. Takes the write lock for a moment, and writes nothing."""
    path = Path(database.removeprefix("file:").partition("?")[0])  # SQLite's own URIs name a file as well
    folder = next((one for one in path.absolute().parents if one.is_dir()), Path("/"))
    facts = SqliteFacts(
        path,
        folder_writable=os.access(path.absolute().parent, os.W_OK),
        free_bytes=shutil.disk_usage(folder).free,
        file_system=file_system_of(folder),
    )
    if not path.is_file():
        return facts
    status, wal = path.stat(), path.with_name(path.name + "-wal")
    wal_bytes = wal.stat().st_size if wal.exists() else 0
    mode = stat.S_IMODE(status.st_mode)
    facts = replace(facts, exists=True, size_bytes=status.st_size, wal_bytes=wal_bytes, mode=mode)
    try:
        with closing(_open(path)) as connection:
            return replace(facts, **_inside(connection), **_writing(path))
    except sqlite3.Error as error:
        if "malformed" in str(error):
            return replace(facts, damage=(str(error),))
        said = trouble(error)
        return replace(facts, trouble=said.message, remedy=said.remedy)


def _open(path: Path) -> sqlite3.Connection:
    uri = path.absolute().as_uri() + "?mode=rw"
    return sqlite3.connect(uri, uri=True, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False)


def _inside(connection: sqlite3.Connection) -> dict[str, Any]:
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    versions = connection.execute("SELECT version_num FROM alembic_version") if "alembic_version" in names else ()
    times = _values(connection, NEWEST, NEWEST_SECONDS) if {"deliveries", "campaigns"} <= names else ()
    latest = max((time for time in times or () if time is not None), default=None)
    found = _values(connection, "PRAGMA quick_check(5)", CHECK_SECONDS)
    return {
        "journal_mode": connection.execute("PRAGMA journal_mode").fetchone()[0],
        "has_tables": "deliveries" in names,
        "schema": next((version for (version,) in versions), None),
        "newest": None if latest is None else EPOCH + timedelta(microseconds=latest),
        "damage": tuple(line for line in found or () if line != "ok"),
        "checked_whole": found is not None,
    }


def _values(connection: sqlite3.Connection, statement: str, seconds: float) -> list[Any] | None:
    """What a statement finds, or None when it took longer and was interrupted."""
    timer = threading.Timer(seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        return [value for (value,) in connection.execute(statement)]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return None
        raise
    finally:
        timer.cancel()
        timer.join()


def _writing(path: Path) -> dict[str, Any]:
    """Takes the write lock and gives it back: what proves that a send could write."""
    try:
        with closing(_open(path)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        return {"locked": True} if "locked" in str(error) else {"write_trouble": trouble(error).message}
    return {}


def judge_sqlite(facts: SqliteFacts, *, now: datetime) -> list[Diagnostic]:
    """Findings, the good one first."""
    if not facts.exists:
        return [_judge_missing(facts), *_judge_place(facts)]
    name = facts.path.name
    if facts.trouble:
        return [bad(f"{name}: {facts.trouble}, so no command works", facts.remedy), *_judge_place(facts)]
    content, writing = list(_judge_content(facts)), list(_judge_writing(facts))
    if not facts.damage and facts.schema == SCHEMA:
        can = "" if writing else "can be written, "
        seen = "" if facts.checked_whole else f" in {CHECK_SECONDS:.0f} s, then stopped looking"
        size = in_words(facts.size_bytes)
        content.insert(0, well(f"SQLite {name}, {size}, schema {facts.schema}, {can}no damage found{seen}"))
    if os.name == "posix" and facts.mode & 0o077:
        who = "everybody on this machine" if facts.mode & 0o007 else "the file's group"
        said = f"{who} can read {name}, and with it every supporter's address"
        writing.append(warning(said, f"chmod 600 {name}*"))
    return [*content, *writing, *_judge_place(facts), *_judge_clock(facts, now)]


def _judge_missing(facts: SqliteFacts) -> Diagnostic:
    none = f"there is no database at {facts.path}"
    if not facts.folder_writable:
        remedy = "Check `database` in mailer.toml and the permissions of the folder."
        return bad(f"{none}, and its folder can't be written, so none can be made", remedy)
    remedy = "Import a list. If people were imported already, correct `database` in mailer.toml."
    return warning(f"{none} yet; the first command that needs one makes it, with nobody in it", remedy)


def _judge_content(facts: SqliteFacts) -> Iterator[Diagnostic]:
    name = facts.path.name
    yield from judge_schema(facts.schema, has_tables=facts.has_tables)
    if facts.damage:
        said = f"{name} is damaged ({facts.damage[0]}), so people may be missed and sends may fail"
        yield bad(said, "Stop all sending, keep a copy of the file, and restore a backup.")
    if facts.journal_mode != "wal" and facts.has_tables:
        said = f"{name} was in {facts.journal_mode} mode and not WAL, so sends and clicks wait for each other"
        remedy = "Mailer turns WAL on whenever it opens the file; if this is said again, move the file to a local disk."
        yield warning(said, remedy)


def _judge_writing(facts: SqliteFacts) -> Iterator[Diagnostic]:
    name = facts.path.name
    if facts.write_trouble or not facts.folder_writable:
        why = facts.write_trouble or "its folder can't be written, where SQLite keeps its log"
        remedy = "Check the permissions of the file and its folder, and who runs mailer."
        yield bad(f"{name}: {why}, so nothing can be sent and clicks are lost", remedy)
    elif facts.locked:
        said = f"another program holds the write lock of {name} for over {LOCK_SECONDS:.0f} s, so sends wait"
        yield warning(said, "See which (lsof), and let it finish: an import of many people takes a while.")


def _judge_place(facts: SqliteFacts) -> Iterator[Diagnostic]:
    name = facts.path.name
    if facts.file_system in NETWORK or facts.file_system.startswith("nfs"):
        said = f"{name} is on a network file system ({facts.file_system}), where SQLite's WAL doesn't work safely"
        yield warning(f"{said}, so rows may be lost", "Put it on a local disk, or use PostgreSQL for several machines.")
    # A migration or a backup makes a second copy; WAL and temporary files need some beside it.
    wanted = max(LOW_BYTES, facts.size_bytes + facts.wal_bytes)
    free = f"{in_words(facts.free_bytes)} are free on the disk of {name}"
    if facts.free_bytes < NEARLY_FULL_BYTES:
        yield bad(f"only {free}, so a send would soon stop", "Make space before sending.")
    elif facts.free_bytes < wanted:
        yield warning(f"only {free}; a copy of it would not fit", f"Make space: {in_words(wanted)} are recommended.")
    else:
        yield well(free)


def _judge_clock(facts: SqliteFacts, now: datetime) -> Iterator[Diagnostic]:
    if facts.newest is not None and facts.newest > now + CLOCK_GRACE:
        here, newest = (f"{one:%Y-%m-%d %H:%M:%S}" for one in (now, facts.newest))
        said = f"this machine's clock says {here} UTC, but the ledger's newest row is of {newest}"
        remedy = "Set the clock right, and keep it so by NTP."
        yield warning(f"{said}, so schedules and retries come late", remedy)
