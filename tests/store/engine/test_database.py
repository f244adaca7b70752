"""Opening a database: migrations equal the tables; what is locked, read-only, newer or full is said clearly."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, insert, text

from mailer.store.engine import dialects
from mailer.store.engine.database import Database, DatabaseTrouble, open_database
from mailer.store.engine.dialects import waiting_at_most
from mailer.store.tables.core import Instant, lists, to_microseconds


def test_opening_twice_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'mailer.db'}"
    first = open_database(url)
    with first.write() as connection:
        connection.execute(insert(lists).values(name="supporters"))
    first.close()
    second = open_database(url)
    with second.read() as connection:
        assert connection.execute(text("SELECT name FROM lists")).scalars().all() == ["supporters"]
    second.close()


def test_a_locked_database_is_said_to_be_locked(tmp_path: Path) -> None:
    path = tmp_path / "mailer.db"
    database = open_database(f"sqlite:///{path}")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with waiting_at_most(0.05), pytest.raises(DatabaseTrouble, match="locked by another program"), database.write():
        pass
    other.execute("ROLLBACK")
    other.close()
    database.close()


def test_a_writer_looks_often_whether_another_has_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's own waiting would sleep for up to 100 ms at once, and miss the place again and again."""
    path = tmp_path / "mailer.db"
    database = open_database(f"sqlite:///{path}")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 50:
            other.execute("ROLLBACK")

    monkeypatch.setattr(dialects.time, "sleep", sleep)
    with database.write() as connection:
        connection.execute(insert(lists).values(name="supporters"))
    assert len(slept) == 50
    assert max(slept) < 0.005
    other.close()
    database.close()


def test_a_read_only_database_is_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "mailer.db"
    open_database(f"sqlite:///{path}").close()
    database = open_database(f"sqlite:///file:{path}?mode=ro&uri=true")
    with pytest.raises(DatabaseTrouble, match="can't be written") as refused, database.write() as connection:
        connection.execute(insert(lists).values(name="supporters"))
    assert refused.value.remedy
    database.close()


def test_a_full_disk_undoes_the_whole_transaction(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'mailer.db'}")
    with database.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 4}")
    with pytest.raises(DatabaseTrouble, match="disk is full"), database.write() as connection:
        connection.execute(insert(lists), [{"name": f"{'x' * 1000}{n}"} for n in range(200)])
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM lists")).scalar() == 0
    database.close()


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mailer.db"
    path.write_text("this is a text, not a database " * 100, encoding="utf-8")
    with pytest.raises(DatabaseTrouble, match="not a database"):
        open_database(f"sqlite:///{path}")


def test_a_folder_that_is_missing_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(DatabaseTrouble, match="can't be opened"):
        open_database(f"sqlite:///{tmp_path / 'missing' / 'mailer.db'}")


def test_a_write_is_rolled_back_whole(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'mailer.db'}")

    def half_way() -> None:
        with database.write() as connection:
            connection.execute(insert(lists).values(name="supporters"))
            raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        half_way()
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM lists")).scalar() == 0
    database.close()


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_an_instant_survives_to_the_microsecond(moment: datetime) -> None:
    column = Instant()
    stored = to_microseconds(moment)
    assert column.process_result_value(stored, create_engine("sqlite://").dialect) == moment


def test_a_look_at_everyone_sorts_on_disk_and_later_ones_in_memory_again(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/mailer.db")
    where = "PRAGMA temp_store"
    with pytest.raises(DatabaseTrouble), database.read(of_everyone=True) as connection:
        connection.exec_driver_sql("SELECT * FROM nowhere")
    with database.read() as connection:
        assert connection.exec_driver_sql(where).scalar() == 2  # MEMORY
    with database.write(of_everyone=True) as connection:
        assert connection.exec_driver_sql(where).scalar() == 1  # FILE
    with database.read() as connection:
        assert connection.exec_driver_sql(where).scalar() == 2
    database.close()


def test_what_need_not_last_waits_for_no_disk_and_all_else_does(database: Database) -> None:
    asked = "PRAGMA synchronous" if database.is_sqlite else "SHOW synchronous_commit"

    def told(*, lasting: bool) -> object:
        with database.write(lasting=lasting) as connection:
            return connection.exec_driver_sql(asked).scalar()

    waits, soon = told(lasting=True), told(lasting=False)
    assert soon == (1 if database.is_sqlite else "off")
    assert told(lasting=True) == waits
    assert waits == 2 or not database.is_sqlite, "clusters of tests wait for no disk"
    told(lasting=False)
    with database.held.write() as connection:
        assert connection.exec_driver_sql(asked).scalar() == waits
