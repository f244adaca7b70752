"""The load for `signing`, in a process of its own: people who arrive evenly, each on a connection of their own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

A_MINUTE = 2_000
HEAD = (
    "{method} {path} HTTP/1.1\r\nHost: mail.example.org\r\nUser-Agent: Mozilla/5.0 (Linux; Android 16; Pixel 9)"
    " AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Mobile Safari/537.36\r\nAccept: text/html\r\n"
    "Accept-Language: en-GB,en;q=0.9\r\n"
)
FORM = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n"


@dataclass(frozen=True, slots=True)
class Waits:
    """How long requests took."""

    p50_seconds: float
    p99_seconds: float

    def __str__(self) -> str:
        return f"p50 {self.p50_seconds * 1000:.1f} ms, p99 {self.p99_seconds * 1000:.1f} ms"


def load(port: int, paths: Sequence[str]) -> dict[str, Any]:
    """One person for each path, evenly: the values of `Waits` of `all` requests and of those that `sign`; the seconds
    of `processor` that the load itself took."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.signing_load", str(port)],
        input="\n".join(paths), stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"the load ended with {done.returncode}")
    return json.loads(done.stdout)


async def _ask(
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], method: str, path: str, status: bytes
) -> str:
    """One request; where its answer leads."""
    reader, writer = streams
    writer.write((HEAD.format(method=method, path=path) + (FORM if method == "POST" else "") + "\r\n").encode())
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    await reader.readexactly(int(fields.get(b"content-length", b"0")))
    if not head.startswith(b"HTTP/1.1 " + status):
        sys.exit(f"{method} {path}: {head[:60]!r}")
    return head.partition(b"ocation: ")[2].partition(b"\r\n")[0].decode()


async def _person(port: int, path: str, due: float, times: dict[str, list[float]]) -> None:
    await asyncio.sleep(due - time.perf_counter())
    streams = await asyncio.open_connection("127.0.0.1", port)
    for kind, method, status in (("page", "GET", b"200"), ("sign", "POST", b"303"), ("thanks", "GET", b"200")):
        began = due if kind == "page" else time.perf_counter()
        led = await _ask(streams, method, path, status)
        times[kind].append(time.perf_counter() - began)
        path = f"/act/{led}" if led else path
    streams[1].close()
    await streams[1].wait_closed()


async def _run(port: int, paths: Sequence[str]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {"page": [], "sign": [], "thanks": []}
    began = time.perf_counter() + 0.5
    async with asyncio.TaskGroup() as group:
        for place, path in enumerate(paths):
            group.create_task(_person(port, path, began + place * 60 / A_MINUTE, times))
    return times


def _main() -> None:
    times = asyncio.run(_run(int(sys.argv[1]), sys.stdin.read().split()))
    every = {"all": sorted(chain(*times.values())), "sign": sorted(times["sign"])}
    found = {name: (one[len(one) // 2], one[len(one) * 99 // 100]) for name, one in every.items()}
    print(json.dumps({**found, "processor": time.process_time()}))


if __name__ == "__main__":
    _main()
