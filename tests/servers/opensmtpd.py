"""A real OpenSMTPD for tests: Debian's package with its stock limits, on a free port of 127.0.0.1, passing nothing on.

    with OpenSmtpd(folder) as relay:
        ...                       # send to relay.host, relay.port
        relay.received            # the recipients it took a mail for, in order

`why_missing()` says why it can't be had. It starts as root only and keeps its queue under /var/spool and its control
socket under /run, so it is given its own of both where the system lets us (mount namespaces); a service of the machine
is neither used nor touched. It knows nothing about the mailer.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from functools import cache
from pathlib import Path
from typing import Any, Self

HOST = "127.0.0.1"
PROGRAM = Path("/usr/sbin/smtpd")
QUEUE = Path("/var/spool/smtpd")
OURS = Path("/var/spool/smtpd.of-mailer-tests")  # beside a queue that tests made: one of tests that were killed goes
PATIENCE_SECONDS = 60.0
TO = re.compile(r" smtp envelope .*? to=<([^>]*)>")
CONFIGURATION = """\
listen on {host} port {port}
action "keep" relay host smtp://127.0.0.1:9
match from any for any action "keep"
"""
# What is accepted waits in the queue for ever (-P mta). The server ends when this shell's input is closed.
START = """\
{namespace}
mkdir -p /var/spool/smtpd && chmod 711 /var/spool/smtpd
{program} -d -P mta -f {configuration} </dev/null & child=$!
read -r line
kill -TERM $child; wait $child
"""
OWN_FOLDERS = "mount -t tmpfs tmpfs /var/spool && mount -t tmpfs tmpfs /run || exit 1"


@cache
def _has_namespaces() -> bool:
    tried = ["unshare", "--mount", "sh", "-c", OWN_FOLDERS]
    try:
        return subprocess.run(tried, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def why_missing() -> str:
    """Why it can't be started here; empty when it can."""
    if not PROGRAM.exists():
        return "OpenSMTPD is not installed: sudo apt install opensmtpd (it takes the place of another mail server)"
    if os.geteuid() != 0:
        return "OpenSMTPD starts as root only"
    if not _has_namespaces() and QUEUE.exists() and not OURS.exists():
        return f"there is an OpenSMTPD's queue at {QUEUE}, which is no place for tests"
    return ""


class OpenSmtpd:
    """One server. Its log tells what it took."""

    def __init__(self, folder: Path) -> None:
        self.host = HOST
        self.log = folder / "smtpd.log"
        with socket.create_server((HOST, 0)) as free:
            self.port = int(free.getsockname()[1])
        configuration = folder / "smtpd.conf"
        configuration.write_text(CONFIGURATION.format(host=HOST, port=self.port))
        self._alone = _has_namespaces()
        namespace = OWN_FOLDERS if self._alone else ""
        script = START.format(namespace=namespace, program=PROGRAM, configuration=configuration)
        self._command = [*(("unshare", "--mount") if self._alone else ()), "sh", "-c", script]
        self._process: subprocess.Popen[Any] | None = None

    @property
    def received(self) -> list[str]:
        """The recipients it took a mail for, in order."""
        return TO.findall(self.log.read_text(errors="replace"))

    def __enter__(self) -> Self:
        if not self._alone:
            shutil.rmtree(QUEUE, ignore_errors=True)
            OURS.touch()
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True
            )
        until = time.monotonic() + PATIENCE_SECONDS
        while not self._greets():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"OpenSMTPD did not start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if not self._alone:
            shutil.rmtree(QUEUE)
            OURS.unlink()

    def _greets(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), timeout=PATIENCE_SECONDS) as client:
                return client.recv(200).startswith(b"220")
        except OSError:
            return False
