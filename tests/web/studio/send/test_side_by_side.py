"""Several studios on one database, the public door beside one, and a studio that dies as soon as it was pressed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import Connection, event, func, select

from mailer.compose.source.message_file import read_source
from mailer.delivery.campaigns import orders
from mailer.delivery.campaigns.approved import content_of
from mailer.delivery.campaigns.lifecycle import find_campaign
from mailer.delivery.campaigns.plan import prepare
from mailer.staff.actor import terminal
from mailer.staff.rights import Role
from mailer.store.engine.database import Database, open_database
from mailer.store.tables.core import campaigns, images, links
from mailer.store.tables.staff import audit_log
from mailer.web.server import listen
from mailer.web.studio.app import create_app, open_studio
from mailer.web.studio.core.access import cookie_name
from mailer.workspace import Workspace
from tests.patience import until
from tests.reports.builders import add_people
from tests.web.client import BROWSER, fetch, serving
from tests.web.studio.conftest import BODY, FRONT, SLUG, House
from tests.web.studio.send.test_send import ROOM, campaign, decisions, page_of, send
from tests.web.test_serve import started

MAILER = [sys.executable, "-m", "mailer"]


@pytest.fixture
def second(house: House) -> Iterator[House]:
    """Another studio on the same database and files, with connections of its own."""
    with listen("127.0.0.1", 0) as held:
        port = held.getsockname()[1]
    database = open_database(house.workspace.settings.database_url)
    studio = open_studio(
        house.workspace, database, clock=house.studio.clock, origins=[f"http://127.0.0.1:{port}"], is_private=True
    )
    with serving(create_app(studio), port=port) as served:
        yield House(served, studio, house.workspace, f"{cookie_name(studio, 'run')}={studio.run_key}")
        studio.stopping.set()
    database.close()


def test_what_is_ordered_in_one_studio_is_stopped_in_another(house: House, second: House) -> None:
    sender, there = house.sign_in(Role.SENDER, "Siân"), second.sign_in(Role.SENDER, "Siân")
    approver = second.sign_in(Role.APPROVER, "Amina")
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page_of(house, sender)))
    form["number"] = "3"
    assert "Only senders can do this" in page_of(second, approver)
    assert send(house, form, cookie=sender).status == 303
    assert "Leaves at 09:10" in page_of(second, approver)
    assert send(second, form, cookie=there).status == 303  # pressed again where another studio answers
    assert second.post(f"{ROOM}/stop", cookie=approver).status == 303
    assert "Stopped" in page_of(house, sender)
    assert send(second, form, cookie=there).status == 422
    assert campaign(house) is None
    assert decisions(house) == ["newsletter scheduled", "newsletter taken off the schedule"]


def test_an_order_that_dies_at_any_statement_leaves_nothing(house: House) -> None:
    workspace, database, now = house.workspace, house.studio.database, house.studio.clock()
    content = content_of(prepare(database, read_source(workspace.newsletter(SLUG))).plan, leaves=None)
    order = orders.Order(
        prepare(database, read_source(workspace.newsletter(SLUG))).plan,
        content,
        terminal(),
        workspace.settings.studio,
        known=0,
    )
    for n in range(1, 100):
        with dying_at(database, n) as died, suppress(RuntimeError):
            orders.send_after_hold(database, order, now=now)
        with database.read() as connection:
            kept = [
                connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (campaigns, links, images, audit_log)
            ]
        if not died:
            assert n > 5, "statements were not counted"
            assert kept[0] == kept[3] == 1
            return
        assert kept == [0, 0, 0, 0], n
    raise AssertionError("it never came to its end")


def test_a_studio_that_is_killed_once_it_was_pressed_loses_nothing(workspace: Workspace, database: Database) -> None:
    """`mailer studio` and `mailer serve` beside each other, each a process: ordered, killed, sent, followed."""
    folder = workspace.newsletters / SLUG
    folder.mkdir()
    words = BODY.replace("![A notebook and a lamp](lamp.png)\n", "")
    (folder / "message.md").write_text(FRONT + words, encoding="utf-8")
    with (workspace.root / "mailer.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[studio]\nhold = "1s"\n')
    with database.write() as connection:
        add_people(connection, 3, now=datetime.now(UTC) - timedelta(days=1))
    with started(workspace.root) as (_serve, public):
        with a_studio(workspace.root) as (process, port, cookie):
            form = read_form(port, cookie)
            body = urlencode({**form, "number": "3"}).encode()
            origin = {"Origin": f"http://127.0.0.1:{port}", "Content-Type": "application/x-www-form-urlencoded"}
            reply = fetch(port, ROOM, method="POST", body=body, headers={**BROWSER, **origin, "Cookie": cookie})
            process.send_signal(signal.SIGKILL)
            assert reply.status == 303
        until(lambda: run(workspace.root) and state_of(database) == "finished")
        mails = [path.read_text(encoding="utf-8") for path in (workspace.root / "outbox" / "new").iterdir()]
        assert sorted(re.findall(r"(?m)^To: .*?(mary\d)@", "\n".join(mails))) == ["mary1", "mary2", "mary3"]
        link = re.search(r"/c/[^\s\"<>]+", re.sub(r"=\r?\n", "", mails[0]))
        assert link
        assert fetch(public, link[0]).status == 302
        with a_studio(workspace.root) as (_process, port, cookie):
            again = fetch(port, ROOM, headers={**BROWSER, "Cookie": cookie})
            assert again.status == 303  # to where it is followed


@contextmanager
def a_studio(root: Path) -> Generator[tuple[subprocess.Popen[str], int, str], None, None]:
    """`mailer studio` in a process of its own: its port, and the cookie of this machine's browser."""
    environ = {**os.environ, "MAILER_WORKSPACE": str(root), "PYTHONUNBUFFERED": "1"}
    words = [*MAILER, "studio", "--no-open", "--port", "0"]
    with subprocess.Popen(words, env=environ, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)(/open/\S+)", line)
        assert found, line
        try:
            opened = fetch(int(found[1]), found[2])
            yield process, int(found[1]), opened.headers["set-cookie"].partition(";")[0]
        finally:
            process.kill()


def read_form(port: int, cookie: str) -> dict[str, str]:
    page = fetch(port, f"{ROOM}?whole", headers={**BROWSER, "Cookie": cookie})
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))


def run(root: Path) -> bool:
    subprocess.run([*MAILER, "run"], cwd=root, check=True, capture_output=True)
    return True


def state_of(database: Database) -> str:
    with database.read() as connection:
        row = find_campaign(connection, SLUG)
    return row.state if row is not None else ""


@contextmanager
def dying_at(database: Database, n: int) -> Generator[list[int], None, None]:
    """The nth statement fails, as if the program had died before it; yields a list that isn't empty once it did."""
    counted, died = [0], list[int]()

    def count(_connection: Connection, *_given: object) -> None:
        counted[0] += 1
        if counted[0] == n:
            died.append(n)
            raise RuntimeError("died")

    event.listen(database.engine, "before_cursor_execute", count)
    try:
        yield died
    finally:
        event.remove(database.engine, "before_cursor_execute", count)
