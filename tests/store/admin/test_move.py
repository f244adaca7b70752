"""`mailer db move`: everything arrives or nothing does, the old database is closed, and kill -9 is survived."""

from __future__ import annotations

import signal
import subprocess
import sys
import tracemalloc
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    Text,
    insert,
    select,
    text,
    update,
)

from mailer.delivery.ledger.outcomes import Done
from mailer.errors import MailerError
from mailer.store.admin.copy import content_of
from mailer.store.admin.move import check_move, move_database
from mailer.store.engine.database import Database, DatabaseTrouble, migrate_database, open_database
from mailer.store.engine.dialects import make_engine
from mailer.store.jobs import PROVIDER_POST, add
from mailer.store.tables.core import Instant, guard_evidence, lists, metadata, paces, people, warm_up_days, workers
from tests.conftest import NOW, REPOSITORY
from tests.databases import NewDatabase, on_postgresql
from tests.delivery.world import ACCEPTED, Clock, add_people, launch, states, worker
from tests.patience import HANG_SECONDS
from tests.store.earlier_versions import dump_of, load, plain

AT_FIRST, IN_THE_MIDDLE, BEFORE_COMMIT, BETWEEN_COMMITS, AFTER_COMMITS = (
    "fence", "copy_table", "set_mark", "write", "_open"
)  # fmt: skip
EXAMPLES: dict[type, Any] = {  # a value of each type, for tables that no earlier version had
    Integer: 1, BigInteger: 1, Boolean: True, Text: "Zürich", Instant: NOW, JSON: {"a": ["b"]},
    LargeBinary: b"\x00\xff",
}  # fmt: skip
STAGES = (AT_FIRST, IN_THE_MIDDLE, BEFORE_COMMIT, BETWEEN_COMMITS, AFTER_COMMITS)


def now() -> datetime:
    return NOW


def big_posts(url: str, count: int) -> None:
    """Add posts of a provider of a megabyte each, and one row of a few bytes before them."""
    database = open_database(url)
    for size in [10] + [1_000_000] * count:
        with database.write() as connection:
            add(connection, PROVIDER_POST, b"x" * size, at=NOW)
    database.close()


def silent(table: str, done: int, total: int) -> None:
    """Nobody watches."""


def carry(source: str, target: str) -> Any:
    return move_database(source, target, clock=now, progress=silent)


@pytest.fixture
def full(new_database: NewDatabase) -> str:
    """A SQLite database with something in each table, whose last person was deleted."""
    url = new_database("sqlite")
    load(dump_of("0001", "sqlite"), url)
    migrate_database(url)
    database = open_database(url)
    with database.write() as connection:
        connection.execute(text("DELETE FROM people WHERE id = 7"))
        connection.execute(update(workers).values(lease_until=NOW - timedelta(seconds=1)))
        connection.execute(insert(paces).values(transport="smtp", domain="", next_at=NOW))
        connection.execute(insert(warm_up_days).values(transport="smtp", day="2026-11-24", people=200))
        connection.execute(insert(guard_evidence).values(campaign_id=7, since=NOW, recent="..x"))
        for table in metadata.sorted_tables:
            if not connection.execute(select(table).limit(1)).first():
                connection.execute(insert(table).values({c.name: example(connection, c) for c in table.columns}))
    database.close()
    return url


def example(connection: Connection, column: Column[Any]) -> object:
    """A value for a column; of one that refers to a row, what it refers to."""
    referred = [connection.execute(select(key.column).limit(1)).scalar() for key in column.foreign_keys]
    return next((one for one in referred if one is not None), EXAMPLES[type(column.type)])


@pytest.fixture
def half_sent(new_database: NewDatabase) -> tuple[str, int]:
    """A SQLite database with a campaign to five people, and its number."""
    url = new_database("sqlite")
    database = open_database(url)
    add_people(database, 5, now=NOW)
    campaign = launch(database, count=5, now=NOW)
    database.close()
    return url, campaign


def contents(url: str) -> dict[str, Any]:
    """Rows and digest of each table, whatever the database says of itself."""
    database = Database(make_engine(url))
    with database.read() as connection:
        found = {table.name: content_of(connection, table) for table in metadata.sorted_tables}
    database.close()
    return found


def rows(url: str) -> int:
    return sum(content.rows for content in contents(url).values())


def run(database: Database, change: Any) -> None:
    with database.write() as connection:
        connection.execute(change)


