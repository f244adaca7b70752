"""nginx answering `return 302`: what a redirect costs a server in C that writes nothing down.

Where it isn't installed, Debian's package is unpacked without installing it.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.debian import unpacked

CONFIGURATION = """\
daemon off; worker_processes {processes}; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 256; }}
http {{
  access_log off; keepalive_requests 1000000;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
    location /c/ {{ return 302 https://action.example.org/act/ask?source=mail; }}
  }}
}}
"""

PROCESSES = 2


@contextmanager
def nginx(folder: Path) -> Generator[int | None, None, None]:
    """A running nginx; its port, or None when it can't be had."""
    program = _find(folder)
    if program is None:
        print("Not measured beside nginx: it is not installed and can't be fetched", file=sys.stderr)
        yield None
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    place = folder / "nginx-run"
    place.mkdir()
    (place / "nginx.conf").write_text(
        CONFIGURATION.format(folder=place, port=port, processes=PROCESSES), encoding="utf-8"
    )
    process = subprocess.Popen([program, "-p", str(place), "-c", "nginx.conf"], env=os.environ)
    try:
        yield port if _answers(port, process) else None
    finally:
        process.terminate()
        process.wait()


def _find(folder: Path) -> str | None:
    installed = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if installed:
        return installed
    root = unpacked(folder, "nginx")
    return str(root / "usr/sbin/nginx") if root else None


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    for _ in range(100):
        if process.poll() is not None:
            return False
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return True
        except OSError:
            time.sleep(0.05)
    return False
