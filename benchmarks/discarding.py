"""The sink of `discarding_sink.c`: a relay that costs next to nothing, as one on a machine of its own would."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

SOURCE = Path(__file__).with_name("discarding_sink.c")


@contextmanager
def discarding_sink(folder: Path) -> Generator[int | None]:
    """A running sink; its port, or None, and a word about it, where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        print("Not measured with a sink that discards: there is no C compiler", file=sys.stderr)
        yield None
        return
    program = folder / "discarding_sink"
    subprocess.run([compiler, "-O2", "-o", str(program), str(SOURCE)], check=True)
    with subprocess.Popen([str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()
