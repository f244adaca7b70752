"""The database in trouble while a send runs: locked by another program, full, PostgreSQL killed and started again."""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailer.store.engine.database import open_database
from tests.chaos.combinations import on
from tests.chaos.site import Site
from tests.chaos.stores import PostgresStore, SqliteStore
from tests.servers.postgres import Cluster

PEOPLE = 240
LOCKED_SECONDS = 2.5
DOWN_SECONDS = 2.0
DISK_BYTES = 24 * 1024 * 1024  # SQLite's write-ahead log takes 4 MB before it is written back


@on("sqlite-smtp")
def test_another_program_holds_the_write_lock(site: Site) -> None:
    site.launch(PEOPLE)
    run = site.start("run")
    site.wait_for_arrivals(40, run)
    with site.store.locked():
        time.sleep(LOCKED_SECONDS)
    run.end()
    assert site.finish() == {"sent": PEOPLE}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of a few megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mounted, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Take all the space there is; the file that takes it."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError as error:
                assert error.errno == errno.ENOSPC
    return path


def move_to(site: Site, folder: Path) -> None:
    """The site's SQLite database, in this folder from now on."""
    store = SqliteStore(folder / "mailer.db")
    site.database.close()
    site.store.copy()
    site.leave()
    shutil.copyfile(site.root / "kept.db", store.path)
    site.store = store
    site.database = open_database(store.url)


@on("sqlite-smtp", engines=["sqlite"])
def test_the_disk_is_full_then_has_space_again(small_disk: Path, site: Site) -> None:
    site.launch(PEOPLE)
    move_to(site, small_disk)
    try:
        run = site.start("run")
        site.wait_for_arrivals(40, run)
        filler = fill(small_disk)
        site.wait_for(lambda: "the disk is full" in run.words or not run.running, why="it said so")
        assert run.running
        assert site.receiver.count() < PEOPLE, "the full disk stopped nobody"
        assert "the disk is full. Sending waits for it" in run.words
        filler.unlink()
        run.end()
        assert site.finish() == {"sent": PEOPLE}
    finally:
        site.leave()


@on("sqlite-sendgrid", engines=["sqlite"])
def test_a_run_is_stopped_while_the_disk_is_full(small_disk: Path, site: Site) -> None:
    """Answers that can't be written down leave their people uncertain, and staff are told how many."""
    site.launch(PEOPLE)
    move_to(site, small_disk)
    try:
        run = site.start("run")
        site.wait_for_arrivals(40, run)
        filler = fill(small_disk)
        site.wait_for(lambda: "the disk is full" in run.words or not run.running, why="it said so")
        run.send(signal.SIGTERM)
        words = run.end(1)
        assert re.search(r"error: the disk is full; (the answers for \d+ people|nobody is affected)", words)
        filler.unlink()
        site.bound = site.receiver.on_the_wire
        assert set(site.finish()) <= {"sent", "uncertain"}
    finally:
        site.leave()


@pytest.fixture
def own_cluster(cluster: Cluster) -> Iterator[Cluster]:
    """A cluster beside the shared one that this case may kill, and that keeps what it committed."""
    with Cluster(durable=True) as own:
        yield own


@on("postgresql-smtp", engines=["postgresql"])
def test_postgresql_is_killed_and_started_again(site: Site, own_cluster: Cluster) -> None:
    own_cluster.create("mailer")
    site.leave()
    site.store = PostgresStore(own_cluster, "mailer")
    site.database = open_database(site.store.url)
    site.launch(PEOPLE)
    run = site.start("run")
    for arrived in (40, 120) if site.long else (60,):
        site.wait_for_arrivals(arrived, run)
        site.wait_a_moment()
        own_cluster.kill()
        site.kills += 1
        site.bound += site.receiver.on_the_wire
        time.sleep(DOWN_SECONDS)
        own_cluster.start()
    run.end(0, 1, 3)
    assert set(site.finish()) <= {"sent", "uncertain"}
    site.leave()
