"""PostgreSQL with ten million people and 200 past campaigns, beside one with a million: what each person costs there.

`python -m benchmarks.millions [PEOPLE PAST]`, apart from `make bench`: filling takes a quarter of an hour and 15 GB,
sending half an hour. Processor time, ours and that of the server's processes, which other work on the machine changes
little.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from benchmarks.discarding import discarding_sink
from benchmarks.launching import AUDIENCE
from benchmarks.many_people import add_past, add_people
from benchmarks.measure import run
from benchmarks.sendgrid_sink import sink
from benchmarks.sending import environ
from benchmarks.worlds import ENVIRON, MAILER, SLUG, workspace
from mailer.audience.people.search import PeopleSearch, ensure_search, find_numbers, found_people
from mailer.store.engine.database import open_database
from tests.servers.postgres import Cluster

SIZES = ((1_000_000, 200), (10_000_000, 200))
SETTINGS = (
    "wal_level=replica",
    "shared_buffers=2GB",
    "max_wal_size=8GB",
    "max_locks_per_transaction=256",
    "maintenance_work_mem=512MB",
)
SMTP_SECONDS_A_PERSON = 1_800 / 10_000_000  # half an hour with ten million people
SENDGRID_SECONDS = 60.0
NEW_ROWS = 100_000
BY_SMTP = "2026-12-by-smtp"
SEARCHES = ("person123456@", "person9999", "first12 last77", "Last5000")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class World:
    """A filled database and a workspace for it. `server`: the number of the server's first process."""

    people: int
    url: str
    server: int
    root: Path
    figures: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def environ(self) -> dict[str, str]:
        return ENVIRON | {
            "MAILER_DATABASE": self.url, "MAILER_TRANSPORT": "sendgrid", "MAILER_SENDGRID_API_KEY": "SG.for-measuring",
        }  # fmt: skip

    def mailer(self, *arguments: str, seconds: float = 0.0, **more: str) -> float:
        """The processor time of a command, ours and the server's."""
        before = self.server_seconds()
        done = run([*MAILER, *arguments], cwd=self.root, environ=self.environ | more, end_after_seconds=seconds)
        return done.cpu_seconds + self.server_seconds() - before

    def told(self, *arguments: str) -> dict[str, dict[str, int]]:
        """What a command says as JSON."""
        said = subprocess.run([*MAILER, *arguments, "--json"], cwd=self.root, env={**os.environ, **self.environ},
                              check=True, capture_output=True, text=True).stdout  # fmt: skip
        return json.loads(said)

    def server_seconds(self) -> float:
        """Processor time of the server's processes up to now, those that have ended with them."""
        total = sum(_ticks(self.server, 11, 15))
        children = Path(f"/proc/{self.server}/task/{self.server}/children").read_text().split()
        return (total + sum(sum(_ticks(int(one), 11, 13)) for one in children)) / TICKS

    def query(self, statement: str) -> int:
        with psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True) as connection:
            return int(str(connection.execute(statement.encode()).fetchall()[0][0]).partition(".")[0])


def _ticks(process: int, first: int, last: int) -> list[int]:
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:  # it has ended
        return []
    return [int(one) for one in text.rpartition(")")[2].split()[first:last]]


def measure(world: World) -> None:
    """Fill in `figures`: microseconds a person or row, milliseconds of a search, seconds of a report."""
    figures, wal = world.figures, "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
    world.mailer("db", "migrate")
    chosen = int(str(world.told("audience", SLUG)["chosen"]))
    before = world.query(wal)
    figures["launch, µs a person"] = world.mailer("send", SLUG, "--yes", str(chosen), "--later") / chosen * 1e6
    figures["WAL of the launch, bytes a person"] = (world.query(wal) - before) / chosen
    with sink() as address:
        _send(world, SLUG, "SendGrid", SENDGRID_SECONDS, MAILER_SENDGRID_BASE_URL=address)
    world.mailer("cancel", SLUG, "--yes")
    with discarding_sink(world.root) as port:
        if port is not None:
            settings = environ(port)
            world.mailer("send", BY_SMTP, "--yes", str(chosen), "--later", seconds=0.0, **settings)
            _send(world, BY_SMTP, "SMTP", SMTP_SECONDS_A_PERSON * world.people, **settings)
    figures["`mailer report`, s"] = world.mailer("report", SLUG)
    figures["`mailer report --all`, s"] = world.mailer("report", "--all")
    figures["people search, ms by the clock"] = _search(world)
    with (world.root / "new.csv").open("w", encoding="utf-8") as file:
        file.write("email,first_name,last_name,country\n")
        file.writelines(f"new{n}@example.org,New{n % 977},Row{n % 7919},GB\n" for n in range(NEW_ROWS))
    spent = world.mailer("import", "supporters", "new.csv")
    figures["import, µs a row"] = spent / NEW_ROWS * 1e6