@on_postgresql
@pytest.mark.parametrize("way", [("sqlite", "postgresql"), ("postgresql", "sqlite"), ("sqlite", "sqlite")], ids=str)
def test_everything_arrives_and_the_old_one_is_closed(
    full: str, new_database: NewDatabase, way: tuple[str, str]
) -> None:
    source = full
    if way[0] == "postgresql":
        source = new_database("postgresql")
        carry(full, source)
    before = contents(source)
    assert all(content.rows for content in before.values())
    target = new_database(way[1])
    counted = check_move(source, target, now=NOW)
    assert carry(source, target).rows == counted == {name: content.rows for name, content in before.items()}
    assert contents(target) == before == contents(source)
    with pytest.raises(DatabaseTrouble, match="this database was moved to") as refused:
        open_database(source)
    assert "mailer.toml" in str(refused.value)
    with pytest.raises(DatabaseTrouble, match="this database was moved to"):
        migrate_database(source)
    opened = open_database(target)
    with opened.write() as connection:
        values = {"address": "new@example.org", "address_hash": b"", "created_at": NOW, "updated_at": NOW}
        number = connection.execute(insert(people).values(values)).inserted_primary_key
        assert number == (8,), "number 7 was somebody who was deleted"
    opened.close()


@on_postgresql
@pytest.mark.parametrize("way", [("sqlite", "postgresql"), ("postgresql", "sqlite")], ids=str)
def test_large_rows_take_no_more_memory_the_more_of_them_there_are(
    new_database: NewDatabase, way: tuple[str, str]
) -> None:
    peaks: list[int] = []
    for count in (4, 28):
        source, target = new_database(way[0]), new_database(way[1])
        big_posts(source, count)
        tracemalloc.start()
        try:
            assert carry(source, target).rows["jobs"] == count + 1
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < peaks[0] + 12_000_000, peaks  # of 24 megabytes more; what waits to be collected varies


@on_postgresql
def test_who_had_the_old_one_open_can_not_write_to_it_any_more(
    half_sent: tuple[str, int], new_database: NewDatabase
) -> None:
    source, campaign = half_sent
    target = new_database("postgresql")
    early = open_database(source)
    carry(source, target)
    for change in (insert(lists).values(name="late"), update(people).values(country=""), people.delete()):
        with pytest.raises(DatabaseTrouble, match="this database was moved to") as refused:
            run(early, change)
        assert "Put that into mailer.toml" in str(refused.value)
    with pytest.raises(DatabaseTrouble, match="this database was moved to"):
        worker(early, campaign, Clock(NOW))
    early.close()
    # The other engine's fence holds as well.
    late = open_database(target)
    carry(target, new_database("sqlite"))
    with pytest.raises(DatabaseTrouble, match="this database was moved to"):
        run(late, insert(lists).values(name="late"))
    late.close()


@on_postgresql
def test_a_campaign_goes_on_where_it_was(half_sent: tuple[str, int], new_database: NewDatabase) -> None:
    source, campaign = half_sent
    target = new_database("postgresql")
    early = open_database(source)
    busy = worker(early, campaign, Clock(NOW))
    begun = busy.exchange((), busy.claim(2)).claims
    busy.release([Done(claim, ACCEPTED) for claim in begun])
    early.close()
    carry(source, target)
    late = open_database(target)
    assert states(late) == {"sent": 2, "queued": 3}
    assert len(worker(late, campaign, Clock(NOW)).claim(10)) == 3
    late.close()


@on_postgresql
def test_it_is_refused_while_a_worker_lives(full: str, new_database: NewDatabase) -> None:
    early = open_database(full)
    run(early, insert(workers).values(id=5, name="host:99", lease_until=NOW + timedelta(seconds=1)))
    for attempt in (check_move, carry):
        with pytest.raises(MailerError, match="being sent right now by host:99") as refused:
            attempt(full, new_database("postgresql"), **({"now": NOW} if attempt is check_move else {}))
        assert "mailer pause" in str(refused.value)
    run(early, insert(lists).values(name="still open"))
    early.close()


@on_postgresql
def test_a_target_that_is_not_empty_is_refused_and_kept(full: str, new_database: NewDatabase) -> None:
    target = new_database("postgresql")
    other = open_database(target)
    run(other, insert(lists).values(name="theirs"))
    other.close()
    with pytest.raises(MailerError, match="not empty: it has 1 lists"):
        carry(full, target)
    assert rows(target) == 1
    open_database(full).close()
    with pytest.raises(MailerError, match="in use already"):
        carry(full, full)


@on_postgresql
def test_what_does_not_arrive_whole_is_not_kept(full: str, new_database: NewDatabase) -> None:
    target = new_database("postgresql")
    open_database(target).close()
    with psycopg.connect(plain(target)) as raw:
        raw.execute(
            "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN NEW.first_name = upper(NEW.first_name); RETURN NEW; END $$"
        )
        raw.execute("CREATE TRIGGER shout BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION shout()")
    with pytest.raises(MailerError, match="people did not arrive whole"):
        carry(full, target)
    assert rows(target) == 0
    again = open_database(full)
    run(again, insert(lists).values(name="still open"))
    again.close()


@on_postgresql
def test_text_that_postgresql_can_not_hold_is_refused_whole(full: str, new_database: NewDatabase) -> None:
    target = new_database("postgresql")
    early = open_database(full)
    run(early, update(people).values(last_name="a\0b").where(people.c.id == 2))
    with pytest.raises(DatabaseTrouble, match="NUL"):
        carry(full, target)
    assert rows(target) == 0
    run(early, update(people).values(last_name="ab").where(people.c.id == 2))
    early.close()
    carry(full, target)


