"""How long `mailer --help` takes, beside `python -c pass`."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from benchmarks.measure import Row, run

ROUNDS = 15


def measure(folder: Path, quick: bool) -> list[Row]:
    """One row; the two commands run in turn."""
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(3 if quick else ROUNDS):
        ours.append(run([sys.executable, "-m", "mailer", "--help"], cwd=folder).seconds)
        bare.append(run([sys.executable, "-c", "pass"], cwd=folder).seconds)
    a, b = statistics.median(ours), statistics.median(bare)
    return [
        Row("`mailer --help`", f"{a * 1000:.0f} ms", f"`python -c pass` {b * 1000:.0f} ms", a / b, "≤ 5", a / b <= 5)
    ]
