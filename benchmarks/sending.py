"""Sending a real campaign from the ledger over SMTP, beside C's `smtp-source` and beside the standard library.

All three fill the same `smtp-sink`. Ours is `mailer run` as a whole process, its start included: about 40 kB a mail,
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
import subprocess
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from email.message import EmailMessage
from pathlib import Path
from statistics import median

from benchmarks.measure import Row, Run, megabytes, run
from benchmarks.postfix import find_postfix
from benchmarks.worlds import ENVIRON, MAILER, SLUG, people_file, workspace

PEOPLE = 20_000
FEW = 2_000
MANY = 1_000_000
PLAIN_PEOPLE = 300
ROUNDS = 5
CONNECTIONS = 24
LEAST_OF_SOURCE = 0.8
LEAST_OF_PLAIN = 8.0
MOST_EACH_SECONDS = 0.33e-3
MOST_WHOLE_SECONDS = 2.2
GROWTH = 1.05
MANY_SECONDS = 30.0  # of a million that wait: their peak is reached long before


def measure(folder: Path, quick: bool) -> list[Row]:
    """Messages a second beside both counterparts, what the whole of a send takes, and how memory grows."""
    people, few, many, plain_people, rounds = (
        (1_000, 200, 5_000, 50, 2) if quick else (PEOPLE, FEW, MANY, PLAIN_PEOPLE, ROUNDS)
    )
    postfix = find_postfix(folder)
    prepared = prepare(folder, "smtp", people, transport="smtp")
    with postfix.sink() as port:
        size = mail_bytes(prepared, port)
        sessions, _ = postfix.best_source(port, messages=people // 4, size_bytes=size)
        runs: list[Run] = []
        rates: dict[str, list[float]] = {"ours": [], "source": [], "plain": []}
        for _ in range(rounds):
            runs.append(send(prepared, environ(port)))
            source = postfix.source(port, messages=people, size_bytes=size, sessions=sessions)
            rates["ours"].append(people / runs[-1].seconds)
            rates["source"].append(people / source.seconds)
            rates["plain"].append(plain_people / _standard_library(folder, port, plain_people, size))
        rows = list(_beside(people, size, rates))
        rows += _whole(folder, port, people, rounds)
        rows += _whole(folder, port, few, rounds)
        rows.append(_memory(folder, port, many, median(run.peak_bytes for run in runs)))
    return rows


def _beside(people: int, size: int, rates: Mapping[str, Sequence[float]]) -> Iterator[Row]:
    ours = median(rates["ours"])
    case = (
        f"send {people:,} by SMTP, {size / 1000:.0f} kB each, `mailer run` with its start, the sink on the same cores"
    )
    for name, what, least in (
        ("source", "`smtp-source` at its best", LEAST_OF_SOURCE),
        ("plain", "EmailMessage + smtplib + a commit each", LEAST_OF_PLAIN),
    ):
        ratio = median(a / b for a, b in zip(rates["ours"], rates[name], strict=True))
        theirs = f"{what} {median(rates[name]):,.0f} a second"
        before = "0.55" if name == "source" else ""
        yield Row(case, f"{ours:,.0f} a second, {ratio:.2f}", theirs, ratio, f"≥ {least:g} × that", ratio >= least,
                  before)  # fmt: skip


def _whole(folder: Path, port: int, people: int, rounds: int) -> Iterator[Row]:
    """`mailer send` with everything before the first mail: start, check, compile, freeze."""
    prepared = prepare(folder, f"whole-{people}", people, transport="smtp", launched=False)
    command = ["send", SLUG, "--yes", str(people)]
    runs = [send(prepared, environ(port), command) for _ in range(rounds)]
    each = median(one.cpu_seconds for one in runs) / people
    seconds = median(one.seconds for one in runs)
    if people > FEW:
        yield Row(f"`mailer send` to {people:,}, whole, processor time a mail", f"{each * 1e3:.2f} ms", "the aim",
                  each / MOST_EACH_SECONDS, "≤ 0.33 ms", each <= MOST_EACH_SECONDS, before="0.50 ms")  # fmt: skip
    else:
        yield Row(f"`mailer send` to {people:,}, whole", f"{seconds:.1f} s", "the aim", seconds / MOST_WHOLE_SECONDS,
                  f"≤ {MOST_WHOLE_SECONDS} s", seconds <= MOST_WHOLE_SECONDS, before="4.5 s")  # fmt: skip


def _memory(folder: Path, port: int, many: int, few_peak: float) -> Row:
    large = prepare(folder, "smtp-many", many, transport="smtp")
    done = run([*MAILER, "run"], cwd=large, environ=environ(port), end_after_seconds=MANY_SECONDS)
    ratio = done.peak_bytes / few_peak
    shutil.rmtree(large)
    return Row(
        f"peak memory by SMTP with {many:,} people waiting, the first {MANY_SECONDS:.0f} s",
        f"{megabytes(done.peak_bytes)}, {ratio:.2f} ×", f"with {PEOPLE:,} {megabytes(int(few_peak))}", ratio,
        f"≤ {GROWTH:g} × that", ratio <= GROWTH, before="1.00 ×",
    )  # fmt: skip


def prepare(folder: Path, name: str, people: int, *, transport: str, database: str = "", launched: bool = True) -> Path:
    """A workspace with a campaign of so many people, launched unless told otherwise, none of them mailed yet."""
    root = workspace(folder, name)
    file = people_file(root / "people.csv", people)
    settings = ENVIRON | {"MAILER_TRANSPORT": transport} | ({"MAILER_DATABASE": database} if database else {})
    run([*MAILER, "import", "supporters", str(file)], cwd=root, environ=settings)
    if launched:
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


def send(prepared: Path, settings: Mapping[str, str], command: Sequence[str] = ("run",)) -> Run:
    """Time `mailer run`, or another command that sends, on a copy of a prepared workspace, and see that everybody was
    mailed."""
    with copied(prepared) as root:
        done = run([*MAILER, *command], cwd=root, environ=settings)
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
