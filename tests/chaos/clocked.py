"""The `mailer` command with a clock that tests move: `python -m tests.chaos.clocked FILE run …`.

FILE holds seconds to add to the real time; it is read anew each time the program asks for the time, so the clock can
step while it runs.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mailer.cli import context, main


def moved(file: Path) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=float(file.read_text()))


if __name__ == "__main__":
    clock_file = Path(sys.argv.pop(1))
    # Commands import the clock when they run, so this is in place before any of them does.
    context.now = lambda: moved(clock_file)
    main()
