"""The page of long work: how far it is, what came of it, stopped by those who may, and gone on with beside the page."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from mailer.long_work import topics
from mailer.long_work.orders import WorkStatus, find_work, start_work
from mailer.long_work.running import Running
from mailer.staff.actor import terminal
from mailer.staff.rights import Right, Role
from mailer.web.studio.core.rooms import LongWork, Room
from mailer.web.studio.work.beside import worker_of
from tests.patience import until
from tests.web.studio.conftest import House

ROOM = Room(
    routes=(),
    work={"pretend": LongWork("Pretending", Right.IMPORT, lambda work: f"/lists?{work.id}", "See what came of it")},
)


@pytest.fixture
def more_rooms() -> tuple[Room, ...]:
    return (ROOM,)


@pytest.fixture
def go_on(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set it, and work that waits at 5 of 10 goes on."""
    event = threading.Event()

    def pretend(running: Running) -> Mapping[str, Any]:
        running.noted = float("-inf")
        running.step(5, 10, "people <looked> at")
        while not event.wait(0.01):
            running.step(5, 10, "people <looked> at")
        return {}

    monkeypatch.setitem(topics.WORK, "pretend", pretend)  # type: ignore[arg-type]  # a dict, for tests alone
    return event


def order(house: House) -> int:
    with house.studio.database.write() as connection:
        number = start_work(connection, "pretend", {}, actor=terminal(), now=house.studio.clock())
    worker_of(house.studio).wake()
    return number


def status(house: House, number: int) -> WorkStatus:
    with house.studio.database.read() as connection:
        found = find_work(connection, number)
    assert found
    return found


def words(house: House, number: int, cookie: str | None = None) -> str:
    text = house.get(f"/long-work/{number}", cookie=cookie).text.partition("<main")[2].partition("<dialog")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


@pytest.mark.sqlite
def test_it_goes_on_beside_the_page_and_says_how_far_it_is(house: House, go_on: threading.Event) -> None:
    number = order(house)
    until(lambda: status(house, number).done == 5)
    assert "5 of 10 people &lt;looked&gt; at" in words(house, number)
    go_on.set()
    until(lambda: status(house, number).is_over)
    page = house.get(f"/long-work/{number}").text
    assert f'href="/lists?{number}"' in page
    assert "See what came of it" in words(house, number)
    assert house.get("/long-work/999").status == house.get("/long-work/x").status == 404


@pytest.mark.sqlite
def test_who_may_stops_it_and_nobody_else(house: House, go_on: threading.Event) -> None:
    number = order(house)
    writer, sender = house.sign_in(Role.WRITER), house.sign_in(Role.SENDER)
    for path in ("", "/moves"):
        assert house.get(f"/long-work/{number}{path}", cookie=writer).status == 403
    assert house.post(f"/long-work/{number}/stop", cookie=writer).status == 403
    until(lambda: status(house, number).done == 5)
    assert house.post(f"/long-work/{number}/stop", cookie=sender).status == 303
    until(lambda: status(house, number).is_over)
    assert "Stopped. What was not finished was not done." in words(house, number, sender)
    assert not go_on.is_set()
