"""How a run is told to end: by a signal or a deadline."""

from __future__ import annotations

import time


class Stop:
    """How a run is told to end: by a signal or a deadline. What is on the wire is waited for `drain_seconds`."""

    def __init__(self, deadline: float | None = None) -> None:
        self.deadline = deadline  # monotonic seconds
        self.reason = ""
        self.drain_seconds = 30.0
        self.since: float | None = None  # when it was first heeded, in seconds of whoever waits

    def now(self, reason: str, *, drain_seconds: float) -> None:
        self.reason, self.drain_seconds = self.reason or reason, drain_seconds

    def due(self) -> str:
        """Why to stop now, or ""."""
        if not self.reason and self.deadline is not None and time.monotonic() >= self.deadline:
            self.reason = "the time given with --for is over"
        return self.reason
