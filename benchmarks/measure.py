"""How things are measured: whole processes by the operating system's own accounting, medians of several runs."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table. `ratio` is ours divided by the counterpart's, or ours by the aim where there is none.
    `before`: what an aim's case came to on 2026-11-29, for the table of aims."""

    case: str
    ours: str
    counterpart: str
    ratio: float
    aim: str
    met: bool
    before: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One finished process: wall time, processor time and peak memory of it alone."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    environ: Mapping[str, str] | None = None,
    stdin: str = "",
    end_after_seconds: float = 0.0,
) -> Run:
    """Run a command to its end, or tell it to end after some seconds; raises when it fails. Processes that it waited
    for count with it."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=cwd, env={**os.environ, **(environ or {})}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    process.stdin.write(stdin)
    process.stdin.close()
    ending = threading.Timer(end_after_seconds, process.terminate)
    if end_after_seconds:
        ending.start()
    output = process.stdout.read()
    ending.cancel()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    seconds = time.perf_counter() - began
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{output}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def median_seconds(action: Callable[[], object], *, rounds: int) -> float:
    """The median time of one call, after one that isn't counted."""
    action()
    times: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
