"""Processes of this program that another one of it starts, watches and ends with.

A child's standard input is a pipe that nobody writes to: when it reads the end of it, the process that started it is
gone, however that ended, and it leaves in good order. What it says on its standard output, line by line, is for the one
that started it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path


class ChildProcess:
    """`mailer` with these arguments, in the folder `root`. `heard` gets each line that it says, in a thread of its own,
    so that it never waits for a reader. `files`: open files that it keeps, by the same numbers."""

    def __init__(
        self, arguments: Sequence[str], *, root: Path, heard: Callable[[str], None], files: Sequence[int] = ()
    ) -> None:
        self._heard = heard
        # A session of its own: Ctrl-C on a terminal reaches us alone, and we pass on that it is time to stop.
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "mailer", *arguments], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, start_new_session=True, pass_fds=files,
        )  # fmt: skip
        self.pid = self._process.pid
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._heard(line)

    @property
    def has_ended(self) -> bool:
        """Whether it is gone and all that it said was heard."""
        return self._process.poll() is not None and not self._reader.is_alive()

    @property
    def killed_by(self) -> str:
        """The signal's name; "" for a process that runs, or left by itself."""
        code = self._process.poll()
        return signal.Signals(-code).name if code is not None and code < 0 else ""

    def end(self) -> None:
        """Tell it that it is time to leave. Doesn't wait."""
        with suppress(ProcessLookupError):
            self._process.terminate()

    def wait_at_most(self, seconds: float) -> None:
        """Until it has left and all that it said was heard, or so long."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
            self._reader.join(seconds)

    def wait(self, seconds: float) -> None:
        """Until it has left, or is made to."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def say(line: str) -> None:
    """In a child: a line for the process that started it."""
    with suppress(BrokenPipeError):  # it is gone; the child learns that from its own end of the other pipe
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def when_starter_ends(leave: Callable[[], None]) -> None:
    """In a child: call `leave` once the process that started it is gone, from a thread that ends with the process."""

    def watch() -> None:
        os.read(0, 1)  # not by sys.stdin, whose lock the end of the process would ask for
        leave()

    threading.Thread(target=watch, daemon=True).start()
