"""What most tests need: a small workspace of its own, its database, and a clock that stands still."""

from __future__ import annotations

import gc
import os
import shutil
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

from mailer.store.engine.database import Database, open_database
from mailer.workspace import Workspace, find_workspace
from tests.databases import ENGINES, SQLITE, NewDatabase, emptied, let_go, share_statements
from tests.servers.pgbouncer import PgBouncer
from tests.servers.postgres import Cluster, why_missing
from tests.surroundings import set_apart

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

SETTINGS = """\
[organisation]
name = "Example Campaigns"
postal_address = "1 Example Street, London N1 1AA, United Kingdom"
website = "https://example.org"

[sender]
from = "Example Campaigns <appeals@example.org>"
reply_to = "Example Campaigns <hello@example.org>"

[public]
url = "https://mail.example.org"
unsubscribe_mailto = "unsubscribe@example.org"
"""

LIST = """\
title = "Supporters"
list_id = "supporters.lists.example.org"
description = "You signed up at example.org."
consent = "Yes, mail me about campaigns."
"""

SECRETS = """\
signing_keys = ["a-signing-key-for-tests-that-is-long-enough"]
address_key = "an-address-key-for-tests-that-is-long-enough"
"""

LONG = ("tests/year/", "tests/chaos/", "tests/docs/", "tests/scripts/")  # folders whose tests take many seconds each

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config) -> Iterator[Cluster]:
    """A PostgreSQL server of this test process's own, started when a test first wants it."""
    if reason := why_missing():
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    with Cluster() as running:
        if not pytestconfig.getoption("--pooler"):
            yield running
            return
        with PgBouncer(running) as pooler:
            running.through = pooler.query
            yield running


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database at the program's schema, to be copied: quicker than migrating one for each test."""
    path = tmp_path_factory.mktemp("migrated") / "mailer.db"
    open_database(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def shared_url(cluster: Cluster) -> Iterator[str]:
    """The PostgreSQL database that tests use in turn."""
    url = cluster.create("shared")
    open_database(url).close()
    yield url
    let_go(url)


@pytest.fixture(scope="session")
def new_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> NewDatabase:
    """Makes a database of an engine, empty and without a schema, for tests that keep one or need two."""
    numbers = count(1)

    def make(engine: str) -> str:
        if engine == SQLITE:
            return f"sqlite:///{tmp_path_factory.mktemp('database') / 'mailer.db'}"
        return request.getfixturevalue("cluster").create(f"test{next(numbers)}")

    return make


@pytest.fixture
def engine() -> str:
    """Which engine the test's database is of; `pytest_generate_tests` sets both, one after the other."""
    return SQLITE


@pytest.fixture
def database_setting(request: pytest.FixtureRequest, engine: str, tmp_path: Path) -> str:
    """`database` as mailer.toml takes it, of an empty database at the program's schema."""
    if engine == SQLITE:
        (tmp_path / "workspace").mkdir(exist_ok=True)
        shutil.copyfile(request.getfixturevalue("migrated_file"), tmp_path / "workspace" / "mailer.db")
        return "mailer.db"
    return emptied(request.getfixturevalue("shared_url"))


@pytest.fixture
def workspace(tmp_path: Path, database_setting: str) -> Workspace:
    """A workspace with one list, the repository's templates and no newsletters."""
    root = tmp_path / "workspace"
    (root / "newsletters").mkdir(parents=True)
    (root / "lists").mkdir()
    (root / "mailer.toml").write_text(f'database = "{database_setting}"\n{SETTINGS}', encoding="utf-8")
    (root / "lists" / "supporters.toml").write_text(LIST, encoding="utf-8")
    secrets = root / "secrets.toml"
    secrets.touch(mode=0o600)
    secrets.write_text(SECRETS, encoding="utf-8")
    (root / "templates").symlink_to(REPOSITORY / "templates")
    return find_workspace(root, environ={})


@pytest.fixture
def database(workspace: Workspace) -> Iterator[Database]:
    database = open_database(workspace.settings.database_url)
    yield database
    database.close()


def pytest_configure(config: pytest.Config) -> None:
    """Leave the host's settings behind, and be interruptible: a shell that starts us in the background lets us ignore
    Ctrl-C, and so all processes that the tests interrupt."""
    if (made := set_apart()) is not None:
        config.add_cleanup(lambda: shutil.rmtree(made, ignore_errors=True))
    share_statements()
    gc.set_threshold(50_000, 20, 100)  # as the commands do (mailer/cli/__init__.py)
    settings.register_profile("ours", parent=settings(), deadline=None)  # a law holds however slow the machine is
    settings.load_profile("ours")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """What is loaded by now stays to the end, so nobody has to look through it for garbage."""
    gc.collect()
    gc.freeze()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what uses a database on each engine, unless it is marked as being about SQLite's own things."""
    wants = "database" in metafunc.fixturenames or metafunc.definition.get_closest_marker("both_engines")
    if wants and not metafunc.definition.get_closest_marker("sqlite"):
        metafunc.parametrize("engine", ENGINES)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, or one of them is what all wait for at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--year", type=int, default=0, help="how many people tests/year begins with; `make year`")
    parser.addoption("--pooler", action="store_true", help="put PgBouncer in transaction mode before PostgreSQL")
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew instead of comparing")
    parser.addoption(
        "--messages", default="200", help="how many made-up messages tests/compose/test_any_message.py compiles"
    )
    parser.addoption("--npm-mjml", default="", help="a folder with npm's mjml, to hold our compiler against it")
    parser.addoption("--long", action="store_true", help="the long form of tests/chaos; `make chaos` runs it")
    parser.addoption("--workers", type=int, default=1, help="by how many processes each run of tests/chaos sends")
    parser.addoption("--chaos-seed", default="20261124", help="what the random moments of tests/chaos come from")
