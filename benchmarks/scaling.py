"""Whole campaigns at size: by SendGrid to a million people, and by SMTP with one and two processes on both engines.

SendGrid is a sink in another process that reads each request whole, counts its people and answers 202. Both are
`mailer run` as whole processes, their start taken off where time a person is compared. Medians of several rounds.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks.discarding import discarding_sink
from benchmarks.measure import Row, megabytes, run
from benchmarks.sendgrid_sink import counted, sink
from benchmarks.sending import environ, prepare, send
from benchmarks.servers import POSTGRESQL, SQLITE, postgresql
from benchmarks.worlds import ENVIRON, MAILER

FEW, SOME, MANY = 10_000, 200_000, 1_000_000
ROUNDS, POSTGRESQL_ROUNDS = 5, 3
SHARED_PEOPLE = 20_000
AIM_A_SECOND = 25_000
AIM_BYTES = 500
GROWTH = 1.05
LEAST_OF_SQLITE = 0.6
LEAST_OF_ONE = 1.5


def measure(folder: Path, quick: bool) -> list[Row]:
    """People a second and bytes a person by SendGrid, how memory grows, and what a second process brings."""
    few, some, many, shared, rounds = (
        (1_000, 2_000, 5_000, 3_000, 2) if quick else (FEW, SOME, MANY, SHARED_PEOPLE, ROUNDS)
    )
    return [*_sendgrid(folder, few, some, many, rounds), *_workers(folder, shared, rounds)]


def _sendgrid(folder: Path, few: int, some: int, many: int, rounds: int) -> Iterator[Row]:
    with sink() as url:
        settings = ENVIRON | {
            "MAILER_TRANSPORT": "sendgrid",
            "MAILER_SENDGRID_BASE_URL": url,
            "MAILER_SENDGRID_API_KEY": "SG.for-measuring",
            "MAILER_SENDGRID_MERGED_BYTES_PER_REQUEST": "0",
            "MAILER_RUN_WORKERS": "2",  # of which a small campaign needs one
        }
        small = prepare(folder, "few", few, transport="sendgrid")
        middle = prepare(folder, "some", some, transport="sendgrid")
        few_runs = [send(small, settings) for _ in range(rounds)]
        before = counted(url)
        some_runs = [send(middle, settings) for _ in range(rounds)]
        after = counted(url)
        assert after["people"] - before["people"] == some * rounds
        shutil.rmtree(middle)
        large = prepare(folder, "many", many, transport="sendgrid")
        many_run = run([*MAILER, "run"], cwd=large, environ=settings)
        assert counted(url)["people"] - after["people"] == many
        run([*MAILER, "run"], cwd=small, environ=settings)
        idle = median(run([*MAILER, "run"], cwd=small, environ=settings).seconds for _ in range(rounds))
    rate = some / median(one.seconds for one in some_runs)
    yield Row(f"a campaign to {some:,} people by SendGrid, the stand-in for its API on the same cores",
              f"{rate:,.0f} a second", "the aim", rate / AIM_A_SECOND, f"≥ {AIM_A_SECOND:,} a second",
              rate >= AIM_A_SECOND, before="11,500 a second")  # fmt: skip
    size = (after["bytes"] - before["bytes"]) / some / rounds
    yield Row("the same on the wire", f"{size:.0f} bytes a person", "the aim", size / AIM_BYTES,
              f"< {AIM_BYTES} bytes a person", size < AIM_BYTES, before="638")  # fmt: skip
    each, some_each = (many_run.seconds - idle) / many, (median(one.seconds for one in some_runs) - idle) / some
    yield Row(f"time a person at {many:,} people, by SendGrid, one run", f"{each * 1e6:,.0f} µs",
              f"at {some:,} people {some_each * 1e6:,.0f} µs", each / some_each, "≤ 1.1",
              each <= 1.1 * some_each)  # fmt: skip
    few_peak = int(median(one.peak_bytes for one in few_runs))
    ratio = many_run.peak_bytes / few_peak
    yield Row(f"peak memory at {many:,} people, by SendGrid", f"{megabytes(many_run.peak_bytes)}, {ratio:.2f} ×",
              f"at {few:,} people {megabytes(few_peak)}", ratio, f"≤ {GROWTH:g} × that", ratio <= GROWTH,
              before="1.11 ×")  # fmt: skip


def _workers(folder: Path, people: int, rounds: int) -> Iterator[Row]:
    """Messages a second of one `mailer run` with one process and with two, in turn, where the sink isn't the limit."""
    rates: dict[tuple[str, int], list[float]] = {}
    with discarding_sink(folder) as port, postgresql() as server, ExitStack() as stack:
        if port is None:
            return
        sqlite = prepare(folder, "sqlite", people, transport="smtp")
        postgres, url = sqlite, ""
        if server is not None:
            url = stack.enter_context(server.database())
            postgres = prepare(folder, "postgres", people, transport="smtp", database=url)
        for turn in range(rounds):
            for workers in (1, 2):
                settings = environ(port) | {"MAILER_RUN_WORKERS": str(workers)}
                rates.setdefault((SQLITE, workers), []).append(people / send(sqlite, settings).seconds)
                if server is not None and turn < POSTGRESQL_ROUNDS:
                    with server.database(copy_of=url) as own:
                        done = run([*MAILER, "run"], cwd=postgres, environ=settings | {"MAILER_DATABASE": own})
                    rates.setdefault((POSTGRESQL, workers), []).append(people / done.seconds)
    for engine in (SQLITE, POSTGRESQL):
        one, two = rates.get((engine, 1)), rates.get((engine, 2))
        if not one or not two:
            continue
        ratio = median(a / b for a, b in zip(two, one, strict=True))
        yield Row(f"SMTP, {people:,} people, {engine}, `[run] workers = 2`, a sink in C that discards",
                  f"{median(two):,.0f} a second, {ratio:.2f} ×", f"one process {median(one):,.0f} a second", ratio,
                  f"≥ {LEAST_OF_ONE:g} × that", ratio >= LEAST_OF_ONE,
                  before="1.19 ×" if engine == SQLITE else "1.33 ×")  # fmt: skip
    if (POSTGRESQL, 1) in rates:
        here, there = median(rates[POSTGRESQL, 1]), median(rates[SQLITE, 1])
        yield Row(f"SMTP, {people:,} people, PostgreSQL, one process", f"{here:,.0f} a second",
                  f"SQLite {there:,.0f} a second", here / there, f"≥ {LEAST_OF_SQLITE:g}",
                  here >= LEAST_OF_SQLITE * there)  # fmt: skip
