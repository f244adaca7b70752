"""A large file is read and judged by a second process: the same comes of it, its errors too, and it ends with us."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mailer.audience.consent import forget
from mailer.store.database import Database, open_database
from mailer.store.tables import consents, people, subscriptions
from tests.audience.test_import_crash import numbers, write_people
from tests.audience.world import bring
from tests.patience import HANG_SECONDS, until
from tests.store.catalogue import catalogue

ROWS = 12_000
MORE_THAN_A_PIPE = 20_000  # rows, so that the second process can't be done before it is killed
NUMBERED = (people, consents)
# Takes every file for a large one. What `meddle` names happens at the first piece.
IMPORT = """
    import json, multiprocessing, os, sys
    from dataclasses import asdict
    from pathlib import Path
    from mailer.audience.importing import aside, copied, first
    from mailer.errors import MailerError
    from mailer.store.database import open_database
    from tests.audience.world import bring

    url, path, meddle = sys.argv[1:]
    aside.LARGE_BYTES, aside.TOGETHER, aside.SORTED = 0, 500, 2_000
    aside.can_fork, first.JOINED_TOGETHER, copied.JOINED_TOGETHER = lambda: True, 1_000, 1_000
    place = copied.Copied if url.startswith("postgresql") else first.First
    add, reached = place.add, []

    def meddling(self, packed):
        (child,) = multiprocessing.active_children() or (None,)
        if child and not reached:
            reached.append(child.pid)
            if meddle == "kill":
                os.kill(child.pid, 9)
                child.join()
            if meddle == "wait":
                print(child.pid, flush=True)
                sys.stdin.read()
        add(self, packed)

    place.add = meddling
    try:
        report = bring(open_database(url), Path(path), rejects_path=Path(path).with_name("rejects.csv"))
        print(json.dumps([len(reached), asdict(report)]))
    except MailerError as error:
        print(json.dumps([len(reached), str(error)]))
    assert not multiprocessing.active_children()
"""


def start(url: str, path: Path, meddle: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(IMPORT), url, str(path), meddle],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(url: str, path: Path, meddle: str = "") -> Any:
    """What a forking import said: its report, or its error."""
    with start(url, path, meddle) as process:
        output, _ = process.communicate(timeout=HANG_SECONDS)
    assert process.returncode == 0
    forked, said = json.loads(output)
    assert forked == 1, "it was not forked"
    return said


def address_of(url: Database) -> str:
    return url.engine.url.render_as_string(hide_password=False)


def odd_file(path: Path) -> None:
    """Twelve thousand rows, shuffled in their addresses, with doubles and rows that can't be taken among them."""
    lines = [f"person{n * 7919 % ROWS}@example.org,Name{n},Town{n % 50}" for n in range(ROWS)]
    lines[100] = "nobody,Bad,Row"
    lines[101] = 'PERSON5@example.org,"Tab\\, back\\slash","two\nlines"'
    lines[9000] = "person5@example.org,Later,Double"
    lines[9001] = "ünder@example.org,Bad,Again"
    path.write_text("email,first_name,town\n" + "\n".join(lines) + "\n", encoding="utf-8")


