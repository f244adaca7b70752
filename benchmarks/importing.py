"""Import of many people, validated and with proof of consent, beside `sqlite3 .import` of the same file."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from benchmarks.measure import Row, megabytes, run
from benchmarks.worlds import ENVIRON, MAILER, people_file, workspace

SIZES = (100_000, 1_000_000)
LARGEST_BYTES = 300_000_000


def measure(folder: Path, quick: bool) -> list[Row]:
    """Time and peak memory for each size."""
    if shutil.which("sqlite3") is None:
        sys.exit("The import is measured beside the sqlite3 program: apt install sqlite3")
    rows: list[Row] = []
    for size in (10_000,) if quick else SIZES:
        file = people_file(folder / f"people-{size}.csv", size)
        root = workspace(folder, f"import-{size}")
        bare = run(["sqlite3", str(folder / f"bare-{size}.db")], cwd=folder, stdin=f".import --csv {file} people\n")
        ours = run([*MAILER, "import", "supporters", str(file)], cwd=root, environ=ENVIRON)
        ratio = ours.seconds / bare.seconds
        rows.append(
            Row(
                f"import of {size:,} rows",
                f"{ours.seconds:.2f} s",
                f"`sqlite3 .import` {bare.seconds:.2f} s",
                ratio,
                "≤ 4",
                ratio <= 4,
            )
        )
        share = ours.peak_bytes / LARGEST_BYTES
        rows.append(
            Row(
                f"peak memory of that, {size:,} rows",
                megabytes(ours.peak_bytes),
                f"`sqlite3` {megabytes(bare.peak_bytes)}",
                ours.peak_bytes / bare.peak_bytes,
                "≤ 300 MB",
                share <= 1,
            )
        )
    return rows
