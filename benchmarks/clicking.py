"""Clicks a second that are on disk before they are answered, beside a bare redirect on the same server and nginx's.

The server is `mailer serve --workers 2`, and so many processes have the counterparts; wrk asks by 64 connections, on
the same cores. After each run the hits in the database are counted.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from benchmarks.measure import Row
from benchmarks.nginx import PROCESSES, nginx
from benchmarks.worlds import ENVIRON, MAILER, workspace
from benchmarks.wrk import CONNECTIONS, Load, load
from mailer.store.engine.database import Database, open_database
from mailer.store.tables.core import hits
from mailer.tracking.tokens import Purpose, Signer
from tests.reports.builders import CAMPAIGN, add_campaign, add_deliveries, add_people, delivery_id, make_message

ROUNDS = 5  # in turn; medians
SECONDS = 4
AIM, AIM_P99_SECONDS = 8_000, 0.050
PEOPLE = 2_000
BARE = """
import ctypes
import os
import signal
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from mailer.web.server import address_of, configure, listen

async def follow(request):
    return Response(status_code=302, headers={"Location": "https://action.example.org/act/ask?source=mail"})

opened = listen("127.0.0.1", 0)
print("on", address_of(opened), flush=True)
for _ in range({others}):
    if not os.fork():
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # end with the first
        break
uvicorn.Server(configure(Starlette(routes=[Route("/c/{token}/{n}", follow)]))).run(sockets=[opened])
"""


def measure(folder: Path, quick: bool) -> list[Row]:
    """One row beside each counterpart."""
    root = workspace(folder, "clicking")
    database = open_database(f"sqlite:///{root / 'mailer.db'}")
    paths = seed(database)
    command = [*MAILER, "serve", "--port", "0", "--workers", str(PROCESSES)]
    seconds = 1 if quick else SECONDS
    ours: list[Load] = []
    bare: list[Load] = []
    front: list[Load] = []
    stored = 0
    with nginx(folder) as port:
        for _ in range(1 if quick else ROUNDS):
            with serving(command, root) as own:
                ours.append(load(folder, own, paths, seconds=seconds))
            before, stored = stored, _stored(database)
            asked_last = stored - before - ours[-1].answered  # answered when wrk had stopped counting
            if not 0 <= asked_last <= CONNECTIONS:
                sys.exit(f"{ours[-1].answered} clicks were answered and {stored - before} are stored")
            with serving([sys.executable, "-c", BARE.replace("{others}", str(PROCESSES - 1))], root) as own:
                bare.append(load(folder, own, paths, seconds=seconds))
            if port:
                front.append(load(folder, port, paths, seconds=seconds))
    database.close()
    return _rows(*(_middle(loads) for loads in (ours, bare, front)))


def _middle(loads: Sequence[Load]) -> Load | None:
    """The run in the middle, by requests a second."""
    return sorted(loads, key=lambda one: one.per_second)[len(loads) // 2] if loads else None


def _rows(ours: Load | None, bare: Load | None, front: Load | None) -> list[Row]:
    assert ours
    case = f"clicks, each on disk before its redirect, {PROCESSES} processes, {CONNECTIONS} connections by wrk"
    met = ours.per_second >= AIM and ours.p99_seconds < AIM_P99_SECONDS
    aim = f"≥ {AIM:,} a second, p99 < 50 ms"
    rows = [Row(case, str(ours), "the aim", ours.per_second / AIM, aim, met, before="4,063 a second, p99 28 ms")]
    for what, one in (("a bare redirect by uvicorn", bare), ("nginx `return 302`", front)):
        beside = f"{what} {one}" if one else f"not measured: no {what}"
        rows.append(Row("the same", str(ours), beside, ours.per_second / one.per_second if one else 0.0, "–", True))
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
    """A server in processes of its own; its port."""
    with subprocess.Popen(command, cwd=root, env=environment(**more), stdout=subprocess.PIPE, text=True) as process:
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
