"""A throw-away PostgreSQL to measure on, durable as a real one is; nothing where its programs are not installed."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import Run, run
from tests.servers.postgres import Cluster, why_missing

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
SETTINGS = ("shared_buffers=256MB",)  # what a small server of its own would have


class Postgres:
    """The running server."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._made = 0

    @contextmanager
    def database(self, *, copy_of: str = "") -> Generator[str, None, None]:
        """The URL of a new database, empty or a copy of the one at another URL; dropped afterwards."""
        self._made += 1
        name = f"bench{self._made}"
        yield self._cluster.create(name, template=copy_of.rpartition("/")[2] or "template0")
        self._cluster.drop(name)

    def psql(self, url: str, command: str) -> Run:
        """Run one command by psql."""
        plain = url.replace("postgresql+psycopg:", "postgresql:")
        return run(["psql", "-q", "-v", "ON_ERROR_STOP=1", plain, "-c", command], cwd=Path("/"))


@contextmanager
def postgresql() -> Generator[Postgres | None, None, None]:
    """A server for as long as this lasts; None, and a word about it, when there can be none."""
    if reason := why_missing():
        print(f"Not measured on PostgreSQL: {reason}", file=sys.stderr)
        yield None
        return
    with Cluster(durable=True, settings=SETTINGS) as cluster:
        yield Postgres(cluster)
