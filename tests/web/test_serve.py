"""`mailer serve` as people run it: killed under load, told to stop, told what it can't do."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

import pytest
from sqlalchemy import text

from mailer.store.engine.database import Database, open_database
from mailer.store.tables.core import hits
from mailer.tracking.tokens import Named, Purpose, Signer
from mailer.workspace import Workspace
from tests.patience import HANG_SECONDS
from tests.reports.builders import delivery_id
from tests.web.client import fetch
from tests.web.conftest import seed

CLIENTS = 6
COMMAND = [sys.executable, "-c", "from mailer.cli import main; main()", "serve"]


@contextmanager
def started(
    root: Path, arguments: Sequence[str] = ("--port", "0"), *, errors: IO[bytes] | int = subprocess.STDOUT
) -> Generator[tuple[subprocess.Popen[str], int]]:
    """The command in a process of its own, and its port. `errors`: where its standard error goes."""
    environ = {**os.environ, "MAILER_WORKSPACE": str(root), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*COMMAND, *arguments], env=environ, stdout=subprocess.PIPE, stderr=errors, text=True
    ) as process:
        assert process.stdout
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        assert found, line + process.stdout.read()
        try:
            yield process, int(found[1])
        finally:
            process.kill()


def click_until_it_ends(port: int, signer: Signer, number: int, answered: list[int], enough: threading.Event) -> None:
    """Follow link after link; note each that was answered with a redirect."""
    delivery = delivery_id(number)
    token = signer.sign(Purpose.CLICK, Named(delivery))
    for n in range(100_000):
        try:
            reply = fetch(port, f"/c/{token}/{n % 4 + 1}")
        except OSError:
            return
        except Exception as error:  # noqa: BLE001 - an answer cut off in the middle is no answer
            assert type(error).__module__.startswith("http"), error
            return
        assert reply.status == 302
        answered.append(delivery)
        if len(answered) >= 60:
            enough.set()


def test_no_answered_click_is_lost_by_kill_9(workspace: Workspace, database: Database, now: datetime) -> None:
    seed(database, now, people=CLIENTS)
    signer = Signer(workspace.secrets.require_signing())
    answered: dict[int, list[int]] = {number: [] for number in range(1, CLIENTS + 1)}
    enough = threading.Event()
    with started(workspace.root) as (process, port):
        threads = [
            threading.Thread(target=click_until_it_ends, args=(port, signer, number, answered[number], enough))
            for number in answered
        ]
        for thread in threads:
            thread.start()
        assert enough.wait(HANG_SECONDS)
        process.send_signal(signal.SIGKILL)
        for thread in threads:
            thread.join()
    again = open_database(workspace.settings.database_url)
    with again.read() as connection:
        if again.is_sqlite:
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        for number, clicks in answered.items():
            mine = hits.select().where(hits.c.delivery_id == delivery_id(number))
            stored = len(connection.execute(mine).all())
            assert len(clicks) <= stored <= len(clicks) + 1, "at most the one on its way is stored unanswered"
            assert stored > 0
    again.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_drains_and_says_what_it_did(
    workspace: Workspace, database: Database, now: datetime, number: signal.Signals
) -> None:
    seed(database, now)
    token = Signer(workspace.secrets.require_signing()).sign(Purpose.CLICK, Named(delivery_id(1)))
    with started(workspace.root) as (process, port):
        assert fetch(port, "/readyz").status == 200
        assert fetch(port, f"/c/{token}/1").status == 302
        process.send_signal(number)
        assert process.stdout
        said = process.stdout.read()
        assert process.wait(HANG_SECONDS) == 0
    assert "Stopped. Clicks stored: 1." in said
    assert "Traceback" not in said
    assert token not in said


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "MAILER_WORKSPACE": str(root)}
    return subprocess.run(
        [*COMMAND, *arguments], env=environ, capture_output=True, text=True, timeout=HANG_SECONDS, check=False
    )


def test_a_port_in_use_is_said_plainly(workspace: Workspace) -> None:
    with started(workspace.root) as (_, port):
        done = run(workspace.root, "--port", str(port))
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [("--host", "no.such.host.invalid"), ("--port", "99999"), ("--port", "-1")])
def test_impossible_addresses_are_said_plainly(workspace: Workspace, arguments: tuple[str, str]) -> None:
    done = run(workspace.root, *arguments)
    assert done.returncode in (1, 2)
    assert "rror" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_signing_key_nothing_is_served(workspace: Workspace) -> None:
    (workspace.root / "secrets.toml").write_text("")
    done = run(workspace.root, "--port", "0")
    assert done.returncode == 1
    assert "signing key" in done.stderr
    assert "mailer init" in done.stderr


EARLY = """
import signal
import uvicorn
from starlette.applications import Starlette
from mailer.web.server import listen, run

begin = uvicorn.Server.run

def told_first(self, sockets):
    signal.raise_signal(signal.SIGTERM)
    begin(self, sockets)

uvicorn.Server.run = told_first
run(Starlette(), listen("127.0.0.1", 0))
print("ended")
"""


def test_a_signal_before_it_has_begun_is_not_lost() -> None:
    done = subprocess.run(
        [sys.executable, "-c", EARLY], capture_output=True, text=True, timeout=HANG_SECONDS, check=True
    )
    assert done.stdout == "ended\n"
