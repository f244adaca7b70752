"""The options of the suite, its sites, and the table at the end of the long form."""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from mailer.store.engine.database import open_database
from mailer.workspace import Workspace
from tests.chaos.receivers import receiving
from tests.chaos.site import Site
from tests.chaos.stores import PostgresStore, SqliteStore, Store
from tests.servers.postgres import Cluster

LEAST_KILLS = 200  # of the long form
COLUMNS = ("case", "engine", "transport", "kills", "people", "twice", "lost", "uncertain", "bound")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: only in the long form, with --long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture
def site(request: pytest.FixtureRequest, workspace: Workspace, record_property: object) -> Iterator[Site]:
    """A site on the combination that `on` names, such as sqlite-smtp."""
    engine, transport = request.param.split("-")
    seed = f"{request.config.getoption('--chaos-seed')} {request.node.name}"
    store = _store(request, engine, workspace.root)
    database = open_database(store.url)
    with receiving(transport, workspace.root, seed) as receiver:
        site = Site(
            root=workspace.root,
            database=database,
            store=store,
            receiver=receiver,
            engine=engine,
            transport=transport,
            dice=random.Random(seed),
            long=bool(request.config.getoption("--long")),
            workers=int(str(request.config.getoption("--workers"))),
        )
        try:
            yield site
        finally:
            site.leave()
            request.node.user_properties.append(("chaos", _row(request, site)))


def _store(request: pytest.FixtureRequest, engine: str, root: Path) -> Store:
    if engine == "sqlite":
        return SqliteStore(root / "mailer.db")
    cluster: Cluster = request.getfixturevalue("cluster")
    name = f"site_{random.getrandbits(40):x}"
    cluster.create(name)
    request.addfinalizer(lambda: cluster.drop(name))
    return PostgresStore(cluster, name)


def _row(request: pytest.FixtureRequest, site: Site) -> list[str | int]:
    verdict = site.verdict
    counts = (len(verdict.twice), len(verdict.lost), verdict.uncertain) if verdict else ("?", "?", "?")
    case = request.node.originalname.removeprefix("test_").replace("_", " ")
    return [case, site.engine, site.transport, site.kills, site.people, *counts, site.bound]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    site = getattr(item, "funcargs", {}).get("site")
    if report.failed and site is not None:
        again = f"--chaos-seed {item.config.getoption('--chaos-seed')}" + (" --long" if site.long else "")
        report.sections.append(("chaos", f"again: pytest '{item.nodeid}' {again}\n{site.diary()}"))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not config.getoption("--long") or config.getoption("collectonly"):
        return
    rows = _rows(terminalreporter)
    terminalreporter.section("what arrived against what the ledger says")
    widths = [max(len(str(row[n])) for row in [COLUMNS, *rows]) for n in range(len(COLUMNS))]
    for row in [list(COLUMNS), *sorted(rows, key=str)]:
        cells = [
            str(cell).ljust(w) if n < 3 else str(cell).rjust(w)
            for n, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        terminalreporter.write_line("  ".join(cells))
    terminalreporter.write_line(f"{sum(int(row[3]) for row in rows)} kills in all, on {len(rows)} sites")


def _rows(reporter: pytest.TerminalReporter) -> list[list[str | int]]:
    reports = [
        report for found in reporter.stats.values() for report in found if getattr(report, "when", "") == "teardown"
    ]
    return [value for report in reports for name, value in report.user_properties if name == "chaos"]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """The whole long form must have killed often enough, or it proves less than it says."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    given = session.config
    whole = given.getoption("--long") and not (given.getoption("keyword") or given.getoption("collectonly"))
    if whole and reporter and session.exitstatus == 0 and not any("::" in one or ".py" in one for one in given.args):
        kills = sum(int(row[3]) for row in _rows(reporter))
        if kills < LEAST_KILLS:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