def _send(world: World, slug: str, how: str, seconds: float, **settings: str) -> None:
    """Send what can be sent in so many seconds, and tell what each person cost."""
    wal = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
    before, log = world.told("report", slug)["delivered"]["sent"], world.query(wal)
    began = time.perf_counter()
    spent = world.mailer("run", seconds=seconds, **settings)
    took = time.perf_counter() - began
    sent = world.told("report", slug)["delivered"]["sent"] - before
    world.figures[f"sending by {how}, µs a person"] = spent / sent * 1e6
    world.figures[f"WAL of sending by {how}, bytes a person"] = (world.query(wal) - log) / sent
    world.figures[f"sent by {how}, people"] = sent
    world.figures[f"in seconds, by {how}"] = took


def _search(world: World) -> float:
    """The median of five rounds of each search, of the slowest one."""
    database = open_database(world.url)
    ensure_search(database)

    def look(words: str) -> float:
        began = time.perf_counter()
        with database.read() as connection:
            found_people(connection, find_numbers(connection, PeopleSearch(words), limit=50))
        return time.perf_counter() - began

    slowest = max(statistics.median(look(words) for _ in range(5)) for words in SEARCHES)
    database.close()
    return slowest * 1000


def world_root(folder: Path, name: str) -> Path:
    """A workspace with two lists and the newsletter to a part of one."""
    root = workspace(folder, name)
    supporters = (root / "lists" / "supporters.toml").read_text(encoding="utf-8")
    partners = supporters.replace("supporters.lists", "partners.lists")
    (root / "lists" / "partners.toml").write_text(partners, encoding="utf-8")
    message = root / "newsletters" / SLUG / "message.md"
    message.write_text(message.read_text(encoding="utf-8").replace("list: supporters", AUDIENCE, 1), encoding="utf-8")
    shutil.copytree(message.parent, root / "newsletters" / BY_SMTP)
    return root


def table(worlds: Sequence[World]) -> str:
    """The figures beside each other, with how much each grows."""
    names = [f"{one.people:,} people" for one in worlds]
    lines = [f"| | {' | '.join(names)} | growth |", f"|---|{'---|' * len(worlds)}---|"]
    for name in worlds[0].figures:
        values = [one.figures[name] for one in worlds]
        shown = " | ".join(f"{value:,.0f}" if value >= 100 else f"{value:,.2f}" for value in values)
        lines.append(f"| {name} | {shown} | {values[-1] / values[0] - 1:+.0%} |")
    return "\n".join(lines)


@contextmanager
def _filled(folder: Path, people: int, past: int) -> Generator[World]:
    with Cluster(durable=True, settings=SETTINGS) as cluster:
        url = cluster.create("world")
        world = World(people, url, int((cluster.data / "postmaster.pid").read_text().split()[0]),
                      world_root(folder, f"world-{people}"))  # fmt: skip
        world.mailer("db", "migrate")
        owner = url.replace("+psycopg", "").replace("//mailer@", "//postgres@")
        with psycopg.connect(owner, autocommit=True) as connection:
            add_people(connection, people, now=datetime.now(UTC))
        database = open_database(url)
        add_past(database, people=people, campaigns=past)
        database.close()
        yield world


def main(sizes: Sequence[tuple[int, int]]) -> None:
    worlds: list[World] = []
    with tempfile.TemporaryDirectory(prefix="mailer-millions-") as folder:
        for people, past in sizes:
            with _filled(Path(folder), people, past) as world:
                measure(world)
                worlds.append(world)
    print(table(worlds))


if __name__ == "__main__":
    asked = [int(one) for one in sys.argv[1:]]
    main([(asked[0], asked[1])] if asked else SIZES)
