"""Sending a real campaign from the ledger over SMTP, beside C's `smtp-source` and beside the standard library.

All three fill the same `smtp-sink`. Ours is `mailer run` as a whole process, its start included: about 37 kB a mail,
with a personal subject, name and four signed addresses each, and a durable row of the ledger. `smtp-source` sends one
fixed message of the same size; the standard library builds an EmailMessage for each person, sends it by smtplib over
one connection, and commits a row.
"""

from __future__ import annotations

import json
import os
import shutil
import smtplib
import sqlite3
import statistics
import subprocess
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from email.message import EmailMessage
from pathlib import Path

from benchmarks.measure import Row, Run, megabytes, run
from benchmarks.postfix import find_postfix
from benchmarks.worlds import ENVIRON, MAILER, SLUG, people_file, workspace

PEOPLE = 10_000
MANY = 100_000
PLAIN_PEOPLE = 1_000
ROUNDS = 5
CONNECTIONS = 24
LEAST_OF_SOURCE = 1.0
LEAST_OF_PLAIN = 8.0
GROWTH = 1.10


def measure(folder: Path, quick: bool) -> list[Row]:
    """Messages a second beside both counterparts, and how time and memory grow with the audience."""
    people, many, plain_people, rounds = (1_000, 2_000, 200, 2) if quick else (PEOPLE, MANY, PLAIN_PEOPLE, ROUNDS)
    postfix = find_postfix(folder)
    rows: list[Row] = []
    prepared = prepare(folder, "smtp", people, transport="smtp")
    with postfix.sink() as port:
        size = mail_bytes(prepared, port)
        rates: dict[str, list[float]] = {"ours": [], "source": [], "plain": []}
        for _ in range(rounds):
            rates["ours"].append(people / send(prepared, environ(port)).seconds)
            rates["source"].append(postfix.best_source(port, messages=people, size_bytes=size)[1])
            rates["plain"].append(plain_people / _standard_library(folder, port, plain_people, size))
        ours = f"{statistics.median(rates['ours']):,.0f} a second"
        case = f"send {people:,} by SMTP, {size / 1000:.0f} kB each"
        for name, what, least in (
            ("source", "`smtp-source` at its best", LEAST_OF_SOURCE),
            ("plain", "EmailMessage + smtplib + a commit each", LEAST_OF_PLAIN),
        ):
            ratio = statistics.median(a / b for a, b in zip(rates["ours"], rates[name], strict=True))
            theirs = f"{what} {statistics.median(rates[name]):,.0f} a second"
            rows.append(Row(case, ours, theirs, ratio, f"≥ {least:g}", ratio >= least))
        rows += _growth(folder, prepared, port, people=people, many=many, rounds=rounds)
    return rows


def _growth(folder: Path, small: Path, port: int, *, people: int, many: int, rounds: int) -> Iterator[Row]:
    """Time for each person, the program's start taken off, and peak memory, of a small and a large audience."""
    large = prepare(folder, "smtp-many", many, transport="smtp")
    settings = environ(port)
    few_runs, many_runs = zip(*((send(small, settings), send(large, settings)) for _ in range(rounds)), strict=True)
    run([*MAILER, "run"], cwd=small, environ=settings)  # those were copies: this mails everybody in `small`
    idle = statistics.median(run([*MAILER, "run"], cwd=small, environ=settings).seconds for _ in range(rounds))
    few_each = [(one.seconds - idle) / people for one in few_runs]
    many_each = [(one.seconds - idle) / many for one in many_runs]
    ratio = statistics.median(one / other for one, other in zip(many_each, few_each, strict=True))
    yield Row(
        f"time a person at {many:,} people, by SMTP", f"{statistics.median(many_each) * 1e6:,.0f} µs",
        f"at {people:,} people {statistics.median(few_each) * 1e6:,.0f} µs", ratio, f"≤ {GROWTH:g}", ratio <= GROWTH,
    )  # fmt: skip
    few_peak, many_peak = (int(statistics.median(one.peak_bytes for one in runs)) for runs in (few_runs, many_runs))
    ratio = many_peak / few_peak
    yield Row(
        f"peak memory at {many:,} people, by SMTP", megabytes(many_peak),
        f"at {people:,} people {megabytes(few_peak)}", ratio, f"≤ {GROWTH:g}", ratio <= GROWTH,
    )  # fmt: skip


def prepare(folder: Path, name: str, people: int, *, transport: str, database: str = "") -> Path:
    """A workspace with a launched campaign of so many people, none of them mailed yet."""
    root = workspace(folder, name)
    file = people_file(root / "people.csv", people)
    settings = ENVIRON | {"MAILER_TRANSPORT": transport} | ({"MAILER_DATABASE": database} if database else {})
    run([*MAILER, "import", "supporters", str(file)], cwd=root, environ=settings)
    run([*MAILER, "send", SLUG, "--yes", str(people), "--later"], cwd=root, environ=settings)
    return root


def environ(port: int) -> dict[str, str]:
    """What makes `mailer run` send to the sink."""
    return ENVIRON | {
        "MAILER_TRANSPORT": "smtp",
        "MAILER_SMTP_HOST": "127.0.0.1",
        "MAILER_SMTP_PORT": str(port),
        "MAILER_SMTP_SECURITY": "none",
        "MAILER_SMTP_CONNECTIONS": str(CONNECTIONS),
    }


@contextmanager
def copied(prepared: Path) -> Generator[Path, None, None]:
    """A copy of a prepared workspace, so that it can be sent from again; deleted afterwards."""
    root = prepared.with_name(prepared.name + "-copy")
    shutil.copytree(prepared, root)
    yield root
    shutil.rmtree(root)


def send(prepared: Path, settings: Mapping[str, str]) -> Run:
    """Time `mailer run` on a copy of a prepared workspace, and see that everybody was mailed."""
    with copied(prepared) as root:
        done = run([*MAILER, "run"], cwd=root, environ=settings)
        report = subprocess.run(
            [*MAILER, "report", SLUG, "--json"], cwd=root, env={**os.environ, **settings}, check=True,
            capture_output=True, text=True,
        ).stdout  # fmt: skip
    delivered = json.loads(report)["delivered"]
    assert delivered["sent"] == delivered["people"], delivered
    return done


def mail_bytes(prepared: Path, port: int) -> int:
    """How large a mail of the campaign is, as the outbox writes it."""
    root = prepared.with_name(prepared.name + "-proof")
    shutil.copytree(prepared, root)
    outbox = ENVIRON | {"MAILER_TRANSPORT": "outbox"}
    run([*MAILER, "test", SLUG, "--to", "you@example.org"], cwd=root, environ=outbox)
    (mail,) = (root / "outbox" / "new").iterdir()
    size = mail.stat().st_size
    shutil.rmtree(root)
    return size


def _standard_library(folder: Path, port: int, people: int, size_bytes: int) -> float:
    """Seconds for so many messages of about that size, over one connection, a durable row each."""
    line = f"<p>{'An appeal that matters. ' * 8}</p>\n"
    body = line * (size_bytes // len(line))
    path = folder / "plain.db"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database, smtplib.SMTP("127.0.0.1", port) as relay:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE sent (address TEXT PRIMARY KEY)")
        began = time.perf_counter()
        for n in range(people):
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
