"""The supporters' door while 400,000 people are imported beside it: how long pages and clicks take meanwhile.

`mailer serve` runs in a process of its own, `mailer import` in another, both on the same SQLite database, and a few
threads here ask as browsers do, each with its next request once the last was answered. Only requests that begin while
the import runs are counted.
"""

from __future__ import annotations

import http.client
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.clicking import environment, seed, serving
from benchmarks.measure import Row
from benchmarks.worlds import ENVIRON, MAILER, people_file, workspace
from mailer.store.engine.database import open_database
from mailer.tracking.tokens import Named, Purpose, Signer
from tests.reports.builders import ADDRESS_KEY, delivery_id

PEOPLE = 400_000
GET_P99_SECONDS, CLICK_SECONDS = 0.5, 5.0
PAUSE_SECONDS = 0.02  # between two requests of a thread: readers, not a load test
READERS, CLICKERS, LEAVERS = 4, 2, 2
KEY = ADDRESS_KEY.decode()  # that of the seeded people
PAGES = (Purpose.UNSUBSCRIBE, Purpose.VIEW, Purpose.PREFERENCES)


@dataclass(slots=True)
class _Times:
    """How long requests of a kind took, and how they were answered."""

    seconds: list[float] = field(default_factory=list[float])
    statuses: Counter[int] = field(default_factory=Counter[int])

    def __str__(self) -> str:
        said = ", ".join(f"{count:,} × {status}" for status, count in sorted(self.statuses.items()))
        took = f"p50 {1000 * statistics.median(self.seconds):,.0f} ms, p99 {1000 * self.p99:,.0f} ms"
        return f"{took}, most {self.most:,.2f} s ({said})"

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.seconds, n=100)[-1]

    @property
    def most(self) -> float:
        return max(self.seconds)


def measure(folder: Path, quick: bool) -> list[Row]:
    """A row each for pages, clicks and changes."""
    size = 20_000 if quick else PEOPLE
    root = workspace(folder, "straining")
    file = people_file(folder / "people.csv", size)
    database = open_database(f"sqlite:///{root / 'mailer.db'}")
    clicks = seed(database)
    database.close()
    gets, clicked, left = _Times(), _Times(), _Times()
    with serving([*MAILER, "serve", "--port", "0"], root, MAILER_ADDRESS_KEY=KEY) as port:
        ended = threading.Event()

        def click(n: int) -> str:
            return clicks[n % len(clicks)]

        threads = [
            *[_asking(port, "GET", _pages, gets, ended, offset=n) for n in range(READERS)],
            *[_asking(port, "GET", click, clicked, ended, offset=500 * n) for n in range(CLICKERS)],
            *[_asking(port, "POST", _leaving, left, ended, offset=1000 * n) for n in range(LEAVERS)],
        ]
        for thread in threads:
            thread.start()
        began = time.perf_counter()
        command = [*MAILER, "import", "supporters", str(file)]
        done = subprocess.run(
            command, cwd=root, env=environment(MAILER_ADDRESS_KEY=KEY), capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - began
        ended.set()
        for thread in threads:
            thread.join()
    if done.returncode:
        sys.exit(f"the import failed:\n{done.stdout}{done.stderr}")
    case = f"beside an import of {size:,} ({seconds:.0f} s), SQLite"
    share, most = gets.p99 / GET_P99_SECONDS, clicked.most / CLICK_SECONDS
    return [
        Row(f"pages {case}", str(gets), "the aim, p99 500 ms", share, "≤ 1", share <= 1),
        Row(f"clicks {case}", str(clicked), "the aim, 5 s at most", most, "≤ 1", most <= 1),
        Row(f"unsubscribes {case}", str(left), "–", left.most / CLICK_SECONDS, "–", True),
    ]


def _signer() -> Signer:
    return Signer([key.encode() for key in ENVIRON["MAILER_SIGNING_KEYS"].split()])


def _pages(n: int) -> str:
    purpose = PAGES[n % len(PAGES)]
    return f"/{purpose}/{_signer().sign(purpose, Named(delivery_id(n % 2000 + 1)))}"


def _leaving(n: int) -> str:
    return f"/u/{_signer().sign(Purpose.UNSUBSCRIBE, Named(delivery_id(n % 2000 + 1)))}"


def _asking(
    port: int, method: str, path: Callable[[int], str], times: _Times, ended: threading.Event, *, offset: int
) -> threading.Thread:
    def ask() -> None:
        n = offset
        while not ended.wait(PAUSE_SECONDS):
            n += 1
            began = time.perf_counter()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            body = b"List-Unsubscribe=One-Click" if method == "POST" else None
            connection.request(method, path(n), body=body, headers={"User-Agent": "Mozilla/5.0", "Accept": "text/html"})
            answer = connection.getresponse()
            answer.read()
            connection.close()
            times.seconds.append(time.perf_counter() - began)
            times.statuses[answer.status] += 1

    return threading.Thread(target=ask)
