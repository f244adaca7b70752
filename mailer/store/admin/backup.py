"""`mailer db backup`: a consistent copy of the database, taken while others write to it.

SQLite is copied by VACUUM INTO, within one read transaction (https://sqlite.org/lang_vacuum.html#vacuuminto).
PostgreSQL is written out as SQL by its own `pg_dump`, which sees one state throughout. Either way the copy says of
itself that it is one (`engine.fence`), so that once it is put back nothing is sent from it that may have been sent
since.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, text
from sqlalchemy.schema import CreateTable

from mailer.errors import MailerError
from mailer.store.engine.dialects import make_engine, parse_url, server
from mailer.store.engine.errors import translated
from mailer.store.engine.fence import BACKUP, mark
from mailer.store.tables.core import to_microseconds

LOGGED_AS = "database backup"  # the audit log's subject of a backup that was made
PROGRAMS = Path("/usr/lib/postgresql")  # where Debian keeps those of each version


def back_up(url: str, path: Path, *, now: datetime) -> Path:
    """Write a copy to `path`, or under a name with the time into the folder `path`; returns the file.

    Only its owner may read it. It appears whole or not at all, and replaces nothing. Raises `MailerError`.
    """
    address = server(parse_url(url))  # pg_dump wants a session of its own
    suffix = "db" if address.get_backend_name() == "sqlite" else "sql"
    final = path / f"mailer-{now:%Y-%m-%d-%H%M%S}.{suffix}" if path.is_dir() else path
    if final.exists():
        raise MailerError(f"{final} exists already", remedy="Name another file, or a folder: the time names the file.")
    if not final.parent.is_dir():
        raise MailerError(f"there is no folder {final.parent}", remedy="Make it first.")
    partial = final.with_name(f".{final.name}.{secrets.token_hex(4)}.partial")
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        if suffix == "db":
            _copy_sqlite(address, partial, now)
        else:
            _dump_postgresql(address, partial, now)
        _put(partial, final)
    finally:
        partial.unlink(missing_ok=True)
    return final


def _copy_sqlite(address: URL, partial: Path, now: datetime) -> None:
    source = address.database or ""
    if not Path(source).is_file():
        raise MailerError(f"there is no database {source} yet", remedy="It is made when it is first used.")
    with translated():
        with closing(sqlite3.connect(source, isolation_level=None)) as connection:
            connection.execute("VACUUM INTO ?", (str(partial),))
        with closing(sqlite3.connect(partial, isolation_level=None)) as copy:
            for statement in _marking(now):
                copy.execute(statement)


def _dump_postgresql(address: URL, partial: Path, now: datetime) -> None:
    from psycopg.conninfo import make_conninfo

    schema = _schema(address)
    where = {**{key: str(value) for key, value in address.query.items()}, "application_name": "mailer backup"}
    named = {
        "host": address.host,
        "port": str(address.port or ""),
        "user": address.username,
        "dbname": address.database,
    }
    # The password goes by the environment: a command line can be read by everybody on the machine.
    environ = {**os.environ, **({"PGPASSWORD": str(address.password)} if address.password else {})}
    command = [
        str(_pg_dump()),
        "--no-owner",
        "--no-privileges",
        "--no-tablespaces",  # the server it is put back on may have other disks
        f"--dbname={make_conninfo('', **where, **{key: value for key, value in named.items() if value})}",
    ]
    with partial.open("wb") as output:
        # No shell, and each word is one argument whatever it holds.
        done = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, env=environ, check=False)  # noqa: S603
        if done.returncode:
            words = done.stderr.decode(errors="replace").strip().splitlines() or ["it gave no reason"]
            raise MailerError(
                f"pg_dump could not copy the database: {words[0].removeprefix('pg_dump: ')}",
                remedy="It must be as new as the server, and its user must own the tables.",
            )
        output.write("".join(f"\n{statement};\n" for statement in _marking(now, f'"{schema}".')).encode())


def _schema(address: URL) -> str:
    """The schema that our tables are in; raises `DatabaseTrouble` when the database can't be reached."""
    engine = make_engine(address.render_as_string(hide_password=False))
    try:
        with translated(), engine.connect() as connection:
            return str(connection.execute(text("SELECT current_schema()")).scalar_one())
    finally:
        engine.dispose()


def _pg_dump() -> Path:
    """PostgreSQL's own program: Debian's newest, since it reads every older server, or whichever PATH knows."""
    found = list(PROGRAMS.glob("*/bin/pg_dump"))
    if found:
        return max(found, key=lambda path: float(path.parts[-3]))
    named = shutil.which("pg_dump")
    if named is None:
        raise MailerError(
            "pg_dump is not installed here, and PostgreSQL is backed up by it",
            remedy="Install it: apt install postgresql-client; or run pg_dump on the database's own machine.",
        )
    return Path(named)


def _marking(now: datetime, schema: str = "") -> tuple[str, str, str]:
    """The statements that mark a copy as one taken now, and as nothing that it was marked as before."""
    name = f"{schema}{mark.name}"
    create = str(CreateTable(mark, if_not_exists=True)).replace(mark.name, name)
    values = f"('{BACKUP}', {to_microseconds(now)})"
    clear = f"DELETE FROM {name} WHERE kind = '{BACKUP}'"  # noqa: S608 - names of ours
    return create, clear, f"INSERT INTO {name} (kind, at) VALUES {values}"  # noqa: S608


def _put(partial: Path, final: Path) -> None:
    """Give the finished file its name, unless somebody took that meanwhile, and see both on the disk."""
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    try:
        os.link(partial, final)
    except FileExistsError:
        raise MailerError(f"{final} exists already", remedy="Name another file.") from None
    folder = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
