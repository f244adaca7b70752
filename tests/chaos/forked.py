"""Processes of the mailer that begin with its modules loaded.

Most of the second that a short command takes is importing. Here a server has imported everything once (Python's own
fork server), and each process is forked from it: one like any other to signals, locks and the database, which does what
`python -m MODULE …` does. The long form of the suite starts whole programs instead.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from functools import cache
from multiprocessing.context import ForkServerContext
from multiprocessing.forkserver import ensure_running
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY


@cache
def server() -> ForkServerContext:
    """The server of this test process, which ends with it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", __name__, "tests.chaos.loaded"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(REPOSITORY))
        ensure_running()
    return context


class Forked:
    """`python -m MODULE …`, of which all that it says goes to `output`. Its methods are those of `subprocess.Popen`."""

    def __init__(self, arguments: list[str], *, cwd: Path, env: dict[str, str], output: Path) -> None:
        self._process = server().Process(target=become, args=(arguments, str(cwd), env, str(output)))
        self._process.start()
        assert self._process.pid
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired("mailer", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


def become(arguments: list[str], folder: str, environ: dict[str, str], output: str) -> None:
    """In the process: the program of that name, in its folder and surroundings."""
    assert "tests.chaos.loaded" in sys.modules, "the server says nothing when it can't load it"
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(folder)
    words = os.open(output, os.O_WRONLY | os.O_APPEND)
    for number in (sys.stdout.fileno(), sys.stderr.fileno()):
        os.dup2(words, number)
    module, *rest = arguments
    sys.argv = [module, *rest]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage] - such a process ends without them
