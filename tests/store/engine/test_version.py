"""Migrations: they make the tables that are declared, from empty and from every earlier version, whoever runs them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, insert, text

from mailer.store.engine import version as schema
from mailer.store.engine.database import DatabaseTrouble, migrate_database, open_database
from mailer.store.engine.dialects import make_engine
from mailer.store.engine.version import SCHEMA, VERSIONS
from mailer.store.tables.core import metadata, people
from mailer.store.tables.types import ONE_ENGINE, SHARED
from tests.conftest import NOW, REPOSITORY
from tests.databases import ENGINES, NewDatabase
from tests.patience import HANG_SECONDS
from tests.servers.postgres import Cluster
from tests.store.catalogue import Catalogue, all_rows, catalogue
from tests.store.earlier_versions import AT, dump_of, load

EARLIER = [version for version in VERSIONS if version != SCHEMA or dump_of(version, "sqlite").exists()]
BECAME_JOBS = (
    "notices",
    "webhook_calls",
    "provider_posts",
)  # by 0010, see tests/store/test_becoming_jobs.py
RENAMED = {"confirmations": "requests", "pace_lanes": "paces"}  # by 0011
both_engines = pytest.mark.parametrize("engine", ENGINES)


@contextmanager
def engine_of(url: str) -> Generator[Engine, None, None]:
    engine = make_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def declared(new_database: NewDatabase) -> Callable[[str], Catalogue]:
    """What the declared tables come to on an engine, without a migration."""

    @lru_cache
    def facts(engine: str) -> Catalogue:
        with engine_of(new_database(engine)) as made:
            metadata.create_all(made)
            return catalogue(made)

    return facts


def assert_nothing_to_migrate(engine: Engine) -> None:
    """Alembic, which looks at it in its own way, finds no difference either."""

    def is_ours(item: Any, *_: Any) -> bool:
        if str(getattr(item, "name", "")).endswith(SHARED):  # a part of another table
            return False
        return getattr(item, "info", {}).get(ONE_ENGINE, engine.dialect.name) == engine.dialect.name

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": is_ours})
        assert compare_metadata(context, metadata) == []


@both_engines
def test_migrations_make_the_tables_that_are_declared(
    engine: str, new_database: NewDatabase, declared: Callable[[str], Catalogue]
) -> None:
    url = new_database(engine)
    assert migrate_database(url) == SCHEMA
    with engine_of(url) as made:
        facts = catalogue(made)
        made_of = {key[1] for key in facts if key[0] == "column"}
        assert {name for name in made_of if not name.endswith(SHARED)} == set(metadata.tables)
        assert facts == declared(engine)
        assert_nothing_to_migrate(made)


@both_engines
@pytest.mark.parametrize("version", EARLIER)
def test_a_database_of_an_earlier_version_migrates_with_its_data(
    engine: str, version: str, new_database: NewDatabase, declared: Callable[[str], Catalogue]
) -> None:
    url = new_database(engine)
    path = dump_of(version, engine)
    assert path.exists(), "make it: python -m tests.store.earlier_versions"
    load(path, url)
    with engine_of(url) as made:
        before = all_rows(made)
        assert len(before["people"]) == 4
        if version != SCHEMA:
            with pytest.raises(DatabaseTrouble, match=f"has schema {version}, this program needs {SCHEMA}"):
                open_database(url)
        migrate_database(url)
        after = all_rows(made)
        became_jobs = [row for table in BECAME_JOBS for row in before.pop(table, ())]
        assert len(after["jobs"]) == len(became_jobs) + len(before.get("jobs", ()))
        for was, rows in before.items():
            table = RENAMED.get(was, was)
            assert len(after[table]) == len(rows), table
            for old, new in zip(rows, after[table], strict=True):
                assert {name: new[name] for name in old if name in new} == {n: v for n, v in old.items() if n in new}
        assert catalogue(made) == declared(engine)
    assert_people_go_on_from(url, 7)


def assert_people_go_on_from(url: str, last: int) -> None:
    database = open_database(url)
    with database.write() as connection:
        values = {"address": "new@example.org", "address_hash": b"", "created_at": NOW, "updated_at": NOW}
        assert connection.execute(insert(people).values(values)).inserted_primary_key == (last + 1,)
    database.close()


def test_a_dump_is_kept_of_every_earlier_version() -> None:
    assert VERSIONS[0] == "0001"
    assert VERSIONS[-1] == SCHEMA
    assert list(VERSIONS) == sorted(set(VERSIONS))
    for version in VERSIONS[:-1]:
        for engine in ("sqlite", "postgresql"):
            assert dump_of(version, engine).exists(), f"{version}: python -m tests.store.earlier_versions"
    assert str(AT) in dump_of("0001", "sqlite").read_text(encoding="utf-8")


@both_engines
def test_migrating_is_safe_to_repeat(engine: str, new_database: NewDatabase) -> None:
    url = new_database(engine)
    assert migrate_database(url) == migrate_database(url) == SCHEMA
    open_database(url).close()


@both_engines
@pytest.mark.parametrize(
    ("version", "words"),
    [("9999", "schema 9999, newer than this program's"), ("0000", "has schema 0000, this program needs")],
)
def test_another_schema_is_refused(engine: str, new_database: NewDatabase, version: str, words: str) -> None:
    url = new_database(engine)
    open_database(url).close()
    with engine_of(url) as made, made.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
    with pytest.raises(DatabaseTrouble, match=words) as refused:
        open_database(url)
    assert refused.value.remedy
    if version > SCHEMA:
        with pytest.raises(DatabaseTrouble, match="newer than this program"):
            migrate_database(url)


def at_once(call: str, url: str, count: int) -> Sequence[tuple[int, str]]:
    """Exit code and complaints of `count` processes that run one call of `store.engine.database` at the same moment."""
    script = (
        f"import sys; from mailer.store.engine.database import {call}; import alembic.command;"
        f" print('ready', flush=True); sys.stdin.readline(); done = {call}(sys.argv[1]); getattr(done, 'close', str)()"
    )
    command = [sys.executable, "-W", "error", "-c", script, url]
    pipe = subprocess.PIPE
    started = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=REPOSITORY) for _ in range(count)
    ]
    for process in started:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    return [
        (process.returncode, said) for process in started for said in [process.communicate(timeout=HANG_SECONDS)[1]]
    ]


@both_engines
def test_many_programs_may_open_an_empty_database_at_once(
    engine: str, new_database: NewDatabase, declared: Callable[[str], Catalogue]
) -> None:
    url = new_database(engine)
    assert at_once("open_database", url, 3) == [(0, "")] * 3
    with engine_of(url) as made:
        assert catalogue(made) == declared(engine)


@both_engines
def test_two_programs_may_migrate_at_once(engine: str, new_database: NewDatabase) -> None:
    """Through every step since the first version, with its data; from empty is above."""
    url = new_database(engine)
    load(dump_of(VERSIONS[0], engine), url)
    assert at_once("migrate_database", url, 2) == [(0, "")] * 2
    with engine_of(url) as made:
        with made.connect() as connection:
            assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [SCHEMA]
        assert len(all_rows(made)["people"]) == 4


def test_what_another_machine_did_while_this_one_waited_is_seen(new_database: NewDatabase) -> None:
    url = new_database("sqlite")
    open_database(url).close()
    with engine_of(url) as made:
        with made.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(DatabaseTrouble, match="newer than this program"):
            schema.migrate(made)


def test_a_database_that_can_not_hold_every_name_is_refused(cluster: Cluster) -> None:
    with cluster.administrate() as raw:
        raw.execute("CREATE DATABASE narrow OWNER mailer TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    with pytest.raises(DatabaseTrouble, match="keeps its texts as LATIN1"):
        open_database(cluster.url("narrow"))
