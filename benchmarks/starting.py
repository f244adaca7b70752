"""How long commands take that do little: `mailer --help` beside `python -c pass`, and what cron and staff start."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from benchmarks.measure import Row, run
from benchmarks.worlds import ENVIRON, MAILER, SLUG, people_file, workspace

ROUNDS = 15
PEOPLE = 2_000
MOST_IDLE_SECONDS = 0.35


def measure(folder: Path, quick: bool) -> list[Row]:
    """`--help` and `python -c pass` in turn; the others by processor time, which a busy machine changes less."""
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(3 if quick else ROUNDS):
        ours.append(run([*MAILER, "--help"], cwd=folder).seconds)
        bare.append(run([sys.executable, "-c", "pass"], cwd=folder).seconds)
    a, b = statistics.median(ours), statistics.median(bare)
    root = workspace(folder, "starting")
    run([*MAILER, "import", "supporters", str(people_file(root / "people.csv", PEOPLE))], cwd=root, environ=ENVIRON)
    spent = {
        name: statistics.median(
            run([*MAILER, *command], cwd=root, environ=ENVIRON).cpu_seconds for _ in range(2 if quick else 5)
        )
        for name, command in (("status", ["status"]), ("run", ["run"]), ("check", ["check", SLUG]))
    }
    idle = spent["run"]
    return [
        Row("`mailer --help`", f"{a * 1000:.0f} ms, {a / b:.1f} ×", f"`python -c pass` {b * 1000:.0f} ms", a / b,
            "≤ 5 × `python -c pass`", a / b <= 5, before="5.2 ×"),
        Row("`mailer run` with nothing to do, processor time", f"{idle:.2f} s", "the aim", idle / MOST_IDLE_SECONDS,
            f"≤ {MOST_IDLE_SECONDS} s", idle <= MOST_IDLE_SECONDS, before="0.66 s"),
        Row("`mailer status`, processor time", f"{spent['status']:.2f} s", "–", spent["status"] / b, "–", True),
        Row(f"`mailer check` of one newsletter to {PEOPLE:,}, processor time", f"{spent['check']:.2f} s", "–",
            spent["check"] / b, "–", True),
    ]  # fmt: skip
