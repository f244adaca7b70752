"""The load of wrk, which is in C: 64 connections kept open, each with its next request once the last was answered."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.debian import unpacked

CONNECTIONS = 64
SCRIPT = """\
local paths = {{}}
for line in io.lines("{paths}") do paths[#paths + 1] = line end
local at = 0
local headers = {{
  ["User-Agent"] = "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 "
    .. "Mobile Safari/537.36",
  ["Accept"] = "text/html", ["Accept-Language"] = "en-GB,en;q=0.9", {more}
}}
request = function()
  at = at % #paths + 1
  headers["X-Forwarded-For"] = "192.0." .. (math.floor(at / 250) % 250) .. "." .. (at % 250)
  return wrk.format("{method}", paths[at], headers)
end
done = function(summary, latency, requests)
  local wrong = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
    + summary.errors.status
  print(string.format('{{"answered": %d, "seconds": %f, "p50": %f, "p99": %f, "wrong": %d}}', summary.requests,
    summary.duration / 1e6, latency:percentile(50) / 1e6, latency:percentile(99) / 1e6, wrong))
end
"""
FORM = '["Content-Type"] = "application/x-www-form-urlencoded", ["Content-Length"] = "0"'


@dataclass(frozen=True, slots=True)
class Load:
    """What a run of requests came to."""

    answered: int
    per_second: float
    p50_seconds: float
    p99_seconds: float

    def __str__(self) -> str:
        return (
            f"{self.per_second:,.0f} a second, p50 {self.p50_seconds * 1000:.0f} ms, "
            f"p99 {self.p99_seconds * 1000:.0f} ms"
        )


def load(folder: Path, port: int, paths: Sequence[str], *, seconds: int, method: str = "GET") -> Load:
    """Ask for the paths in turn, again from the first after the last, for some seconds; all must be answered well."""
    (folder / "paths.txt").write_text("\n".join(paths), encoding="utf-8")
    script = folder / "load.lua"
    more = FORM if method == "POST" else ""
    script.write_text(SCRIPT.format(paths=folder / "paths.txt", method=method, more=more), encoding="utf-8")
    program, environ = _find(folder)
    command = [program, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{port}"]
    said = subprocess.run(command, env=environ, check=True, capture_output=True, text=True).stdout
    found = re.search(r"^\{.*\}$", said, re.MULTILINE)
    told = json.loads(found[0] if found else "{}")
    if not told or told["wrong"] or not told["answered"]:
        sys.exit(f"the load failed:\n{said}")
    return Load(told["answered"], told["answered"] / told["seconds"], told["p50"], told["p99"])


@cache
def _find(folder: Path) -> tuple[str, dict[str, str] | None]:
    if installed := shutil.which("wrk"):
        return installed, None
    root = unpacked(folder, "wrk", "libluajit-5.1-2")
    library = next(root.rglob("libluajit-5.1.so.2"), None) if root else None
    if root is None or library is None:
        sys.exit("Clicks and signatures are measured with wrk: apt install wrk")
    return str(root / "usr/bin/wrk"), {"LD_LIBRARY_PATH": str(library.parent)}
