"""PostgreSQL behind PgBouncer in transaction mode: each transaction may have another session, shared with all others.

`pytest --pooler` puts it before the PostgreSQL of every other test.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text, update

from mailer.audience.imports.undo import undo_import
from mailer.audience.people.search import ensure_search, find, has_search
from mailer.delivery.ledger.outcomes import Done
from mailer.doctor.database import examine_database
from mailer.staff.actor import terminal
from mailer.store.admin.backup import back_up
from mailer.store.engine.database import Database, DatabaseTrouble, open_database
from mailer.store.engine.dialects import parse_url, reached, shown, waiting_at_most
from mailer.store.tables.core import people
from tests.audience.world import bring
from tests.conftest import NOW
from tests.databases import on_postgresql
from tests.delivery.world import ACCEPTED, add_people, launch, states, worker
from tests.servers.pgbouncer import PgBouncer, program
from tests.servers.postgres import Cluster

pytestmark = on_postgresql
SESSIONS = 3


def clock() -> datetime:
    return NOW


@pytest.fixture(scope="module")
def pooler(cluster: Cluster) -> Iterator[PgBouncer]:
    found, why = program()
    if found is None:
        pytest.skip(why)
    cluster.create("pooled")
    with PgBouncer(cluster, sessions=SESSIONS) as running:
        yield running


@pytest.fixture(scope="module")
def pooled(pooler: PgBouncer) -> Iterator[Database]:
    opened = open_database(pooler.url("pooled"))
    with ExitStack() as at_once:  # the pooler makes a session when it has too few
        for _ in range(SESSIONS):
            at_once.enter_context(opened.read()).execute(text("SELECT 1"))
    yield opened
    opened.close()


def test_each_transaction_has_its_limits_and_leaves_none_behind(pooler: PgBouncer, pooled: Database) -> None:
    def limits(database: Database) -> tuple[str, str]:
        with database.write() as connection:
            asked = ("lock_timeout", "idle_in_transaction_session_timeout")
            first, second = (str(connection.execute(text(f"SHOW {name}")).scalar()) for name in asked)
            return first, second

    served: set[int] = set()
    for _ in range(2 * SESSIONS):
        assert limits(pooled) == ("30s", "1min")
        with pooled.read() as connection:
            served.add(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())
    assert len(served) == SESSIONS  # else none of these tests would show anything
    with waiting_at_most(2.0):
        assert limits(pooled) == ("2s", "1min")
    with pooled.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        assert connection.execute(text("SHOW lock_timeout")).scalar() == "0"


def test_the_whole_work_is_done_through_it(pooled: Database, tmp_path: Path) -> None:
    ids = add_people(pooled, 40, now=NOW)
    rows = "".join(f"new{n}@example.org,New{n}\n" for n in range(20))
    report = bring(pooled, tmp_path / "people.csv", f"email,first_name\n{rows}")
    assert bring(pooled, tmp_path / "people.csv", dry_run=True).unchanged == 20
    assert report.added == 20
    assert report.id
    ensure_search(pooled)
    with pooled.read() as connection:
        assert has_search(connection)
        assert len(find(connection, "new1")) == 11
    with pooled.write() as connection:
        assert undo_import(connection, report.id, by=terminal(), at=NOW).deleted == 20

    campaign = launch(pooled, count=40, now=NOW)
    others = [open_database(str(pooled_url(pooled))) for _ in range(SESSIONS)]
    workers = [worker(one, campaign, clock) for one in [pooled, *others]]  # more of them than sessions
    handed: list[int] = []
    for _ in range(10):  # statements are prepared on the server after five times, where that is let be
        for one in workers:
            begun = one.exchange([], one.claim(1))
            handed += [claim.person_id for claim in begun.claims]
            one.exchange([Done(claim, ACCEPTED) for claim in begun.claims], [])
    for one in workers:
        one.release()
    assert sorted(handed) == ids
    assert states(pooled) == {"sent": 40}
    for one in others:
        one.close()


def pooled_url(database: Database) -> str:
    address = database.engine.url
    return f"{address.render_as_string(False)}?pooler={address.host}:{address.port}"


def test_a_backup_goes_past_it(pooler: PgBouncer, pooled: Database, tmp_path: Path) -> None:
    with pooled.write() as connection:
        connection.execute(update(people).values(language="cy"))
    assert "COPY public.people" in back_up(pooler.url("pooled"), tmp_path, now=NOW).read_text()


def test_one_that_nobody_named_is_told_of(cluster: Cluster, pooler: PgBouncer) -> None:
    with pytest.raises(DatabaseTrouble, match="a pooler answers in the place of the database server"):
        open_database(pooler.unnamed_url("pooled"))

    def warnings(url: str) -> list[str]:
        found = examine_database(url, clock=lambda: datetime.now(UTC), connections=2).findings
        return [one.message for one in found if one.level.value != "ok"]

    with PgBouncer(cluster, ignored="options") as lenient:
        assert [one for one in warnings(lenient.unnamed_url("pooled")) if "a pooler answers" in one]
    assert not warnings(pooler.url("pooled"))


def test_its_place_in_an_address() -> None:
    url = "postgresql://mailer:secret@db.example.org:5433/mailer?sslmode=require&pooler=[::1]:6432"
    assert reached(parse_url(url)).render_as_string(False) == (
        "postgresql+psycopg://mailer:secret@[::1]:6432/mailer?sslmode=require"
    )
    assert "pooler" in shown(url)
    assert "secret" not in shown(url)
    for wrong in ("pooler=6432", "pooler=a:1&pooler=b:2"):
        with pytest.raises(DatabaseTrouble, match=r"can.t be read"):
            parse_url(f"postgresql://db.example.org/mailer?{wrong}")
