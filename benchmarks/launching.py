"""Launching: freezing an audience of a million people, with a segment and exclusions, beside a bare INSERT … SELECT.

Ours is `mailer send … --later` as a whole process: compiling, showing the audience, and freezing it. The counterpart
copies as many rows, already worked out, into a table with the same columns and no index. Then what staff look at with
a campaign of that size: `mailer audience`, `status` and `report`.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from benchmarks.measure import Row, Run, megabytes, run
from benchmarks.servers import POSTGRESQL, SQLITE, Postgres, postgresql
from benchmarks.worlds import ENVIRON, MAILER, SLUG, people_file, workspace

PEOPLE = 1_000_000
ROUNDS = 5
MOST_SECONDS = 10.0
MOST_BYTES = 150_000_000
MOST_LOOK_SECONDS = 5.0  # before somebody wonders whether it hangs
AUDIENCE = """list: supporters
audience:
  exclude: [partners]
  segment: supporter.country in ["GB", "DE", "FR", "ES", "US", "BR"]"""
COPY = "CREATE TABLE bare AS SELECT * FROM deliveries WHERE 0 = 1"
FILL = "INSERT INTO bare SELECT * FROM deliveries"


def measure(folder: Path, quick: bool) -> list[Row]:
    """Time and peak memory of a launch, and what is slow to look at, on each engine."""
    people, rounds = (10_000, 2) if quick else (PEOPLE, ROUNDS)
    root = _world(folder, people)
    rows = _sqlite(root, people, rounds)
    with postgresql() as server:
        if server is not None:
            with server.database() as url:
                rows += _postgresql(root, people, rounds, server=server, url=url)
    return rows


def _world(folder: Path, people: int) -> Path:
    """A workspace, and files that bring everyone on a list, a twentieth on another, and let a fiftieth leave."""
    root = workspace(folder, "launch")
    partners = (
        (root / "lists" / "supporters.toml").read_text(encoding="utf-8").replace("supporters.lists", "partners.lists")
    )
    (root / "lists" / "partners.toml").write_text(partners, encoding="utf-8")
    message = root / "newsletters" / SLUG / "message.md"
    text = message.read_text(encoding="utf-8")
    assert "list: supporters" in text
    message.write_text(text.replace("list: supporters", AUDIENCE, 1), encoding="utf-8")
    people_file(folder / "people.csv", people)
    for name, share, status in (("partners", 20, "subscribed"), ("left", 50, "unsubscribed")):
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(["email", "status"])
            csv.writer(file).writerows([f"person{n}@example.org", status] for n in range(0, people, share))
    return root


def _fill(root: Path, environ: Mapping[str, str]) -> int:
    """Bring the people in; how many of them get the newsletter."""
    for name, to in (("people", "supporters"), ("partners", "partners"), ("left", "supporters")):
        run([*MAILER, "import", to, str(root.parent / f"{name}.csv")], cwd=root, environ=environ)
    figures = subprocess.run([*MAILER, "audience", SLUG, "--json"], cwd=root, env={**os.environ, **environ},
                             check=True, capture_output=True, text=True).stdout  # fmt: skip
    return int(json.loads(figures)["chosen"])


def _sqlite(root: Path, people: int, rounds: int) -> list[Row]:
    chosen = _fill(root, ENVIRON)
    database, kept = root / "mailer.db", root.parent / "kept.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(database, kept)
    ours: list[Run] = []
    plain: list[Run] = []
    for _ in range(rounds):
        shutil.copy(kept, database)
        ours.append(_launch(root, chosen, ENVIRON))
        run(["sqlite3", str(database), COPY], cwd=root)
        plain.append(run(["sqlite3", str(database), FILL], cwd=root))
    return _rows(SQLITE, "`sqlite3`", people, chosen, ours, plain) + _looks(root, SQLITE, ENVIRON, rounds)


def _postgresql(root: Path, people: int, rounds: int, *, server: Postgres, url: str) -> list[Row]:
    environ = {**ENVIRON, "MAILER_DATABASE": url}
    chosen = _fill(root, environ)
    ours: list[Run] = []
    plain: list[Run] = []
    for _ in range(rounds):
        server.psql(url, "DROP TABLE IF EXISTS bare")
        server.psql(url, "TRUNCATE deliveries, links, campaigns CASCADE")
        ours.append(_launch(root, chosen, environ))
        server.psql(url, COPY)
        plain.append(server.psql(url, FILL))
    return _rows(POSTGRESQL, "`psql`", people, chosen, ours, plain) + _looks(root, POSTGRESQL, environ, rounds)


def _launch(root: Path, chosen: int, environ: Mapping[str, str]) -> Run:
    return run([*MAILER, "send", SLUG, "--yes", str(chosen), "--later"], cwd=root, environ=environ)


def _rows(engine: str, name: str, people: int, chosen: int, ours: list[Run], plain: list[Run]) -> list[Row]:
    seconds = statistics.median(one.seconds for one in ours)
    bare = statistics.median(one.seconds for one in plain)
    ratio = statistics.median(one.seconds / other.seconds for one, other in zip(ours, plain, strict=True))
    peak = max(one.peak_bytes for one in ours)
    return [
        Row(
            f"launch: {chosen:,} of {people:,} people, {engine}",
            f"{seconds:.2f} s",
            f"{name} INSERT … SELECT of the rows {bare:.2f} s",
            ratio,
            f"≤ {MOST_SECONDS:g} s",
            seconds <= MOST_SECONDS,
            before="13.0 s" if engine == SQLITE else "23.0 s",
        ),
        Row(
            f"peak memory of that, {engine}",
            megabytes(peak),
            f"the aim of {megabytes(MOST_BYTES)}",
            peak / MOST_BYTES,
            "≤ 1",
            peak <= MOST_BYTES,
        ),
    ]


def _looks(root: Path, engine: str, environ: Mapping[str, str], rounds: int) -> list[Row]:
    """How long staff wait for the figures of the launched campaign."""
    rows: list[Row] = []
    for command in (["audience", SLUG], ["status"], ["report", SLUG]):
        seconds = statistics.median(
            run([*MAILER, *command], cwd=root, environ=environ).seconds for _ in range(min(rounds, 3))
        )
        aim = f"≤ {MOST_LOOK_SECONDS:g} s"
        share = seconds / MOST_LOOK_SECONDS
        rows.append(
            Row(f"`mailer {command[0]}` of it, {engine}", f"{seconds:.2f} s", f"the aim, {aim}", share, aim, share <= 1)
        )
    return rows
