"""How long a test waits, and how it judges what took long, on a machine that may do ten other things.

No test fails because the machine is slow. What is waited for is an event, and only a hang comes to an end
(`HANG_SECONDS`, `until`). Where time itself is tested, the short time is tried first, then longer ones
(`with_growing_patience`), or the bound grows with what something else takes beside it (`contention`, `effort`).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

HANG_SECONDS = 600.0  # nothing that works takes so long
LOOPS = 200_000  # some hundredths of a second of a processor


def until(holds: Callable[[], object], *, why: str = "what was waited for") -> None:
    """Return once `holds`, looked at every few milliseconds."""
    end = time.monotonic() + HANG_SECONDS
    while not holds():
        assert time.monotonic() < end, f"waited in vain for {why}"
        time.sleep(0.005)


def with_growing_patience(attempt: Callable[[float], None], *, first_seconds: float = 0.4) -> None:
    """Try with a short time, and when that fails, with one in which even a busy machine gets everything done."""
    for seconds in (first_seconds, first_seconds * 8):
        with contextlib.suppress(Exception):
            attempt(seconds)
            return
    attempt(first_seconds * 64)


def _work() -> None:
    total = 0
    for number in range(LOOPS):
        total += number * number


def contention() -> float:
    """By how much longer work takes here now than on a processor of its own; 1 when nobody else is at work."""
    wall, own = time.perf_counter(), time.thread_time()
    for _ in range(5):
        _work()
    return max(1.0, (time.perf_counter() - wall) / (time.thread_time() - own))


def effort(action: Callable[[], object]) -> float:
    """The processor's time that `action` takes, in multiples of a fixed piece of work (about a hundredth of a second on
    a quick machine): the same on a slow machine, and on one that does other things as well."""
    began = time.thread_time()
    action()
    took = time.thread_time() - began
    began = time.thread_time()
    _work()
    return took / (time.thread_time() - began)
