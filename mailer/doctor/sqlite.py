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
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

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

    @property
    def writable(self) -> bool:
        return self.folder_writable and not self.locked and not self.write_trouble


def gather_sqlite(database: str) -> SqliteFacts:
    """Facts of the file `database`. Takes the write lock for a moment, and writes nothing."""
    path = Path(database.removeprefix("file:").partition("?")[0])  # SQLite's own URIs name a file as well
    folder = next((one for one in path.absolute().parents if one.is_dir()), Path("/"))
    facts: dict[str, object] = {
        "folder_writable": os.access(path.absolute().parent, os.W_OK),
        "free_bytes": shutil.disk_usage(folder).free,
        "file_system": file_system_of(folder),
    }
    if not path.is_file():
        return SqliteFacts(path, **facts)  # pyright: ignore[reportArgumentType] - fields by name
    status = path.stat()
    wal = path.with_name(path.name + "-wal")
    facts |= {
        "exists": True,
        "size_bytes": status.st_size,
        "wal_bytes": wal.stat().st_size if wal.exists() else 0,
        "mode": stat.S_IMODE(status.st_mode),
    }
    try:
        with closing(_open(path)) as connection:
            facts |= _inside(connection)
    except sqlite3.Error as error:
        said = trouble(error)
        if "malformed" in str(error):
            facts |= {"damage": (str(error),)}
        else:
            facts |= {"trouble": said.message, "remedy": said.remedy}
    else:
        facts |= _writing(path)
    return SqliteFacts(path, **facts)  # pyright: ignore[reportArgumentType]


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path.absolute().as_uri() + "?mode=rw", uri=True, timeout=LOCK_SECONDS, isolation_level=None,
                           check_same_thread=False)  # fmt: skip


def _inside(connection: sqlite3.Connection) -> dict[str, object]:
    journal_mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    version = (
        connection.execute("SELECT version_num FROM alembic_version").fetchone() if "alembic_version" in names else None
    )
    newest = None
    if {"deliveries", "campaigns"} <= names:
        with _no_longer_than(connection, NEWEST_SECONDS) as interrupted:
            newest = _newest(connection)
        newest = None if interrupted.is_set() else newest
    damage: list[str] = []
    with _no_longer_than(connection, CHECK_SECONDS) as interrupted:
        damage = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
    return {
        "journal_mode": str(journal_mode),
        "has_tables": "deliveries" in names,
        "schema": version[0] if version else None,
        "newest": newest,
        "damage": tuple(line for line in damage if line != "ok"),
        "checked_whole": not interrupted.is_set(),
    }


def _newest(connection: sqlite3.Connection) -> datetime | None:
    times = connection.execute(
        "SELECT max(changed_at) FROM deliveries UNION ALL SELECT max(created_at) FROM campaigns"
        " UNION ALL SELECT max(launched_at) FROM campaigns UNION ALL SELECT max(finished_at) FROM campaigns"
    )
    latest = max((row[0] for row in times if row[0] is not None), default=None)
    return None if latest is None else EPOCH + timedelta(microseconds=latest)


@contextmanager
def _no_longer_than(connection: sqlite3.Connection, seconds: float) -> Generator[threading.Event]:
    """Interrupts what runs inside after `seconds`; the event says whether it did."""
    interrupted = threading.Event()

    def stop() -> None:
        interrupted.set()
        connection.interrupt()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield interrupted
    except sqlite3.OperationalError:
        if not interrupted.is_set():
            raise
    finally:
        timer.cancel()
        timer.join()


