"""`smtp-sink` and `smtp-source` of Debian's postfix package: a relay that throws mail away, and C's way to fill it.

Where they aren't installed the package is unpacked without installing it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.debian import unpacked
from benchmarks.measure import Run, run

SESSIONS = (1, 2, 4, 8, 16)  # of smtp-source; its best counts
PLACES = (Path("/usr/sbin"), Path("/usr/lib/postfix/sbin"))


@dataclass(frozen=True, slots=True)
class Postfix:
    """The two programs, and what they need in their environment."""

    folder: Path
    environ: dict[str, str]

    @contextmanager
    def sink(self) -> Generator[int, None, None]:
        """A running smtp-sink; its port."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        process = subprocess.Popen(
            [str(self.folder / "smtp-sink"), "-u", "nobody", f"127.0.0.1:{port}", "100"],
            env=os.environ | self.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait(port)
            yield port
        finally:
            process.kill()
            process.wait()

    def source(self, port: int, *, messages: int, size_bytes: int, sessions: int) -> Run:
        """smtp-source sending the same message again and again, each session over one connection."""
        command = [
            str(self.folder / "smtp-source"), "-d", "-s", str(sessions), "-m", str(messages), "-l", str(size_bytes),
            "-f", "appeals@example.org", "-t", "person@example.org", f"127.0.0.1:{port}",
        ]  # fmt: skip
        return run(command, cwd=self.folder, environ=self.environ)

    def best_source(self, port: int, *, messages: int, size_bytes: int) -> tuple[int, float]:
        """The session count with which smtp-source is fastest, and its messages a second."""
        rates = {
            count: messages / self.source(port, messages=messages, size_bytes=size_bytes, sessions=count).seconds
            for count in SESSIONS
        }
        best = max(rates, key=lambda count: rates[count])
        return best, rates[best]


def find_postfix(folder: Path) -> Postfix:
    """The programs where they are installed, or unpacked into `folder`."""
    for place in PLACES:
        if (place / "smtp-sink").exists() and (place / "smtp-source").exists():
            return Postfix(place, {})
    root = unpacked(folder, "postfix")
    if root is None:
        sys.exit("Sending is measured with smtp-sink and smtp-source: apt install postfix")
    for parent in (folder, root, root / "usr", root / "usr/sbin"):
        parent.chmod(0o755)  # the sink runs as nobody
    return Postfix(root / "usr/sbin", {"LD_LIBRARY_PATH": str(root / "usr/lib/postfix")})


def _wait(port: int) -> None:
    for _ in range(100):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    sys.exit("smtp-sink did not start")
