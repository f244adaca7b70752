"""Whole campaigns at size: by SendGrid to a million people, and by SMTP with one, two and four workers on both engines.

SendGrid is a sink in another process that reads each request whole, counts its people and answers 202. Both are
`mailer run` as whole processes, their start taken off where time a person is compared. Medians of several rounds.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import median

from benchmarks.measure import Row, Run, megabytes, run
from benchmarks.postfix import find_postfix
from benchmarks.sendgrid_sink import counted, sink
from benchmarks.sending import copied, environ, prepare, send
from benchmarks.servers import POSTGRESQL, SQLITE, postgresql
from benchmarks.worlds import ENVIRON, MAILER

FEW, MANY = 10_000, 1_000_000
ROUNDS = 5
SHARED_PEOPLE = 30_000  # for the workers: with few, the starts of four programs are a tenth of it
WORKERS = (1, 2, 4)
AIM_A_SECOND = 25_000
AIM_BYTES = 500
GROWTH = 1.10
LEAST_OF_SQLITE = 0.6


def measure(folder: Path, quick: bool) -> list[Row]:
    """People a second and bytes a person by SendGrid, how both grow, and what more workers bring."""
    few, many, shared, rounds = (1_000, 5_000, 1_000, 2) if quick else (FEW, MANY, SHARED_PEOPLE, ROUNDS)
    return [*_sendgrid(folder, few, many, rounds), *_workers(folder, shared, rounds)]


def _sendgrid(folder: Path, few: int, many: int, rounds: int) -> Iterator[Row]:
    few_runs: list[Run] = []
    many_runs: list[Run] = []
    sizes: list[float] = []
    with sink() as url:
        settings = ENVIRON | {
            "MAILER_TRANSPORT": "sendgrid",
            "MAILER_SENDGRID_BASE_URL": url,
            "MAILER_SENDGRID_API_KEY": "SG.for-measuring",
            "MAILER_SENDGRID_MERGED_BYTES_PER_REQUEST": "0",
            "MAILER_RUN_WORKERS": "2",  # of which a small campaign needs one
        }
        small = prepare(folder, "few", few, transport="sendgrid")
        large = prepare(folder, "many", many, transport="sendgrid")
        for _ in range(rounds):
            few_runs.append(send(small, settings))
            before = counted(url)
            many_runs.append(send(large, settings))
            after = counted(url)
            assert after["people"] - before["people"] == many
            sizes.append((after["bytes"] - before["bytes"]) / many)
        run([*MAILER, "run"], cwd=small, environ=settings)
        idle = median(run([*MAILER, "run"], cwd=small, environ=settings).seconds for _ in range(rounds))
    rate = many / median(one.seconds for one in many_runs)
    yield Row(f"a campaign to {many:,} people by SendGrid", f"{rate:,.0f} a second", "the aim",
              rate / AIM_A_SECOND, f"≥ {AIM_A_SECOND:,}", rate >= AIM_A_SECOND)  # fmt: skip
    size = median(sizes)
    yield Row("the same on the wire", f"{size:.0f} bytes a person", "the aim", size / AIM_BYTES, f"< {AIM_BYTES}",
              size < AIM_BYTES)  # fmt: skip
    each = [(one.seconds - idle) / many for one in many_runs]
    few_each = [(one.seconds - idle) / few for one in few_runs]
    ratio = median(one / other for one, other in zip(each, few_each, strict=True))
    yield Row(f"time a person at {many:,} people, by SendGrid", f"{median(each) * 1e6:,.0f} µs",
              f"at {few:,} people {median(few_each) * 1e6:,.0f} µs", ratio, f"≤ {GROWTH:g}",
              ratio <= GROWTH)  # fmt: skip
    peaks = [int(median(one.peak_bytes for one in runs)) for runs in (many_runs, few_runs)]
    ratio = peaks[0] / peaks[1]
    yield Row(f"peak memory at {many:,} people, by SendGrid", megabytes(peaks[0]),
              f"at {few:,} people {megabytes(peaks[1])}", ratio, f"≤ {GROWTH:g}", ratio <= GROWTH)  # fmt: skip


def _workers(folder: Path, people: int, rounds: int) -> Iterator[Row]:
    """Messages a second in total, with several `mailer run` at once; each round once with every number of them."""
    rates: dict[tuple[str, int], list[float]] = {}
    with find_postfix(folder).sink() as port, postgresql() as server, ExitStack() as stack:
        settings = environ(port)
        sqlite = prepare(folder, "sqlite", people, transport="smtp")
        postgres, url = sqlite, ""
        if server is not None:
            url = stack.enter_context(server.database())
            postgres = prepare(folder, "postgres", people, transport="smtp", database=url)
        for workers in WORKERS * rounds:
            with copied(sqlite) as shared:
                done = _at_once(workers, shared, settings)
            rates.setdefault((SQLITE, workers), []).append(people / done.seconds)
            if server is not None:
                with server.database(copy_of=url) as own:
                    done = _at_once(workers, postgres, settings | {"MAILER_DATABASE": own})
                rates.setdefault((POSTGRESQL, workers), []).append(people / done.seconds)
    for (engine, workers), ours in sorted(rates.items(), key=lambda item: (item[0][0] != SQLITE, item[0][1])):
        if workers == 1:
            others, what, least = rates[SQLITE, 1], "SQLite with 1", LEAST_OF_SQLITE
        else:
            fewer = [rates[engine, number] for number in WORKERS if number < workers]
            others, what, least = [max(at_once) for at_once in zip(*fewer, strict=True)], "the best with fewer", 1.0
        ratio = median(one / other for one, other in zip(ours, others, strict=True))
        yield Row(f"SMTP, {people:,} people, {engine}, {workers} at once", f"{median(ours):,.0f} a second",
                  f"{what} {median(others):,.0f} a second", ratio, f"≥ {least:g}", ratio >= least)  # fmt: skip


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