def test_the_same_comes_of_it(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    path = tmp_path / "people.csv"
    odd_file(path)
    report = finish(address_of(database), path)
    rejects = (tmp_path / "rejects.csv").read_text(encoding="utf-8")
    here = open_database(f"sqlite:///{tmp_path / 'here.db'}")
    plain = bring(here, path, rejects_path=tmp_path / "plain.csv")
    assert {name: report[name] for name in ("read", "added", "duplicate", "rejected", "updated", "suppressed")} == {
        "read": ROWS, "added": plain.added, "duplicate": plain.duplicate, "rejected": 2, "updated": 0, "suppressed": 0,
    }  # fmt: skip
    assert plain.duplicate > 0
    assert rejects == (tmp_path / "plain.csv").read_text(encoding="utf-8")
    fields = [people.c[name] for name in ("address", "address_hash", "first_name", "attributes", "created_at")]
    proof = [consents.c[name] for name in ("list_id", "status", "at", "source_id")]
    standing = [subscriptions.c[name] for name in ("list_id", "status", "changed_at")]
    everything = select(*fields, *proof, *standing).select_from(
        people.join(consents, consents.c.person_id == people.c.id).join(
            subscriptions, subscriptions.c.person_id == people.c.id
        )
    )
    found: list[list[Any]] = []
    for store in (database, here):
        with store.read() as connection:
            found.append(sorted(map(tuple, connection.execute(everything))))
    assert found[0] == found[1]
    assert len(found[0]) == plain.added
    assert numbers(database) == numbers(here) == (plain.added,) * 3
    here.close()


def test_keys_indexes_and_defaults_are_as_before_afterwards(database: Database, tmp_path: Path) -> None:
    before = catalogue(database.engine)
    path = tmp_path / "people.csv"
    odd_file(path)
    assert bring(database, path).duplicate > 0
    assert catalogue(database.engine) == before


def test_whoever_comes_afterwards_gets_a_number_of_their_own(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    write_people(path, rows=3)
    bring(database, path)
    with database.write() as connection:
        forgotten = [forget(connection, address=f"person{n}@example.org") for n in range(3)]
    assert forgotten == [True] * 3
    bring(database, path)  # nobody is known again
    write_people(path, start=3, rows=2)
    bring(database, path)
    with database.read() as connection:
        ids = [list(connection.execute(select(table.c.id).order_by(table.c.id)).scalars()) for table in NUMBERED]
    assert all(len(one) == 5 for one in ids)
    assert ids[0][0] > 3, "a number was used again"


def test_a_table_of_others_that_refers_to_people_is_no_hindrance(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    write_people(path, rows=20)
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE members (person_id bigint REFERENCES people (id))")
    try:
        assert bring(database, path).added == 20
    finally:
        with database.write() as connection:
            connection.exec_driver_sql("DROP TABLE members")
    assert numbers(database) == (20, 20, 20)


def test_what_it_meets_is_raised_here(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    write_people(path, rows=ROWS)
    with path.open("a") as file:
        file.write('last@example.org,"never closed,x\n')
    said = finish(address_of(database), path)
    assert said.startswith(f"people.csv:{ROWS + 2}: a quote is opened and never closed")
    assert numbers(database) == (0, 0, 0)
    assert not list(tmp_path.glob("rejects*"))


def test_its_death_is_said_and_nothing_changes(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    write_people(path, rows=MORE_THAN_A_PIPE)
    assert finish(address_of(database), path, "kill").startswith("the process that read the file was ended")
    assert numbers(database) == (0, 0, 0)
    assert bring(database, path).added == MORE_THAN_A_PIPE


def lives(process_id: int) -> bool:
    try:
        return "zombie" not in Path(f"/proc/{process_id}/status").read_text()
    except OSError:
        return False


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGINT])
def test_it_ends_with_us_and_nothing_is_changed(database: Database, tmp_path: Path, kind: signal.Signals) -> None:
    path = tmp_path / "people.csv"
    write_people(path, rows=MORE_THAN_A_PIPE)
    with start(address_of(database), path, "wait") as process:
        assert process.stdout
        child = int(process.stdout.readline())
        process.send_signal(kind)
        process.wait(HANG_SECONDS)
    until(lambda: not lives(child), why="the second process to end")
    again = open_database(address_of(database))
    assert numbers(again) == (0, 0, 0)
    if again.is_sqlite:
        with again.read() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    assert bring(again, path).added == MORE_THAN_A_PIPE
    assert numbers(again) == (MORE_THAN_A_PIPE,) * 3
    again.close()


@pytest.mark.sqlite
def test_somebody_else_reading_is_no_hindrance(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    write_people(path, rows=100)
    other = open_database(address_of(database))
    with other.read() as connection:
        assert connection.execute(select(people.c.id)).first() is None
        assert bring(database, path).added == 100  # by the log, since the other has the file open
        assert connection.execute(select(people.c.id)).first() is None, "the other doesn't see one state throughout"
    assert numbers(other) == (100, 100, 100)
    other.close()
