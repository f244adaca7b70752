"""A place to send from, under trouble: a workspace, its database, where its mails arrive, and the mailer's processes.

A case starts processes, does them harm, and ends with `finish`, which lets a last `mailer run` do what is left and
compares what arrived with what the ledger says, person by person.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import update

from mailer.store.engine.database import Database
from mailer.store.tables.core import people as known
from tests.chaos import ledger
from tests.chaos.forked import Forked
from tests.chaos.receivers import Receiver
from tests.chaos.stores import Store
from tests.chaos.verdict import Verdict, compare
from tests.conftest import REPOSITORY
from tests.delivery.world import MESSAGE, TRANSLATED, add_people, launch
from tests.drafts import fill_in
from tests.patience import HANG_SECONDS

PATIENCE_SECONDS = HANG_SECONDS
PACE_PER_SECOND = 150.0  # slow enough to be caught in the middle
SHARED_PEOPLE = 2100  # enough for four workers: one puts some hundreds aside at a time
SHARED_PACE_PER_SECOND = 500.0
FAULTS_OF_OURS = ("Traceback", "fault of Mailer itself", "ResourceWarning")
TROUBLE = 3  # somebody should look
ENDED_WELL = (0, TROUBLE)
HOURS_LATER = 2 * 3600.0

Process = subprocess.Popen[bytes] | Forked


@dataclass
class Run:
    """One process of the mailer. Its words go to a file, so that it never waits for a reader."""

    arguments: tuple[str, ...]
    process: Process
    file: Path

    @property
    def words(self) -> str:
        return self.file.read_text()

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    @property
    def beside(self) -> list[int]:
        """The numbers of the processes that send beside it."""
        number = self.process.pid
        with suppress(OSError):
            return [int(word) for word in Path(f"/proc/{number}/task/{number}/children").read_text().split()]
        return []

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, *codes: int) -> str:
        """Wait for its end; it must leave with one of `codes`, or call for staff since people are uncertain. Returns
        its words."""
        code = self.process.wait(PATIENCE_SECONDS)
        doubtful = code == TROUBLE and ("may have got their mail" in self.words or "uncertain" in self.words)
        assert code in (codes or (0,)) or doubtful, f"mailer {' '.join(self.arguments)} left with {code}:\n{self.words}"
        return self.words


def is_alive(process: int) -> bool:
    """Whether it is there and not only waits to be asked how it ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@dataclass
