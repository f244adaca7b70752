"""Whole campaigns at size: by SendGrid to a million people, and by SMTP with one, two and four workers on both engines.

SendGrid is a sink in another process that reads each request whole, counts its people and answers 202. Both are
`mailer run` as whole processes, their start taken off where people are few.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from benchmarks.measure import Row, Run, megabytes, run
from benchmarks.postfix import find_postfix
from benchmarks.sendgrid_sink import counted, sink
from benchmarks.sending import environ, prepare
from benchmarks.servers import postgresql
from benchmarks.worlds import ENVIRON, MAILER

FEW, MANY = 10_000, 1_000_000
SHARED_PEOPLE = 30_000  # for the workers: with few, the starts of four programs are a tenth of it
WORKERS = (1, 2, 4)
AIM_A_SECOND = 50_000
AIM_BYTES = 500
GROWTH = 1.10
LEAST_OF_SQLITE = 0.6


def measure(folder: Path, quick: bool) -> list[Row]:
    """People a second and bytes a person by SendGrid, how both grow, and what more workers bring."""
    few, many, shared = (1_000, 5_000, 1_000) if quick else (FEW, MANY, SHARED_PEOPLE)
    return [*_sendgrid(folder, few, many), *_workers(folder, shared)]


def _sendgrid(folder: Path, few: int, many: int) -> Iterator[Row]:
    with sink() as url:
        settings = ENVIRON | {
            "MAILER_TRANSPORT": "sendgrid",
            "MAILER_SENDGRID_BASE_URL": url,
            "MAILER_SENDGRID_API_KEY": "SG.for-measuring",
            "MAILER_SENDGRID_MERGED_BYTES_PER_REQUEST": "0",
        }
        small = prepare(folder, "few", few, transport="sendgrid")
        large = prepare(folder, "many", many, transport="sendgrid")
        few_run = run([*MAILER, "run"], cwd=small, environ=settings)
        idle = run([*MAILER, "run"], cwd=small, environ=settings).seconds
        before = counted(url)
        many_run = run([*MAILER, "run"], cwd=large, environ=settings)
        after = counted(url)
    assert after["people"] - before["people"] == many
    rate = many / many_run.seconds
    yield Row(f"a campaign to {many:,} people by SendGrid", f"{rate:,.0f} a second", "the aim",
              rate / AIM_A_SECOND, f"≥ {AIM_A_SECOND:,}", rate >= AIM_A_SECOND)  # fmt: skip
    size = (after["bytes"] - before["bytes"]) / many
    yield Row("the same on the wire", f"{size:.0f} bytes a person", "the aim", size / AIM_BYTES, f"< {AIM_BYTES}",
              size < AIM_BYTES)  # fmt: skip
    each = (many_run.seconds - idle) / many
    few_each = (few_run.seconds - idle) / few
    yield Row(f"time a person at {many:,} people, by SendGrid", f"{each * 1e6:,.0f} µs",
              f"at {few:,} people {few_each * 1e6:,.0f} µs", each / few_each, f"≤ {GROWTH:g}",
              each / few_each <= GROWTH)  # fmt: skip
    ratio = many_run.peak_bytes / few_run.peak_bytes
    yield Row(f"peak memory at {many:,} people, by SendGrid", megabytes(many_run.peak_bytes),
              f"at {few:,} people {megabytes(few_run.peak_bytes)}", ratio, f"≤ {GROWTH:g}",
              ratio <= GROWTH)  # fmt: skip


def _workers(folder: Path, people: int) -> Iterator[Row]:
    """Messages a second in total, with several `mailer run` at once."""
    with find_postfix(folder).sink() as port, postgresql() as server:
        settings = environ(port)
        rates: dict[str, float] = {}
        for workers in WORKERS:
            root = prepare(folder, f"sqlite-{workers}", people, transport="smtp")
            rates[f"SQLite {workers}"] = people / _at_once(workers, root, settings).seconds
            if server is None:
                continue
            with server.database() as url:
                root = prepare(folder, f"postgres-{workers}", people, transport="smtp", database=url)
                done = _at_once(workers, root, settings | {"MAILER_DATABASE": url})
                rates[f"PostgreSQL {workers}"] = people / done.seconds
    for engine in ("SQLite", "PostgreSQL"):
        best = 0.0
        for workers in WORKERS:
            rate = rates.get(f"{engine} {workers}")
            if rate is None:
                continue
            if workers == 1:
                other = rates["SQLite 1"]
                what, aim, least = f"SQLite with 1 {other:,.0f} a second", f"≥ {LEAST_OF_SQLITE:g}", LEAST_OF_SQLITE
            else:
                other, what, aim, least = best, f"the best with fewer {best:,.0f} a second", "≥ 1", 1.0
            yield Row(f"SMTP, {people:,} people, {engine}, {workers} at once", f"{rate:,.0f} a second", what,
                      rate / other, aim, rate >= least * other)  # fmt: skip
            best = max(best, rate)


def _at_once(workers: int, root: Path, settings: dict[str, str]) -> Run:
    """Several `mailer run` at once, until the last one ends."""
    began = time.perf_counter()
    processes = [
        subprocess.Popen([*MAILER, "run"], cwd=root, env=os.environ | settings, stdout=subprocess.DEVNULL)
        for _ in range(workers)
    ]
    try:
        for process in processes:
            assert process.wait() == 0
    finally:
        for process in processes:
            with suppress(OSError):
                process.kill()
    return Run(time.perf_counter() - began, 0.0, 0)
