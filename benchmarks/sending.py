"""Sending a real campaign from the ledger: to the outbox, and over SMTP to a relay that throws everything away.

The relay is `smtp-sink` of Debian's postfix package. Its counterpart is the standard library: EmailMessage and
smtplib, with one row committed to SQLite for each message, over one connection, to the same relay.
"""

from __future__ import annotations

import re
import shutil
import smtplib
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from email.message import EmailMessage
from pathlib import Path

from benchmarks.measure import Row, Run, megabytes, run
from benchmarks.worlds import ENVIRON, MAILER, SLUG, people_file, workspace

SIZES = (10_000, 100_000)
PLAIN_SIZE = 1_000
GROWTH = 1.25  # peak memory at the larger size, beside the smaller


def measure(folder: Path, quick: bool) -> list[Row]:
    """Messages a second by transport and size, and how memory grows with the audience."""
    sizes = (1_000, 3_000) if quick else SIZES
    rows: list[Row] = []
    with sink(folder) as port:
        plain = PLAIN_SIZE / _standard_library(folder, port, PLAIN_SIZE)
        for transport in ("outbox", "smtp"):
            runs = {size: _campaign(folder, transport, size, port) for size in sizes}
            for size, done in runs.items():
                rate = size / done.seconds
                rows.append(
                    Row(
                        f"send {size:,} by {transport}",
                        f"{rate:,.0f} a second",
                        f"EmailMessage + smtplib + a commit each {plain:,.0f} a second",
                        rate / plain,
                        "faster",
                        rate > plain,
                    )
                )
            small, large = (runs[size].peak_bytes for size in sizes)
            rows.append(
                Row(
                    f"peak memory by {transport}, {sizes[1]:,} people",
                    megabytes(large),
                    f"{sizes[0]:,} people {megabytes(small)}",
                    large / small,
                    f"≤ {GROWTH}",
                    large / small <= GROWTH,
                )
            )
    return rows


def _campaign(folder: Path, transport: str, size: int, port: int) -> Run:
    """Import, launch, and time `mailer run` alone."""
    root = workspace(folder, f"{transport}-{size}")
    environ = ENVIRON | {
        "MAILER_TRANSPORT": transport,
        "MAILER_SMTP_HOST": "127.0.0.1",
        "MAILER_SMTP_PORT": str(port),
        "MAILER_SMTP_SECURITY": "none",
    }
    file = people_file(root / "people.csv", size)
    run([*MAILER, "import", "supporters", str(file)], cwd=root, environ=environ)
    run([*MAILER, "send", SLUG, "--yes", str(size), "--later"], cwd=root, environ=environ)
    done = run([*MAILER, "run"], cwd=root, environ=environ)
    sent = subprocess.run([*MAILER, "report", SLUG, "--json"], cwd=root, env={**_environ(environ)}, check=True,
                          capture_output=True, text=True).stdout  # fmt: skip
    assert re.search(rf'"sent": {size}\b', sent), sent
    shutil.rmtree(root)
    return done


def _environ(extra: dict[str, str]) -> dict[str, str]:
    import os

    return {**os.environ, **extra}


def _standard_library(folder: Path, port: int, size: int) -> float:
    """Seconds for `size` messages of about 40 kB, one connection, a durable row each."""
    body = "".join(f"<p>{'An appeal that matters. ' * 8}{n}</p>\n" for n in range(190))
    with closing(sqlite3.connect(folder / "plain.db")) as database, smtplib.SMTP("127.0.0.1", port) as relay:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE sent (address TEXT PRIMARY KEY)")
        began = time.perf_counter()
        for n in range(size):
            mail = EmailMessage()
            mail["Subject"] = f"Dear First{n}"
            mail["From"] = "appeals@example.org"
            mail["To"] = f"person{n}@example.org"
            mail.set_content(f"Dear First{n}")
            mail.add_alternative(body, subtype="html")
            relay.send_message(mail)
            database.execute("INSERT INTO sent VALUES (?)", (f"person{n}@example.org",))
            database.commit()
        return time.perf_counter() - began


@contextmanager
def sink(folder: Path) -> Generator[int, None, None]:
    """A running smtp-sink; its port."""
    program, environ = _sink_program(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen([str(program), "-u", "nobody", f"127.0.0.1:{port}", "100"], env=environ,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        _wait(port)
        yield port
    finally:
        process.kill()
        process.wait()


def _wait(port: int) -> None:
    for _ in range(100):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    sys.exit("smtp-sink did not start")


def _sink_program(folder: Path) -> tuple[Path, dict[str, str]]:
    """smtp-sink where it is installed, or unpacked from Debian's package without installing it."""
    for place in ("/usr/sbin/smtp-sink", "/usr/lib/postfix/sbin/smtp-sink"):
        if Path(place).exists():
            return Path(place), _environ({})
    unpacked = folder / "postfix"
    try:
        subprocess.run(["apt-get", "download", "postfix"], cwd=folder, check=True, capture_output=True)
        (package,) = folder.glob("postfix_*.deb")
        subprocess.run(["dpkg", "-x", str(package), str(unpacked)], check=True)
    except (OSError, subprocess.CalledProcessError, ValueError):
        sys.exit("Sending is measured with smtp-sink: apt install postfix")
    (program,) = unpacked.rglob("sbin/smtp-sink")
    program.parent.chmod(0o755)
    return program, _environ({"LD_LIBRARY_PATH": str(unpacked / "usr/lib/postfix")})