class Site:
    """The workspace under trouble. `bound`: people who may be uncertain, added up by what a case does."""

    root: Path
    database: Database
    store: Store
    receiver: Receiver
    engine: str
    transport: str
    dice: random.Random
    long: bool
    workers: int = 1  # processes of each run; `make chaos WORKERS=3`
    people: int = 0
    kills: int = 0
    bound: int = 0
    pace_per_second: float = PACE_PER_SECOND
    environ: dict[str, str] = field(default_factory=dict[str, str])  # for the mailer's processes, beside the usual
    runs: list[Run] = field(default_factory=list[Run])
    verdict: Verdict | None = None

    # Processes

    def launch(self, people: int, *, translated: bool = False) -> None:
        """A campaign "appeal" to so many people, frozen and not begun; `translated`: every second one reads French."""
        self.people = people
        now = datetime.now(UTC)  # the processes read the real clock
        numbers = add_people(self.database, people, now=now)
        if translated:
            with self.database.write() as connection:
                second = known.c.id.in_(numbers[::2])
                connection.execute(update(known).where(second).values(language="fr"))
        message = TRANSLATED if translated else MESSAGE
        launch(self.database, count=people, now=now, transport=self.transport, message=message)

    def write_newsletter(self, people: int) -> None:
        """The newsletter "appeal", and so many people on its list; nothing is launched."""
        self.people = people
        add_people(self.database, people, now=datetime.now(UTC))
        self.mailer("new", "appeal")
        fill_in(self.root / "newsletters" / "appeal" / "message.md")

    def share_out(self) -> None:
        """A campaign that is large enough for four workers to be at work on it at once."""
        self.pace_per_second = SHARED_PACE_PER_SECOND
        self.launch(SHARED_PEOPLE)

    def start(self, *arguments: str, moved: bool = False, dying: str = "") -> Run:
        """A process of the mailer; with `moved` its clock is the one that `move_clock` sets. `dying`: the step of
        `tests.chaos.dying` at which it is killed."""
        program = ["tests.chaos.clocked", str(self.clock_file)] if moved else ["mailer"]
        program = ["tests.chaos.dying", dying] if dying else program
        if self.workers > 1 and program == ["mailer"]:  # the others beside it go by the real clock
            program = ["tests.chaos.several"]
        file = self.root / f"words-{len(self.runs):03d}.txt"
        file.touch()
        run = Run(arguments, self._process([*program, *arguments], file), file)
        self.runs.append(run)
        return run

    def _process(self, arguments: list[str], file: Path) -> Process:
        if not self.long:
            return Forked(arguments, cwd=self.root, env=self._environ(), output=file)
        with file.open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=self.root,
                env=self._environ(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def mailer(self, *arguments: str, codes: tuple[int, ...] = (0,), moved: bool = False) -> str:
        """A command, run to its end: its words."""
        return self.start(*arguments, moved=moved).end(*codes)

    def _environ(self) -> dict[str, str]:
        ours = {
            "PYTHONPATH": str(REPOSITORY),
            "MAILER_DATABASE": self.store.url,
            "MAILER_TRANSPORT": self.transport,
            "MAILER_PACE_PER_SECOND": str(self.pace_per_second),
            "MAILER_RUN_WORKERS": str(self.workers),
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAILER_")}
        return {**inherited, **ours, **self.receiver.environ, **self.environ}

    def kill(self, *runs: Run) -> int:
        """kill -9, of a run of several processes any one of them, and the run in any case. Whoever it had on the wire
        may become uncertain. Returns how many were still running."""
        hit = 0
        others: list[int] = []
        for run in runs:
            if run.running:
                others += (beside := run.beside)
                for one in self.dice.sample(beside, min(1, len(beside))):
                    with suppress(ProcessLookupError):
                        os.kill(one, signal.SIGKILL)
                        hit += 1
                run.send(signal.SIGKILL)
                hit += 1
        for run in runs:
            run.process.wait(PATIENCE_SECONDS)
        self.wait_for(lambda: not any(map(is_alive, others)), why="those beside it had left")
        self.kills += hit
        self.bound += hit * self.receiver.on_the_wire
        return hit

    def leave(self) -> None:
        """End all processes, and let the database go."""
        self.end_all()
        self.database.close()
        self.store.close()

    def end_all(self) -> None:
        for run in self.runs:
            if run.running:
                run.send(signal.SIGKILL)
                run.process.wait(PATIENCE_SECONDS)

    # Time

    @property
    def clock_file(self) -> Path:
        return self.root / "clock-seconds"

    def move_clock(self, seconds: float | str) -> None:
        """The clock of processes started with `moved`, those that run already too."""
        draft = self.clock_file.with_suffix(".draft")
        draft.write_text(str(seconds))
        draft.replace(self.clock_file)

    def wait_for(self, what: Callable[[], bool], *, why: str) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while not what():
            assert time.monotonic() < until, f"waited in vain until {why}"
            time.sleep(0.005)  # other processes: there is nothing to wait on

    def wait_for_arrivals(self, count: int, *runs: Run) -> None:
        """Until so many mails have arrived, or all `runs` have ended."""
        self.wait_for(
            lambda: self.receiver.count() >= count or not any(run.running for run in runs or self.runs),
            why=f"{count} mails had arrived",
        )

    def wait_a_moment(self) -> None:
        """A random moment within the life of a message."""
        time.sleep(self.dice.random() * 0.03)

    # The end

    def status(self) -> dict[str, Any]:
        """What `mailer status` says of the campaign."""
        (found,) = [one for one in json.loads(self.mailer("status", "--json")) if one["slug"] == "appeal"]
        return found

    def judge(self, *, ended: bool) -> Verdict:
        """Compare now. With `ended` nobody may be left in the queue."""
        everybody = [f"person{n}@example.org" for n in range(self.people)]
        arrived = [one.address for one in self.receiver.arrivals()]
        self.verdict = compare(arrived, ledger.states(self.database, "appeal"), people=everybody, ended=ended)
        assert not self.verdict.faults, self.verdict.faults
        assert self.verdict.uncertain <= self.bound, self.verdict.states
        return self.verdict

    def finish(self, *, later: bool = False, codes: tuple[int, ...] = (0,), state: str = "finished") -> Counter[str]:
        """The trouble is over: a last `mailer run`, `later` by hours if people were put off. Returns the states."""
        ledger.let_leases_run_out(self.database)
        if later:
            self.move_clock(HOURS_LATER)
        self.mailer("run", moved=later, codes=codes)
        verdict = self.judge(ended=True)
        status = self.mailer("status")
        assert re.search(rf"^appeal +{state} ", status, re.MULTILINE), status
        assert ("mailer resolve appeal" in status) == bool(verdict.uncertain), status
        self.check_words()
        return verdict.states

    def check_words(self) -> None:
        """Whatever happened, nobody was shown the inside of the program."""
        for run in self.runs:
            found = [sign for sign in FAULTS_OF_OURS if sign in run.words]
            assert not found, f"mailer {' '.join(run.arguments)} said:\n{run.words}"

    def told(self, pattern: str) -> bool:
        """Whether staff were told so, by any of the processes."""
        return any(re.search(pattern, run.words) for run in self.runs)

    def diary(self) -> str:
        """What each process said, for a failure's report."""
        said = [f"$ mailer {' '.join(run.arguments)}  → {run.process.poll()}\n{run.words}" for run in self.runs]
        return "\n".join([*said, f"{self.verdict}"])
