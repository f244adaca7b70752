"""The load for `clicking`, in a process of its own: many connections kept open, one request at a time on each.

Answers are not parsed beyond their status and the blank line that ends their head: none has a body, and the load must
cost less than what it measures.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle, islice

CONNECTIONS = 64
REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: mail.example.org\r\nUser-Agent: Mozilla/5.0 (Linux; Android 16; Pixel 9)"
    " AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Mobile Safari/537.36\r\nAccept: text/html\r\n"
    "Accept-Language: en-GB,en;q=0.9\r\nX-Forwarded-For: 192.0.2.{last}\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Load:
    """What a run of clicks came to."""

    per_second: float
    p50_seconds: float
    p99_seconds: float

    def __str__(self) -> str:
        return (
            f"{self.per_second:,.0f} a second, p50 {self.p50_seconds * 1000:.0f} ms, "
            f"p99 {self.p99_seconds * 1000:.0f} ms"
        )


def load(port: int, paths: Sequence[str], clicks: int) -> Load:
    """Ask for `clicks` of the paths in turn; every answer must be a redirect."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.clicking_load", str(port), str(clicks)],
        input="\n".join(paths), stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"the load ended with {done.returncode}")
    return Load(**json.loads(done.stdout))


class _Client(asyncio.Protocol):
    """One connection: asks, waits for the answer, asks again."""

    def __init__(self, requests: Iterator[bytes], times: list[float], ended: asyncio.Future[None]) -> None:
        self._requests = requests
        self._times = times
        self._ended = ended
        self._buffer = b""
        self._asked = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._buffer.endswith(b"\r\n\r\n") and b"\r\n\r\n" not in self._buffer:
            return
        if not self._buffer.startswith(b"HTTP/1.1 302"):
            sys.exit(f"this is no redirect: {self._buffer[:60]!r}")
        self._times.append(time.perf_counter() - self._asked)
        # nginx adds a page of its own, of a size that its head tells.
        head, _, body = self._buffer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        if len(body) < length:
            self._times.pop()
            return
        self._buffer = b""
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._ended.done():
            self._ended.set_result(None)

    def _ask(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            return
        self._asked = time.perf_counter()
        self._transport.write(request)


async def _run(port: int, requests: Iterator[bytes]) -> list[float]:
    loop = asyncio.get_running_loop()
    times: list[float] = []
    ends: list[asyncio.Future[None]] = []
    for _ in range(CONNECTIONS):
        ended: asyncio.Future[None] = loop.create_future()
        ends.append(ended)
        await loop.create_connection(lambda: _Client(requests, times, ended), "127.0.0.1", port)  # noqa: B023
    await asyncio.gather(*ends)
    return times


def _main() -> None:
    port, clicks = int(sys.argv[1]), int(sys.argv[2])
    paths = sys.stdin.read().split()
    requests = [REQUEST.format(path=path, last=place % 250).encode() for place, path in enumerate(paths)]
    began = time.perf_counter()
    times = sorted(asyncio.run(_run(port, islice(cycle(requests), clicks))))
    seconds = time.perf_counter() - began
    if len(times) != clicks:
        sys.exit(f"{clicks} were asked for and {len(times)} answered")
    found = Load(clicks / seconds, times[clicks // 2], times[clicks * 99 // 100])
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    _main()
