"""A petition at 2,000 signatures a minute, beside bare pages of that size; and signatures as fast as they are taken.

People arrive evenly, whether those before them were answered or not (an open loop): each opens the page by the link of
their mail, signs, and reads the thanks. A request's time is from the moment at which it was to be sent. Afterwards the
signatures in the database are counted.
"""

from __future__ import annotations

import resource
import statistics
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select, update

from benchmarks.clicking import serving
from benchmarks.measure import Row
from benchmarks.nginx import PROCESSES
from benchmarks.signing_load import A_MINUTE, Waits, load
from benchmarks.worlds import ENVIRON, MAILER, SLUG, workspace
from benchmarks.wrk import CONNECTIONS
from benchmarks.wrk import load as load_of_posts
from mailer.store.engine.database import Database, open_database
from mailer.store.tables.core import people
from mailer.store.tables.inbound import signatures
from mailer.tracking.tokens import LinkVisit, Named, Purpose, Signer
from tests.reports.builders import add_campaign, add_deliveries, add_people, delivery_id, make_message

AIM_P99_SECONDS = 0.100
AIM_A_SECOND = 1_500
POSTED, SECONDS, ROUNDS = 20_000, 4, 5  # more people than can sign in those seconds: nobody signs twice
BARE = """
import sys
import uvicorn
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from mailer.web.server import address_of, configure, listen

PAGE = "x" * 17_000

async def page(request):
    return HTMLResponse(PAGE)

async def sign(request):
    await request.body()
    return Response(status_code=303, headers={"Location": "thanks"})

opened = listen("127.0.0.1", 0)
print("on", address_of(opened), flush=True)
routes = [Route("/act/{slug}", page), Route("/act/{slug}", sign, methods=["POST"]), Route("/act/{slug}/thanks", page)]
uvicorn.Server(configure(Starlette(routes=routes))).run(sockets=[opened])
"""


def measure(folder: Path, quick: bool) -> list[Row]:
    """One row for the pages, and one for the signatures alone."""
    count = A_MINUTE // (6 if quick else 2)
    root = workspace(folder, "signing")
    database = open_database(f"sqlite:///{root / 'mailer.db'}")
    paths = seed(database, count)
    before = _processor()
    with serving([*MAILER, "serve", "--port", "0"], root) as port:
        ours = load(port, paths)
    spent = (_processor() - before - ours.pop("processor")) / count
    with database.read() as connection:
        stored = connection.execute(select(func.count()).select_from(signatures)).scalar_one()
    database.close()
    if stored != count:
        sys.exit(f"{count} signed and {stored} are stored")
    with serving([sys.executable, "-c", BARE], root) as port:
        bare = load(port, paths)
    case = f"a petition at {A_MINUTE:,} signatures a minute: page, signature, thanks; one process"
    budget = 60 / A_MINUTE
    return [
        _row(case, Waits(*ours["all"]), Waits(*bare["all"])),
        _row("its signatures alone", Waits(*ours["sign"]), Waits(*bare["sign"])),
        Row(
            "processor time of each, page and thanks and the server's start with it", f"{spent * 1000:.1f} ms",
            f"what one core has, {budget * 1000:.0f} ms", spent / budget, "≤ 0.6", spent <= 0.6 * budget,
        ),
        _posted(folder, POSTED // (10 if quick else 1), 1 if quick else SECONDS),
    ]  # fmt: skip


def _posted(folder: Path, people: int, seconds: int) -> Row:
    """Signatures a second by 64 connections, each on disk before its answer; the median of five rounds."""
    rates: list[float] = []
    for number in range(ROUNDS):
        root = workspace(folder, f"posting-{number}")
        database = open_database(f"sqlite:///{root / 'mailer.db'}")
        paths = seed(database, people)
        with serving([*MAILER, "serve", "--port", "0", "--workers", str(PROCESSES)], root) as port:
            found = load_of_posts(folder, port, paths, seconds=seconds, method="POST")
        with database.read() as connection:
            stored = connection.execute(select(func.count()).select_from(signatures)).scalar_one()
        database.close()
        if not found.answered <= stored <= found.answered + CONNECTIONS:
            sys.exit(f"{found.answered} signatures were answered and {stored} are stored")
        rates.append(found.per_second)
    rate = statistics.median(rates)
    return Row(f"signatures posted, each on disk before its answer, {PROCESSES} processes, {CONNECTIONS} connections",
               f"{rate:,.0f} a second", "the aim", rate / AIM_A_SECOND, f"≥ {AIM_A_SECOND:,} a second",
               rate >= AIM_A_SECOND, before="not measured")  # fmt: skip


def _processor() -> float:
    """Seconds of all processes that this one has started and seen end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _row(case: str, ours: Waits, bare: Waits) -> Row:
    met = ours.p99_seconds < AIM_P99_SECONDS
    return Row(case, str(ours), f"bare pages {bare}", ours.p99_seconds / bare.p99_seconds, "p99 < 100 ms", met)


def seed(database: Database, count: int) -> Sequence[str]:
    """So many people who were mailed; the paths of their links."""
    now = datetime.now(UTC)
    signer = Signer([key.encode() for key in ENVIRON["MAILER_SIGNING_KEYS"].split()])
    with database.write() as connection:
        add_people(connection, count, now=now)
        connection.execute(update(people).values(first_name="Ana", last_name="Li"))
        add_campaign(connection, make_message(), now=now)
        add_deliveries(connection, range(1, count + 1), now=now)
    visits = (LinkVisit(Named(delivery_id(number)), 2, now) for number in range(1, count + 1))
    return [f"/act/{SLUG}?t={signer.sign_visit(Purpose.ACT, visit)}" for visit in visits]
