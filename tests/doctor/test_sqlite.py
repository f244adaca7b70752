"""A SQLite file as the doctor finds it: real files with a real fault each, and what is judged from facts alone."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mailer.diagnostics import Diagnostic, Level
from mailer.doctor import sqlite
from mailer.doctor.database import examine_database
from mailer.doctor.filesystems import kind_for
from mailer.doctor.schema import in_words
from mailer.doctor.sqlite import SqliteFacts, gather_sqlite, judge_sqlite
from mailer.store.engine.database import SCHEMA
from mailer.store.tables.core import to_microseconds
from tests.conftest import NOW
from tests.patience import HANG_SECONDS

GB = 1_000_000_000
WELL = SqliteFacts(
    Path("/w/mailer.db"), exists=True, folder_writable=True, size_bytes=GB, mode=0o600, free_bytes=10 * GB,
    file_system="ext4", schema=SCHEMA, has_tables=True, journal_mode="wal",
)  # fmt: skip


def judged(facts: SqliteFacts) -> list[tuple[Level, str]]:
    return [(one.level, one.message) for one in judge_sqlite(facts, now=NOW)]


def troubles(findings: list[Diagnostic]) -> list[tuple[Level, str]]:
    return [(one.level, one.message) for one in findings if one.level is not Level.OK]


def test_all_is_well() -> None:
    assert judged(WELL) == [
        (Level.OK, f"SQLite mailer.db, 1.0 GB, schema {SCHEMA}, can be written, no damage found"),
        (Level.OK, "10.0 GB are free on the disk of mailer.db"),
    ]


@pytest.mark.parametrize(
    ("change", "level", "words"),
    [
        ({"mode": 0o640}, Level.WARNING, "the file's group can read mailer.db"),
        ({"mode": 0o604}, Level.WARNING, "everybody on this machine can read mailer.db"),
        ({"journal_mode": "delete"}, Level.WARNING, "was in delete mode and not WAL"),
        ({"file_system": "nfs4"}, Level.WARNING, "on a network file system (nfs4)"),
        ({"file_system": "fuse.sshfs"}, Level.WARNING, "on a network file system (fuse.sshfs)"),
        ({"free_bytes": GB - 1}, Level.WARNING, "a copy of it would not fit"),
        ({"free_bytes": GB, "wal_bytes": 1}, Level.WARNING, "a copy of it would not fit"),
        ({"free_bytes": 49_999_999}, Level.ERROR, "so a send would soon stop"),
        ({"locked": True}, Level.WARNING, "another program holds the write lock"),
        ({"write_trouble": "the database can't be written"}, Level.ERROR, "nothing can be sent and clicks are lost"),
        ({"folder_writable": False}, Level.ERROR, "its folder can't be written"),
        ({"damage": ("page 7 is never used",)}, Level.ERROR, "is damaged (page 7 is never used)"),
        ({"schema": "9999"}, Level.ERROR, "newer than this program's"),
        ({"schema": None}, Level.ERROR, "has schema of an unknown age"),
        ({"schema": "0000"}, Level.ERROR, "has schema 0000"),
        ({"newest": NOW + timedelta(seconds=3)}, Level.WARNING, "this machine's clock says 2026-11-24 09:00:00 UTC"),
        ({"trouble": "this file is not a database"}, Level.ERROR, "this file is not a database, so no command works"),
        ({"exists": False}, Level.WARNING, "there is no database at /w/mailer.db yet"),
        ({"exists": False, "folder_writable": False}, Level.ERROR, "none can be made"),
    ],
)
def test_each_fault_is_the_only_one_named(change: dict[str, Any], level: Level, words: str) -> None:
    found = [one for one in judged(replace(WELL, **change)) if one[0] is not Level.OK]
    ((found_level, said),) = found
    assert found_level is level
    assert words in said


def test_a_clock_that_differs_by_a_moment_is_well() -> None:
    assert len(judged(replace(WELL, newest=NOW + timedelta(seconds=1)))) == 2


def test_a_check_that_was_stopped_says_so() -> None:
    assert "then stopped looking" in judged(replace(WELL, checked_whole=False))[0][1]


@pytest.fixture
def path(tmp_path: Path, migrated_file: Path) -> Path:
    return Path(shutil.copy(migrated_file, tmp_path / "mailer.db"))


def examined(path: Path) -> tuple[list[tuple[Level, str]], bool]:
    found = examine_database(f"sqlite:///{path}", clock=lambda: NOW, connections=4)
    return troubles(found.findings), found.usable


def test_a_fresh_database_is_well_and_its_owners_alone(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert examined(path) == ([], True)
    facts = gather_sqlite(str(path))
    assert (facts.schema, facts.journal_mode, facts.locked, facts.write_trouble) == (SCHEMA, "wal", False, "")


def test_looking_changes_nothing(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    before = path.read_bytes()
    found, usable = examined(path)
    assert [level for level, _ in found] == [Level.WARNING]
    assert "delete mode" in found[0][1]
    assert usable
    assert path.read_bytes() == before


def test_a_missing_database_stays_missing(tmp_path: Path) -> None:
    ((level, words),), usable = examined(tmp_path / "mailer.db")
    assert (level, usable) == (Level.WARNING, False)
    assert "there is no database" in words
    assert not (tmp_path / "mailer.db").exists()
    assert examined(tmp_path / "gone" / "mailer.db")[0][0][0] is Level.ERROR


def test_the_write_lock_of_another(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "LOCK_SECONDS", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        ((level, words),), _ = examined(path)
        other.execute("ROLLBACK")
    assert level is Level.WARNING
    assert "write lock" in words
    assert examined(path) == ([], True)


@pytest.mark.parametrize("table", ["lists", "deliveries"])
def test_a_damaged_file(path: Path, table: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany("INSERT INTO lists (name) VALUES (?)", [(f"{'x' * 900}{n}",) for n in range(200)])
        connection.commit()
        page = connection.execute("PRAGMA page_size").fetchone()[0]
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
    data = bytearray(path.read_bytes())
    data[(root - 1) * page : (root - 1) * page + 64] = b"\xff" * 64
    path.write_bytes(data)
    found, _ = examined(path)
    assert next(words for level, words in found if level is Level.ERROR).startswith("mailer.db is damaged (")


def test_what_is_no_database(path: Path) -> None:
    path.write_text("this is a text, not a database " * 100, encoding="utf-8")
    ((level, words),), usable = examined(path)
    assert (level, usable) == (Level.ERROR, False)
    assert "not a database" in words


def test_another_schema(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    ((level, words),), usable = examined(path)
    assert (level, usable) == (Level.ERROR, False)
    assert "newer" in words


def test_a_ledger_from_the_future(path: Path) -> None:
    later = to_microseconds(datetime(2027, 1, 1, 12, 0, tzinfo=UTC))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "INSERT INTO campaigns (id, slug, state, message, digest, audience, created_at)"
            " VALUES (1, 'a', 'finished', '{}', '', '{}', 1)"
        )
        connection.execute(
            "INSERT INTO deliveries (id, campaign_id, person_id, state, not_before, changed_at)"
            " VALUES (1, 1, 1, 'sent', 1, ?)", (later,)
        )  # fmt: skip
        connection.commit()
    ((level, words),), _ = examined(path)
    assert level is Level.WARNING
    assert "the ledger's newest row is of 2027-01-01 12:00:00" in words


def test_a_check_that_takes_too_long_is_stopped(path: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    with closing(sqlite3.connect(path, check_same_thread=False)) as connection:
        assert sqlite._values(connection, endless, 0.05) is None
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            sqlite._values(connection, "SELECT * FROM nowhere", HANG_SECONDS)


def test_what_is_no_address_of_a_database() -> None:
    found = examine_database("postgresql+psycopg://user:secret@host:port/x", clock=lambda: NOW, connections=4)
    assert [one.level for one in found.findings] == [Level.ERROR]
    assert "secret" not in str(found)
    assert not found.usable


MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /home rw shared:2 - nfs4 server:/home rw
31 30 8:2 / /home/a\\040b rw - xfs /dev/sdb1 rw
32 22 8:3 / /mnt rw - ext4 /dev/sdc1 rw
33 32 0:41 / /mnt rw - cifs //server/share rw
a line that is not understood
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("/var/lib", "ext4"), ("/home", "nfs4"), ("/home/ab/x", "nfs4"), ("/home/a b/x", "xfs"), ("/mnt/x", "cifs"),
     ("/homes", "ext4")],
)  # fmt: skip
def test_the_innermost_mount_counts_and_the_last_one_on_top(folder: str, kind: str) -> None:
    assert kind_for(Path(folder), MOUNTS) == kind


def test_sizes_in_words() -> None:
    assert [in_words(size) for size in (12, 3200, 4_560_000, 12_000_000_000)] == [
        "12 bytes",
        "3.2 kB",
        "4.6 MB",
        "12.0 GB",
    ]
