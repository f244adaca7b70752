"""What SpamAssassin says of a mail, where it is installed: its tests and their points. The network is not asked."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass

PROGRAM = "spamassassin"
SECONDS = 20.0  # it takes about one; a first start may compile its rules
LINE = re.compile(r"^\s*\*?\s*(-?\d+\.\d)\s+([A-Z][A-Z0-9_]{2,})\s+(.*)$")


@dataclass(frozen=True, slots=True)
class SpamTest:
    """One of SpamAssassin's tests that held."""

    points: float
    name: str
    description: str


def installed() -> bool:
    return shutil.which(PROGRAM) is not None


def spam_tests(mail: bytes, *, seconds: float = SECONDS) -> tuple[SpamTest, ...]:
    """The tests that hold for a mail; none when SpamAssassin is missing, fails or takes too long."""
    program = shutil.which(PROGRAM)
    if program is None:
        return ()
    try:
        # -L: local tests only, -t: say the reasons of every mail
        done = subprocess.run(  # noqa: S603  the program found above, fixed arguments
            [program, "-L", "-t"], input=mail, capture_output=True, timeout=seconds, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return read_report(done.stdout.decode("utf-8", errors="replace"))


def read_report(report: str) -> tuple[SpamTest, ...]:
    """The tests in the “Content analysis details” that -t appends to a mail."""
    _, _, details = report.rpartition("Content analysis details:")
    found: list[SpamTest] = []
    for line in details.splitlines():
        if match := LINE.match(line):
            found.append(SpamTest(float(match[1]), match[2], match[3].strip()))
        elif found and line.strip() and line.startswith("  "):
            last = found[-1]
            found[-1] = SpamTest(last.points, last.name, f"{last.description} {line.strip()}")
    return tuple(found)