def _writing(path: Path) -> dict[str, object]:
    """Takes the write lock and gives it back: what proves that a send could write."""
    try:
        with closing(_open(path)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        if "locked" in str(error):
            return {"locked": True}
        return {"write_trouble": trouble(error).message}
    return {}


def judge_sqlite(facts: SqliteFacts, *, now: datetime) -> list[Diagnostic]:
    if not facts.exists:
        return [*_judge_missing(facts), *_judge_place(facts)]
    if facts.trouble:
        return [
            bad(f"{facts.path.name}: {facts.trouble}, so no command works", facts.remedy),
            *_judge_place(facts),
        ]
    findings = [
        *_judge_content(facts),
        *_judge_writing(facts),
        *_judge_permissions(facts),
        *_judge_place(facts),
        *_judge_clock(facts, now),
    ]
    size = in_words(facts.size_bytes)
    seen = (
        "no damage found" if facts.checked_whole else f"no damage found in {CHECK_SECONDS:.0f} s, then stopped looking"
    )
    if not facts.damage and facts.schema == SCHEMA:
        can = "can be written, " if facts.writable else ""
        findings.insert(0, well(f"SQLite {facts.path.name}, {size}, schema {facts.schema}, {can}{seen}"))
    return findings


def _judge_missing(facts: SqliteFacts) -> list[Diagnostic]:
    if not facts.folder_writable:
        return [
            bad(
                f"there is no database at {facts.path}, and its folder can't be written, so none can be made",
                "Check `database` in mailer.toml and the permissions of the folder.",
            )
        ]
    return [
        warning(
            f"there is no database at {facts.path} yet; the first command that needs one makes it, with nobody in it",
            "Import a list. If people were imported already, correct `database` in mailer.toml.",
        )
    ]


def _judge_content(facts: SqliteFacts) -> Iterator[Diagnostic]:
    if finding := judge_schema(facts.schema, has_tables=facts.has_tables):
        yield finding
    if facts.damage:
        yield bad(
            f"{facts.path.name} is damaged ({facts.damage[0]}), so people may be missed and sends may fail",
            "Stop all sending, keep a copy of the file, and restore a backup.",
        )
    if facts.journal_mode != "wal" and facts.has_tables:
        yield warning(
            f"{facts.path.name} was in {facts.journal_mode} mode and not WAL, so sends and clicks wait for each other",
            "Mailer turns WAL on whenever it opens the file; if this is said again, move the file to a local disk.",
        )


def _judge_writing(facts: SqliteFacts) -> Iterator[Diagnostic]:
    if facts.write_trouble or not facts.folder_writable:
        why = facts.write_trouble or "its folder can't be written, where SQLite keeps its log"
        yield bad(
            f"{facts.path.name}: {why}, so nothing can be sent and clicks are lost",
            "Check the permissions of the file and its folder, and who runs mailer.",
        )
    elif facts.locked:
        yield warning(
            f"another program holds the write lock of {facts.path.name} for over {LOCK_SECONDS:.0f} s, so sends wait",
            "See which (lsof), and let it finish: an import of many people takes a while.",
        )


def _judge_permissions(facts: SqliteFacts) -> Iterator[Diagnostic]:
    if os.name != "posix" or not facts.mode & 0o077:
        return
    who = "everybody on this machine" if facts.mode & 0o007 else "the file's group"
    yield warning(
        f"{who} can read {facts.path.name}, and with it every supporter's address",
        f"chmod 600 {facts.path.name}*",
    )


def _judge_place(facts: SqliteFacts) -> Iterator[Diagnostic]:
    if facts.file_system in NETWORK or facts.file_system.startswith("nfs"):
        yield warning(
            f"{facts.path.name} is on a network file system ({facts.file_system}), where SQLite's WAL doesn't work"
            " safely, so rows may be lost",
            "Put it on a local disk, or use PostgreSQL for several machines.",
        )
    # A migration or a backup makes a second copy; WAL and temporary files need some beside it.
    wanted = max(LOW_BYTES, facts.size_bytes + facts.wal_bytes)
    free = f"{in_words(facts.free_bytes)} are free on the disk of {facts.path.name}"
    if facts.free_bytes < NEARLY_FULL_BYTES:
        yield bad(f"only {free}, so a send would soon stop", "Make space before sending.")
    elif facts.free_bytes < wanted:
        yield warning(f"only {free}; a copy of it would not fit", f"Make space: {in_words(wanted)} are recommended.")
    else:
        yield well(free)


def _judge_clock(facts: SqliteFacts, now: datetime) -> Iterator[Diagnostic]:
    if facts.newest is not None and facts.newest > now + CLOCK_GRACE:
        yield warning(
            f"this machine's clock says {now:%Y-%m-%d %H:%M:%S} UTC, but the ledger's newest row is of"
            f" {facts.newest:%Y-%m-%d %H:%M:%S}, so schedules and retries come late",
            "Set the clock right, and keep it so by NTP.",
        )
