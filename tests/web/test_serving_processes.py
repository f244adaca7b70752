"""`mailer serve --workers`: others take over while people click, one is killed, the one that watches is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.tracking.tokens import Named, Purpose, Signer
from mailer.web.server import listen
from mailer.web.serving_processes import AGAIN, FEW_DEATHS, ServingProcesses
from mailer.workspace import Workspace
from tests.patience import HANG_SECONDS
from tests.reports.builders import delivery_id
from tests.web.client import fetch
from tests.web.conftest import seed
from tests.web.test_serve import run, started


@dataclass
class Served:
    """Two processes that answer, the one that watches them, and a link of a mail."""

    watching: subprocess.Popen[str]
    port: int
    path: str

    def answering(self) -> list[int]:
        children = Path(f"/proc/{self.watching.pid}/task/{self.watching.pid}/children")
        return [int(word) for word in children.read_text().split()]


@pytest.fixture
def served(workspace: Workspace, database: Database, now: datetime) -> Iterator[Served]:
    seed(database, now)
    token = Signer(workspace.secrets.require_signing()).sign(Purpose.CLICK, Named(delivery_id(1)))
    with started(workspace.root, ["--port", "0", "--workers", "2"]) as (process, port):
        yield Served(process, port, f"/c/{token}/1")


def wait_until(what: str, holds: Callable[[], bool]) -> None:
    until = time.monotonic() + HANG_SECONDS
    while not holds():
        assert time.monotonic() < until, f"waited in vain until {what}"
        time.sleep(0.01)


def gone(processes: Sequence[int]) -> bool:
    return not any(Path(f"/proc/{one}").exists() for one in processes)


def test_nobody_is_refused_while_others_take_over(served: Served) -> None:
    """Each answer is a new connection. One that comes in the middle waits for whoever answers next."""
    before, statuses, enough = served.answering(), list[int](), threading.Event()
    assert len(before) == 2

    def click() -> None:
        while not enough.is_set():
            statuses.append(fetch(served.port, served.path).status)

    clicking = threading.Thread(target=click)
    clicking.start()
    try:
        served.watching.send_signal(signal.SIGHUP)
        wait_until("others answer", lambda: gone(before))
        fresh = len(statuses)
        wait_until("they answered some", lambda: len(statuses) > fresh + 20 or not clicking.is_alive())
    finally:
        enough.set()
        clicking.join()
    assert set(statuses) == {302}
    assert not set(served.answering()) & set(before)


def test_one_that_is_killed_is_told_of_and_another_takes_its_place(served: Served) -> None:
    before = served.answering()
    os.kill(before[0], signal.SIGKILL)
    wait_until("there are two again", lambda: len(set(served.answering()) - {before[0]}) == 2)
    assert fetch(served.port, served.path).status == 302
    served.watching.send_signal(signal.SIGTERM)
    assert served.watching.stdout
    said = served.watching.stdout.read()
    assert served.watching.wait(HANG_SECONDS) == 0
    assert "was killed by SIGKILL. Another one takes its place." in said
    assert sum(int(line.rstrip(".").split()[-1]) for line in said.splitlines() if "Clicks stored" in line) == 1
    assert "Traceback" not in said


def test_those_that_answer_leave_with_the_one_that_watches(served: Served) -> None:
    before = served.answering()
    served.watching.kill()
    wait_until("they had left", lambda: gone(before))


def test_they_go_on_when_nobody_reads_what_they_say(
    workspace: Workspace, database: Database, now: datetime, tmp_path: Path
) -> None:
    """The output is read up to the first line, as by `head -1`, and then what befalls the processes is told."""
    seed(database, now)
    token = Signer(workspace.secrets.require_signing()).sign(Purpose.CLICK, Named(delivery_id(1)))
    complaints = tmp_path / "complaints"
    with (
        complaints.open("wb") as errors,
        started(workspace.root, ["--port", "0", "--workers", "2"], errors=errors) as (process, port),
    ):
        assert process.stdout
        process.stdout.close()
        served = Served(process, port, f"/c/{token}/1")
        before = served.answering()

        def goes_on(holds: Callable[[], bool]) -> bool:
            assert process.poll() is None, complaints.read_text()
            return holds()

        os.kill(before[0], signal.SIGKILL)  # told of by the one that watches
        wait_until("two answer", lambda: goes_on(lambda: len(set(served.answering()) - {before[0]}) == 2))
        process.send_signal(signal.SIGHUP)  # the others say how many clicks they stored, as they leave
        wait_until("others answer", lambda: goes_on(lambda: gone(before) and len(served.answering()) == 2))
        assert fetch(served.port, served.path).status == 302
        process.send_signal(signal.SIGTERM)
        assert process.wait(HANG_SECONDS) == 0
    assert complaints.read_text() == ""


def test_workers_that_are_no_number_are_said(workspace: Workspace) -> None:
    done = run(workspace.root, "--workers", "many")
    assert done.returncode == 1
    assert "--workers must be auto or a number" in done.stderr


def test_what_can_not_start_is_said_once_and_ends_it(workspace: Workspace) -> None:
    (workspace.root / "secrets.toml").unlink(missing_ok=True)
    done = run(workspace.root, "--port", "0", "--workers", "2")
    assert done.returncode == 1
    assert "did not start" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


class Mortal:
    """Stands in for a process that answers, and dies when it is told to."""

    def __init__(self) -> None:
        self.process, self.has_ended, self.killed_by = self, False, "SIGSEGV"

    def wait(self, seconds: float) -> None: ...


def test_those_that_die_one_after_the_other_are_not_fed_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    with listen("127.0.0.1", 0) as opened:
        serving = ServingProcesses(tmp_path, opened, number=2, say=said.append)
    monkeypatch.setattr(serving, "_begin", Mortal)
    answering: list[Mortal] = serving._answering  # pyright: ignore[reportPrivateUsage, reportAssignmentType]
    serving._look_after()  # pyright: ignore[reportPrivateUsage]
    for _ in range(FEW_DEATHS):
        answering[-1].has_ended = True
        serving._look_after()  # pyright: ignore[reportPrivateUsage]
    assert len(answering) == 1, "the last was not replaced, and the other goes on"
    assert [AGAIN in one for one in said] == [True] * (FEW_DEATHS - 1) + [False]
    answering[0].has_ended = True
    with pytest.raises(MailerError, match="one after the other"):
        serving._look_after()  # pyright: ignore[reportPrivateUsage]
