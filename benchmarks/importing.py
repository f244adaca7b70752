"""Import of many people, validated and with proof of consent, beside the plainest import of the same file.

The counterpart for SQLite is `sqlite3 .import` into a table without any index, for PostgreSQL `psql \\copy` into one.
Ours is `mailer import` as a whole process, its start included, into an empty database that has its tables. Each is run
in turn with its counterpart; the ratio is the median of theirs.
"""

from __future__ import annotations

import re
import shutil
import statistics
import sys
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import Row, Run, megabytes, run
from benchmarks.servers import POSTGRESQL, SQLITE, Postgres, postgresql
from benchmarks.worlds import ENVIRON, MAILER, people_file, workspace

SIZES = {100_000: 5, 1_000_000: 3}  # and how often each is measured
MOST_TIMES = 3.0
MOST_BYTES = 300_000_000
LOOK_SECONDS = 0.25
BARE = "CREATE TABLE bare (email text, first_name text, last_name text, country text, language text, source text)"


def measure(folder: Path, quick: bool) -> list[Row]:
    """Time and peak memory for each size, on each engine."""
    if shutil.which("sqlite3") is None:
        sys.exit("The import is measured beside the sqlite3 program: apt install sqlite3")
    rows: list[Row] = []
    for size, rounds in ({10_000: 2} if quick else SIZES).items():
        file = people_file(folder / f"people-{size}.csv", size)

        def sqlite(number: int, size: int = size, file: Path = file) -> tuple[Run, Run]:
            bare = folder / f"bare-{size}-{number}.db"
            plain = run(["sqlite3", str(bare)], cwd=folder, stdin=f".import --csv {file} people\n")
            bare.unlink()
            return _ours(folder, file, {}), plain

        rows += _rows(SQLITE, "`sqlite3 .import`", size, [sqlite(number) for number in range(rounds)])
    with postgresql() as server:
        if server is not None:
            rows += _on_postgresql(folder, server, quick=quick)
    return rows


def _on_postgresql(folder: Path, server: Postgres, *, quick: bool) -> list[Row]:
    size, rounds = (10_000, 2) if quick else (1_000_000, 3)
    file = people_file(folder / "people.csv", size)
    runs: list[tuple[Run, Run]] = []
    for _ in range(rounds):
        with server.database() as url:
            server.psql(url, BARE)
            plain = server.psql(url, f"\\copy bare FROM '{file}' CSV HEADER")
            runs.append((_ours(folder, file, {"MAILER_DATABASE": url}), plain))
    return _rows(POSTGRESQL, "`psql \\copy`", size, runs)


def _ours(folder: Path, file: Path, environ: Mapping[str, str]) -> Run:
    """One import; its peak memory is that of all its processes together, what they share counted once."""
    root, environ = workspace(folder, "import"), {**ENVIRON, **environ}
    run([*MAILER, "db", "migrate"], cwd=root, environ=environ)
    with _watched(root) as peak:
        done = run([*MAILER, "import", "supporters", str(file)], cwd=root, environ=environ)
    shutil.rmtree(root)
    return Run(done.seconds, done.cpu_seconds, max(peak[0], done.peak_bytes))


@contextmanager
def _watched(root: Path) -> Generator[list[int], None, None]:
    """The most memory that processes working in `root` held together, looked at again and again meanwhile."""
    peak, ended = [0], threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_SECONDS):
            peak[0] = max(peak[0], sum(_held_bytes(process, root) for process in Path("/proc").glob("[0-9]*")))

    watching = threading.Thread(target=look)
    watching.start()
    try:
        yield peak
    finally:
        ended.set()
        watching.join()


def _held_bytes(process: Path, root: Path) -> int:
    try:
        if (process / "cwd").readlink() != root:
            return 0
        found = re.search(r"^Pss:\s+(\d+) kB", (process / "smaps_rollup").read_text(encoding="ascii"), re.MULTILINE)
    except OSError:  # it has ended, or is somebody else's
        return 0
    return int(found[1]) * 1024 if found else 0


def _rows(engine: str, name: str, size: int, runs: list[tuple[Run, Run]]) -> list[Row]:
    seconds, plain_seconds = (statistics.median(one[which].seconds for one in runs) for which in (0, 1))
    peak, plain_peak = (max(one[which].peak_bytes for one in runs) for which in (0, 1))
    ratio = statistics.median(ours.seconds / plain.seconds for ours, plain in runs)
    case = f"{size:,} rows, {engine}"
    times, most = f"≤ {MOST_TIMES:g}", f"≤ {megabytes(MOST_BYTES)}"
    return [
        Row(
            f"import of {case}", f"{seconds:.2f} s", f"{name} {plain_seconds:.2f} s", ratio, times, ratio <= MOST_TIMES
        ),
        Row(
            f"peak memory of that, {case}",
            megabytes(peak),
            f"{name} {megabytes(plain_peak)}",
            peak / plain_peak,
            most,
            peak <= MOST_BYTES,
        ),
    ]
