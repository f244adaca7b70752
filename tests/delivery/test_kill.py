"""kill -9 in the middle of a send, again and again; overlapping runs; signals: nobody twice, nobody lost.

Real `mailer run` processes; a real Maildir, a real SMTP relay and a fake of SendGrid's API in processes of their own.
What arrived is asked of them, person by person, and compared with what the ledger says.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, update

from mailer.store.database import Database
from mailer.store.tables import deliveries, people, workers
from mailer.workspace import Workspace
from tests.delivery.world import add_people, launch
from tests.servers import sendgrid_fake
from tests.servers.relay import read_log, read_port

PEOPLE = 240
KILLS = 8
CONNECTIONS = 3
PER_REQUEST = 5
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Site:
    """A workspace whose mail arrives somewhere that can be asked."""

    root: Path
    database: Database
    environ: dict[str, str]
    arrived: Callable[[], Counter[str]]  # address → how often
    on_the_wire: int  # people that may be on the wire at one moment: one a connection, or a request of SendGrid

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "mailer", "run", *arguments]
        return subprocess.Popen(
            command, cwd=self.root, env=self.environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def wait_for(self, count: int, process: subprocess.Popen[str]) -> None:
        """Until so many mails have arrived or the process has ended."""
        until = time.monotonic() + PATIENCE_SECONDS
        while self.arrived().total() < count and process.poll() is None:
            assert time.monotonic() < until, "nothing moves"
            time.sleep(0.005)

    def let_leases_run_out(self) -> None:
        """As if a minute had passed since the programs died."""
        with self.database.write() as connection:
            connection.execute(update(workers).values(lease_until=datetime(2000, 1, 1, tzinfo=UTC)))


def ledger(database: Database) -> dict[str, str]:
    """Address → state."""
    query = select(people.c.address, deliveries.c.state).join(people, people.c.id == deliveries.c.person_id)
    with database.read() as connection:
        return {row.address: row.state for row in connection.execute(query)}


def compare(site: Site, *, kills: int) -> Counter[str]:
    """What arrived against what the ledger says, person by person. Returns the states, counted."""
    arrived, said = site.arrived(), ledger(site.database)
    assert len(said) == PEOPLE
    assert [address for address, times in arrived.items() if times > 1] == []
    for address, state in said.items():
        if state == "sent":
            assert arrived[address] == 1, f"{address} counts as sent and got nothing"
        elif state not in ("uncertain", "sending"):
            assert arrived[address] == 0, f"{address} is {state} and was mailed"
    states = Counter(said.values())
    assert states["uncertain"] + states["sending"] <= kills * site.on_the_wire
    return states


@pytest.fixture(params=["outbox", "smtp", "sendgrid"])
def site(request: pytest.FixtureRequest, workspace: Workspace, database: Database, tmp_path: Path) -> Iterator[Site]:
    now = datetime.now(UTC)  # the processes under test read the real clock
    add_people(database, PEOPLE, now=now)
    launch(database, count=PEOPLE, now=now, transport=request.param)
    # Slow enough to be caught in the middle.
    environ = {**os.environ, "MAILER_TRANSPORT": request.param, "MAILER_PACE_PER_SECOND": "150"}
    if request.param == "outbox":
        yield Site(workspace.root, database, environ, lambda: in_maildir(workspace.root / "outbox"), 1)
        return
    if request.param == "sendgrid":
        with server("sendgrid_fake", tmp_path, "--api-key", "SG.test") as (port, log):
            environ |= {
                "MAILER_SENDGRID_BASE_URL": f"http://127.0.0.1:{port}",
                "MAILER_SENDGRID_API_KEY": "SG.test",
                "MAILER_SENDGRID_CONNECTIONS": "2",
                "MAILER_SENDGRID_PEOPLE_PER_REQUEST": str(PER_REQUEST),
            }
            yield Site(workspace.root, database, environ, lambda: in_sendgrid(log), 2 * PER_REQUEST)
        return
    with server("relay", tmp_path) as (port, log):
        environ |= {
            "MAILER_SMTP_HOST": "127.0.0.1",
            "MAILER_SMTP_PORT": str(port),
            "MAILER_SMTP_SECURITY": "none",
            "MAILER_SMTP_CONNECTIONS": str(CONNECTIONS),
        }
        yield Site(workspace.root, database, environ, lambda: in_log(log), CONNECTIONS)


@contextmanager
def server(name: str, folder: Path, *options: str) -> Generator[tuple[int, Path], None, None]:
    """The SMTP relay or the fake of SendGrid as a process of its own."""
    port_file, log = folder / "port", folder / f"{name}.log"
    command = [sys.executable, "-m", f"tests.servers.{name}", "--port-file", str(port_file), "--log", str(log)]
    command += options
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2])
    try:
        yield read_port(port_file), log
    finally:
        process.terminate()
        process.wait(timeout=10)


def in_sendgrid(log: Path) -> Counter[str]:
    return Counter(mail.recipient for mail in sendgrid_fake.read_log(log))


def in_log(log: Path) -> Counter[str]:
    return Counter(message.recipient for message in read_log(log)) if log.exists() else Counter()


def in_maildir(folder: Path) -> Counter[str]:
    """Whom the mails in a Maildir are for, read from the mails themselves."""
    found: Counter[str] = Counter()
    for path in [*(folder / "new").glob("*"), *(folder / "cur").glob("*")]:
        for line in path.read_bytes().split(b"\r\n\r\n" if b"\r\n" in path.read_bytes() else b"\n\n")[0].splitlines():
            if line.startswith(b"To:"):
                found[line.rpartition(b"<")[2].rpartition(b":")[2].strip(b"> ").decode()] += 1
    return found


def test_killed_again_and_again(site: Site) -> None:
    draw = random.Random(20261124)
    kills = 0
    while kills < KILLS:
        process = site.start()
        before = site.arrived().total()
        site.wait_for(before + draw.randint(0, 2 * PEOPLE // KILLS - 10), process)
        time.sleep(draw.random() * 0.02)  # a random moment within the life of a message
        over = process.poll() is not None
        process.kill()
        process.communicate()
        if over:
            break
        kills += 1
        compare(site, kills=kills)
        site.let_leases_run_out()
    assert kills >= 3, "it was over before it was killed"
    last = site.start()
    output, _ = last.communicate(timeout=60)
    states = compare(site, kills=kills)
    assert set(states) <= {"sent", "uncertain"}, output
    assert last.returncode == 0


def test_overlapping_runs_share_the_work(site: Site) -> None:
    processes = [site.start() for _ in range(4)]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, outputs
    assert compare(site, kills=0) == {"sent": PEOPLE}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_leaves_nothing_uncertain(site: Site, number: signal.Signals) -> None:
    process = site.start()
    site.wait_for(20, process)
    process.send_signal(number)
    output, _ = process.communicate(timeout=10)
    states = compare(site, kills=0)
    assert set(states) == {"sent", "queued"}, output
    assert f"stopped by {number.name}" in output
    second = site.start()
    second.communicate(timeout=60)
    assert compare(site, kills=0) == {"sent": PEOPLE}


def freeze_between_transactions(process: subprocess.Popen[str], site: Site) -> None:
    """SIGSTOP at a moment when it doesn't hold SQLite's write lock, which would stop everybody else as well."""
    path = site.root / "mailer.db"
    for _ in range(200):
        process.send_signal(signal.SIGSTOP)
        with closing(sqlite3.connect(path, timeout=0.05, isolation_level=None)) as probe:
            try:
                probe.execute("BEGIN IMMEDIATE")
                probe.execute("ROLLBACK")
            except sqlite3.OperationalError:
                process.send_signal(signal.SIGCONT)
            else:
                return
    pytest.fail("it held the write lock all the time")


def test_a_frozen_worker_hands_nothing_more_over(site: Site) -> None:
    frozen = site.start()
    site.wait_for(20, frozen)
    freeze_between_transactions(frozen, site)
    site.let_leases_run_out()
    other = site.start()
    other.communicate(timeout=60)
    frozen.send_signal(signal.SIGCONT)
    output, _ = frozen.communicate(timeout=60)
    states = compare(site, kills=1)
    assert set(states) <= {"sent", "uncertain"}, output
    assert "another worker took over" in output or states == {"sent": PEOPLE}


def test_cron_stops_in_time_and_the_next_one_goes_on(site: Site) -> None:
    first = site.start("--for", "1s")
    output, _ = first.communicate(timeout=20)
    states = compare(site, kills=0)
    assert set(states) == {"sent", "queued"}, output
    site.start().communicate(timeout=60)
    assert compare(site, kills=0) == {"sent": PEOPLE}
