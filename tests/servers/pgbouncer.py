"""A PgBouncer in transaction mode before a test's PostgreSQL: each transaction gets the session that rested longest.

    with PgBouncer(cluster) as pooler:
        url = pooler.url("mailer")            # …@127.0.0.1:5432/mailer?pooler=127.0.0.1:6432

Where it isn't installed, Debian's package is unpacked without installing it; `program()` says why that can't be.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any, Self

from tests.patience import HANG_SECONDS
from tests.servers.postgres import HOST, ROLE, Cluster

PACKAGES = ("pgbouncer", "libc-ares2")
SECONDS = 60  # for Debian's mirror to answer
UNPACKED = Path(tempfile.gettempdir()) / f"mailer-pgbouncer-{os.geteuid()}"
SETTINGS = """\
[databases]
* = host={host} port={server} user={role}
[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 200
server_round_robin = 1
ignore_startup_parameters = {ignored}
logfile = {folder}/log
"""


@cache
def program() -> tuple[Path | None, str]:
    """Where PgBouncer is, or why there is none."""
    for place in (shutil.which("pgbouncer"), "/usr/sbin/pgbouncer", UNPACKED / "usr/sbin/pgbouncer"):
        if place and Path(place).exists():
            return Path(place), ""
    try:
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / "unpacked"
            _do(["/usr/bin/apt-get", "-qq", "download", *PACKAGES], folder)
            for package in Path(folder).glob("*.deb"):
                _do(["/usr/bin/dpkg-deb", "-x", str(package), str(made)], folder)
            made.chmod(0o755)
            shutil.copytree(made, UNPACKED, dirs_exist_ok=True)
    except (OSError, subprocess.SubprocessError) as error:
        return None, f"PgBouncer is not installed and can't be had from Debian's mirror: {error}"
    return UNPACKED / "usr/sbin/pgbouncer", ""


def _do(command: list[str], folder: str) -> None:
    path = {"PATH": "/usr/bin:/bin"}
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=SECONDS, env=path)


class PgBouncer:
    """The pooler. `sessions`: how many it has with the server; `ignored`: what of a greeting it passes over."""

    def __init__(self, cluster: Cluster, *, sessions: int = 3, ignored: str = "extra_float_digits") -> None:
        self._cluster = cluster
        self._folder = Path(tempfile.mkdtemp(prefix="mailer-pooler-"))
        with socket.socket() as one:
            one.bind((HOST, 0))
            self.port = int(one.getsockname()[1])
        values = {"server": cluster.port, "port": self.port, "sessions": sessions, "ignored": ignored}
        settings = SETTINGS.format(host=HOST, role=ROLE, folder=self._folder, **values)
        (self._folder / "ini").write_text(settings)
        self.query = f"?pooler={HOST}:{self.port}"  # what an address of the server ends with, to go through it
        self._process: subprocess.Popen[Any] | None = None

    def url(self, name: str) -> str:
        """The address of a database, through the pooler."""
        return f"{self._cluster.url(name)}{self.query}"

    def unnamed_url(self, name: str) -> str:
        """The address that a person gives who knows of no pooler."""
        return f"postgresql+psycopg://{ROLE}@{HOST}:{self.port}/{name}"

    def __enter__(self) -> Self:
        found, why = program()
        assert found is not None, why
        as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            owner = self._cluster.folder.stat()
            os.chown(self._folder, owner.st_uid, owner.st_gid)
            as_user = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
        libraries = ":".join(map(str, (UNPACKED / "usr/lib").glob("*-linux-gnu*")))
        self._process = subprocess.Popen(
            [found, "-q", self._folder / "ini"],
            env={**os.environ, "LD_LIBRARY_PATH": libraries},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **as_user,
        )
        until = time.monotonic() + HANG_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                log = self._folder / "log"
                raise RuntimeError(f"PgBouncer did not start: {log.read_text() if log.exists() else 'no log'}")
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(HANG_SECONDS)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            socket.create_connection((HOST, self.port), timeout=1).close()
        except OSError:
            return False
        return True