@on_postgresql
@pytest.mark.parametrize("stage", STAGES)
def test_kill_9_leaves_one_in_use_at_most_and_it_can_be_run_again(
    full: str, new_database: NewDatabase, stage: str
) -> None:
    target = new_database("postgresql")
    before = contents(full)
    killed(stage, full, target)
    has_arrived, is_moved = stage in (BETWEEN_COMMITS, AFTER_COMMITS), stage == AFTER_COMMITS
    assert rows(target) == (rows(full) if has_arrived else 0)
    if has_arrived:
        with pytest.raises(DatabaseTrouble, match="is being filled from sqlite"):
            open_database(target)
    if is_moved:
        with pytest.raises(DatabaseTrouble, match="was moved to"):
            open_database(full)
    else:  # the old one is in use as if nothing had happened
        early = open_database(full)
        run(early, insert(lists).values(name="meanwhile"))
        early.close()
        before = contents(full)
    if has_arrived and not is_moved:  # a moment between two commits
        with pytest.raises(MailerError, match="holds what an interrupted move left") as refused:
            carry(full, target)
        assert "dropdb" in str(refused.value)
        target = new_database("postgresql")
    assert carry(full, target).before is is_moved
    assert contents(target) == before
    with pytest.raises(DatabaseTrouble, match="was moved to"):
        open_database(full)
    assert carry(full, target).before, "a third time finds it done"
    open_database(target).close()


def killed(stage: str, source: str, target: str) -> None:
    """Run a move in a process of its own, and kill it when it comes to `stage`."""
    script = """
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from mailer.store.admin import move
stage, source, target = sys.argv[1:]

def stop():
    print("here", flush=True)
    sys.stdin.read()

if stage == "write":  # the new one's transaction is committed, and the old one's isn't
    plain = move.Database.write

    @contextmanager
    def write(self):
        with plain(self) as connection:
            yield connection
        if not self.is_sqlite:
            stop()

    move.Database.write = write
else:
    plain = getattr(move, stage)

    def stopped(*args, **options):
        if stage == "copy_table" and args[2].name != "people":
            return plain(*args, **options)
        if stage == "copy_table":
            plain(*args, **options)
        stop()

    setattr(move, stage, stopped)
now = datetime(2026, 11, 24, 9, tzinfo=UTC)
move.move_database(source, target, clock=lambda: now, progress=lambda *counts: None)
"""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", script, stage, source, target], stdin=pipe, stdout=pipe, text=True, cwd=REPOSITORY
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "here\n"
        process.send_signal(signal.SIGKILL)
        process.wait(HANG_SECONDS)


@on_postgresql
def test_what_a_move_did_not_finish_is_used_by_no_other(full: str, new_database: NewDatabase) -> None:
    target, other = new_database("postgresql"), new_database("sqlite")
    killed(AFTER_COMMITS, full, target)
    open_database(other).close()
    for way in ((other, target), (target, other)):
        with pytest.raises(DatabaseTrouble, match="is being filled from sqlite") as refused:
            carry(*way)
        assert "mailer db move" in str(refused.value)
    with pytest.raises(DatabaseTrouble, match="was moved to postgresql"):
        carry(full, other)
    assert carry(full, target).before


@on_postgresql
def test_ctrl_c_gives_it_up(full: str, new_database: NewDatabase) -> None:
    target = new_database("postgresql")

    def interrupt(table: str, done: int, total: int) -> None:
        if table == "people":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move_database(full, target, clock=now, progress=interrupt)
    assert rows(target) == 0
    open_database(full).close()


@on_postgresql
def test_the_command_says_what_to_change_and_keeps_the_password(
    full: str, new_database: NewDatabase, tmp_path: Path
) -> None:
    (tmp_path / "mailer.toml").write_text('[organisation]\npostal_address = "x"\n', encoding="utf-8")
    target = new_database("postgresql").replace("mailer@", "mailer:s3cret@")

    def mailer(*arguments: str) -> str:
        environ = {"PATH": "/usr/bin:/bin", "MAILER_DATABASE": full, "PYTHONPATH": str(REPOSITORY)}
        command = [sys.executable, "-m", "mailer", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
        assert "s3cret" not in done.stdout + done.stderr
        return done.stdout + done.stderr

    assert "It can be done." in mailer("db", "move", "--to", target, "--dry-run")
    assert rows(target) == 0
    said = mailer("db", "move", "--to", target)
    assert f'database = "{target.replace(":s3cret", "")}"' in said
    assert "~/.pgpass" in said
    assert "MAILER_DATABASE is set" in said
    assert "this database was moved to" in mailer("status")
    assert "had been carried before" in mailer("db", "move", "--to", target)
    with psycopg.connect(plain(target)) as raw:
        assert raw.execute("SELECT count(*) FROM people").fetchone() == (3,)
