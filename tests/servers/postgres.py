"""A throw-away PostgreSQL cluster for tests: in a temporary folder, on a free port of 127.0.0.1, as an ordinary user.

    with Cluster() as cluster:                # durable=True: fsync on, for tests that kill it
        url = cluster.create("mailer")        # an empty database: postgresql+psycopg://mailer@127.0.0.1:…/mailer
        copy = cluster.create("copy", template="mailer")
        cluster.kill()                        # SIGKILL to all its processes at once, as a power cut would
        cluster.start()                       # again, on the same data and port

`why_missing()` says why it can't be had; nothing here relies on the cluster that Debian starts by itself. The server
ends when its parent does, however that ends. It knows nothing about the mailer.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import psycopg
from psycopg import sql

from tests.patience import HANG_SECONDS

HOST = "127.0.0.1"
ROLE = "mailer"  # an ordinary role: it owns its databases and is no superuser
PATIENCE_SECONDS = HANG_SECONDS
MEMORY_BYTES = 4 * 1024**3
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")
ALWAYS = (
    "max_connections=60",
    "shared_buffers=32MB",
    "log_min_messages=fatal",
    "max_wal_size=1GB",
    "wal_level=minimal",
    "max_wal_senders=0",
    "dynamic_shared_memory_type=mmap",  # else each kill leaves some of the machine's shared memory behind
)
FOLLOWED = ("wal_level=replica", "max_wal_senders=4")  # of a server that others follow
# The server is ended when this shell's input is, which the system closes when the parent is gone, even killed.
LIFELINE = '"$@" </dev/null & child=$!; read -r line; kill -INT $child 2>/dev/null; wait $child'


def server_programs() -> Path | None:
    """The folder that holds `initdb` and `postgres`: Debian's newest, or whichever PATH knows."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    if found:
        return max(found, key=lambda folder: float(folder.parent.name))
    named = shutil.which("postgres")
    return Path(named).resolve().parent if named else None


def why_missing() -> str:
    """Why no cluster can be started here; empty when one can."""
    if server_programs() is None:
        return "PostgreSQL's server programs are not installed: sudo apt install postgresql"
    return ""


class Cluster:
    """One server with its own data. `durable` keeps what is committed through a kill; otherwise it is quick."""

    def __init__(self, *, durable: bool = False, settings: tuple[str, ...] = ()) -> None:
        programs = server_programs()
        assert programs is not None, why_missing()
        self._programs = programs
        self._settings = ALWAYS + (() if durable else FAST) + settings
        self._shell: subprocess.Popen[Any] | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="mailer-pg-", dir=None if durable else _quick_folder()))
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:  # the server refuses to run as root
            user = _ordinary_user()
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self.data = self.folder / "data"
        self.through = ""  # what its addresses say of a pooler
        self.port = _free_port()
        command = [str(programs / "initdb"), "-D", str(self.data), "-U", "postgres", "--auth=trust", "-E", "UTF8"]
        self._run([*command, "--locale=C", "--no-sync"])

    def __enter__(self) -> Self:
        self.start()
        with self.administrate() as connection:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(ROLE)))
        return self

    def __exit__(self, *_: object) -> None:
        if self._shell is not None:
            self.kill()  # in good order it would first write everything to the disk, to be deleted next
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start the server on its data and port, and wait until it answers."""
        assert self._shell is None
        command = [str(self._programs / "postgres"), "-D", str(self.data), "-p", str(self.port), "-k", str(self.folder)]
        for setting in (f"listen_addresses={HOST}", *self._settings):
            command += ["-c", setting]
        log = self.folder / "log"
        with log.open("ab") as output:
            self._shell = subprocess.Popen(
                ["/bin/sh", "-c", LIFELINE, "sh", *command],
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C ends the tests first, then this
                **self._as_user,
            )
        until = time.monotonic() + PATIENCE_SECONDS
        while not self._answers():
            if self._shell.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End the server in good order: its clients are cut off, its data is written."""
        if self._shell is not None:
            self._end()

    def kill(self) -> None:
        """SIGKILL to every process of the server at once. What was committed is there again after `start`."""
        assert self._shell is not None
        postmaster = int((self.data / "postmaster.pid").read_text().splitlines()[0])
        os.kill(postmaster, signal.SIGSTOP)  # so that it makes no new ones while they are counted
        processes = [postmaster, *_children(postmaster)]
        for pid in processes:
            os.kill(pid, signal.SIGKILL)
        self._end()
        until = time.monotonic() + PATIENCE_SECONDS
        while any(_runs(pid) for pid in processes):
            assert time.monotonic() < until
            time.sleep(0.01)

    def url(self, name: str) -> str:
        """The address of a database, as `database` in mailer.toml takes it."""
        return f"postgresql+psycopg://{ROLE}@{HOST}:{self.port}/{name}{self.through}"

    def create(self, name: str, *, template: str = "template0") -> str:
        """Make a database, empty or as a copy of another to which nobody is connected; returns its address."""
        make = "CREATE DATABASE {} OWNER {} TEMPLATE {}"
        with self.administrate() as connection:
            connection.execute(sql.SQL(make).format(*(sql.Identifier(word) for word in (name, ROLE, template))))
        return self.url(name)

    def drop(self, name: str) -> None:
        """Drop a database and cut off whoever is connected to it."""
        with self.administrate() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def administrate(self, name: str = "postgres") -> psycopg.Connection:
        """A connection as superuser, outside transactions."""
        return psycopg.connect(host=HOST, port=self.port, user="postgres", dbname=name, autocommit=True)

    def _answers(self) -> bool:
        try:
            self.administrate().close()
        except psycopg.OperationalError:
            return False
        return True

    def _end(self) -> None:
        assert self._shell is not None
        assert self._shell.stdin is not None
        self._shell.stdin.close()
        self._shell.wait(PATIENCE_SECONDS)
        self._shell = None

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(command, capture_output=True, check=False, cwd=self.folder, **self._as_user)
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed:\n{done.stderr.decode()}")


class Standby(Cluster):
    """A server that follows another, and can only be read."""

    def __init__(self, of: Cluster) -> None:
        super().__init__(settings=FOLLOWED)
        shutil.rmtree(self.data)
        command = [str(self._programs / "pg_basebackup"), "-h", HOST, "-p", str(of.port), "-U", "postgres"]
        self._run([*command, "-D", str(self.data), "-R", "--checkpoint=fast", "--no-sync"])

    def __enter__(self) -> Self:
        self.start()
        return self


def _ordinary_user() -> pwd.struct_passwd:
    """Whom to run as when we are root: `postgres` where the package made it, else `nobody`."""
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _quick_folder() -> Path | None:
    """Memory, where there is enough of it: each database is a few hundred files that are soon deleted again."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > MEMORY_BYTES else None


def _free_port() -> int:
    with socket.socket() as one:
        one.bind((HOST, 0))
        return one.getsockname()[1]


def _children(parent: int) -> list[int]:
    return [int(path.name) for path in Path("/proc").glob("[0-9]*") if _stat(int(path.name))[1:2] == [str(parent)]]


def _runs(pid: int) -> bool:
    return _stat(pid)[:1] not in ([], ["Z"])


def _stat(pid: int) -> list[str]:
    """The state and the parent of a process, from /proc/PID/stat; nothing when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return []
