"""Runs the measurements and writes the table to benchmarks/results.md. `python -m benchmarks [--quick] [NAME …]`."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import clicking, composing, importing, launching, making, scaling, sending, signing, starting, straining
from benchmarks.measure import Row

HEADING = ("| case | ours | counterpart | ratio | aim | met |", "|---|---|---|---|---|---|")
AIMS = ("| case | aim | 2026-11-29 | now | beside | met |", "|---|---|---|---|---|---|")
RESULTS = Path(__file__).parent / "results.md"
CASES: dict[str, Callable[[Path, bool], list[Row]]] = {
    "starting": starting.measure,
    "composing": composing.measure,
    "making": making.measure,
    "importing": importing.measure,
    "launching": launching.measure,
    "sending": sending.measure,
    "scaling": scaling.measure,
    "clicking": clicking.measure,
    "signing": signing.measure,
    "straining": straining.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("names", nargs="*", choices=[*CASES, []], help="which measurements; all when none is named")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, for trying the benchmark itself")
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed has its bytecode, and so does what is measured
    rows: list[Row] = []
    began = time.monotonic()
    print("\n".join(HEADING))
    for name in options.names or CASES:
        with tempfile.TemporaryDirectory(prefix="mailer-bench-") as folder:
            found = CASES[name](Path(folder), options.quick)
        print("\n".join(map(_line, found)), flush=True)  # the whole takes long
        rows += found
    table = _table(rows, minutes=(time.monotonic() - began) / 60)
    if options.names:
        print(table)
    if not options.names and not options.quick:
        RESULTS.write_text(table, encoding="utf-8")


def _line(row: Row) -> str:
    met = "yes" if row.met else "**no**"
    return f"| {row.case} | {row.ours} | {row.counterpart} | {row.ratio:.2f} | {row.aim} | {met} |"


def _aim(row: Row) -> str:
    met = "yes" if row.met else "**no**"
    return f"| {row.case} | {row.aim} | {row.before} | {row.ours} | {row.counterpart} | {met} |"


def _table(rows: list[Row], *, minutes: float) -> str:
    lines = [
        "# Measured by `make bench`",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {os.cpu_count()} cores; one run of "
        f"{minutes:.0f} minutes on one machine, so read the ratios and not the absolute figures.",
        "",
        "## The aims",
        "",
        *AIMS,
        *(_aim(row) for row in rows if row.before),
        "",
        "## Everything",
        "",
        *HEADING,
        *map(_line, rows),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
