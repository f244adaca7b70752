"""Clicks a second that are on disk before they are answered, beside a bare redirect on the same server and nginx's.

The server is `mailer serve` in a process of its own, and so is the load: 64 connections that are kept open, each with
its next request only after the last was answered, each click with a token of its own. One process serves, so it has
one core; the load has the other. After each run the hits in the database are counted.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from benchmarks.clicking_load import CONNECTIONS, Load, load
from benchmarks.measure import Row
from benchmarks.nginx import nginx
from benchmarks.worlds import ENVIRON, MAILER, workspace
from mailer.store.engine.database import Database, open_database
from mailer.store.tables.core import hits
from mailer.tracking.tokens import Purpose, Signer
from tests.reports.builders import CAMPAIGN, add_campaign, add_deliveries, add_people, delivery_id, make_message

ROUNDS = 3  # in turn; the best of each is compared, since others may use the machine
AIM, AIM_P99_SECONDS = 5_000, 0.050
PEOPLE = 2_000
BARE = """
import sys
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from mailer.web.server import address_of, configure, listen

async def follow(request):
    return Response(status_code=302, headers={"Location": "https://action.example.org/act/ask?source=mail"})

opened = listen("127.0.0.1", 0)
print("on", address_of(opened), flush=True)
uvicorn.Server(configure(Starlette(routes=[Route("/c/{token}/{n}", follow)]))).run(sockets=[opened])
"""


@dataclass(slots=True)
class _Case:
    name: str
    command: Sequence[str]
    best: Load | None = None

    def take(self, found: Load) -> None:
        if self.best is None or found.per_second > self.best.per_second:
            self.best = found


def measure(folder: Path, quick: bool) -> list[Row]:
    """One row beside each counterpart."""
    clicks = 4_000 if quick else 40_000
    root = workspace(folder, "clicking")
    database = open_database(f"sqlite:///{root / 'mailer.db'}")
    paths = seed(database)
    ours = _Case("ours", [*MAILER, "serve", "--port", "0"])
    bare = _Case("bare", [sys.executable, "-c", BARE])
    front = _Case("nginx", ())
    stored = 0
    with nginx(folder) as port:
        for _ in range(1 if quick else ROUNDS):
            for case in (ours, bare):
                with serving(case.command, root) as own:
                    case.take(load(own, paths, clicks))
                if case is ours:
                    before, stored = stored, _stored(database)
                    if stored - before != clicks:
                        sys.exit(f"{clicks} clicks were answered and {stored - before} are stored")
            if port:
                front.take(load(port, paths, clicks))
    database.close()
    assert ours.best
    return _rows(ours.best, bare.best, front.best)


def _rows(ours: Load, bare: Load | None, front: Load | None) -> list[Row]:
    case = f"clicks a second, each on disk before its redirect, {CONNECTIONS} connections"
    met = ours.per_second >= AIM and ours.p99_seconds < AIM_P99_SECONDS
    rows = [Row(case, str(ours), f"the aim of {AIM:,}, p99 50 ms", ours.per_second / AIM, "≥ 1", met)]
    if bare:
        rows.append(Row("the same", str(ours), f"a bare redirect {bare}", ours.per_second / bare.per_second, "–", True))
    if front:
        rows.append(
            Row("the same", str(ours), f"nginx `return 302` {front}", ours.per_second / front.per_second, "–", True)
        )
    else:
        rows.append(Row("the same", str(ours), "not measured: no nginx", 0.0, "–", True))
    return rows


def seed(database: Database) -> list[str]:
    """A campaign with a mail to each of some people; the paths of their links."""
    now = datetime.now(UTC)
    signer = Signer([key.encode() for key in ENVIRON["MAILER_SIGNING_KEYS"].split()])
    tokens = signer.signing((Purpose.CLICK,))
    with database.write() as connection:
        add_people(connection, PEOPLE, now=now)
        add_campaign(connection, make_message(), now=now)
        add_deliveries(connection, range(1, PEOPLE + 1), now=now)
    return [f"/c/{tokens(delivery_id(number))[0]}/{n}" for n in (1, 2, 3) for number in range(1, PEOPLE + 1)]


def _stored(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).where(hits.c.campaign_id == CAMPAIGN)).scalar_one()


@contextmanager
def serving(command: Sequence[str], root: Path, **more: str) -> Generator[int, None, None]:
    """A server in a process of its own, on one core where that can be said; its port."""
    bound = [shutil.which("taskset") or "", "-c", "0"] if shutil.which("taskset") else []
    with subprocess.Popen(
        [*bound, *command], cwd=root, env=environment(**more), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        try:
            found = re.search(r"http://127\.0\.0\.1:(\d+)", process.stdout.readline())
            if not found:
                sys.exit("the server to be measured did not start")
            yield int(found[1])
        finally:
            process.terminate()


def environment(**more: str) -> dict[str, str]:
    """What the program is to find in its environment."""
    return {**os.environ, **ENVIRON, "PYTHONUNBUFFERED": "1", **more}
