"""A file on its way into a list: brought in pieces, and followed to where each step of its import leads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from mailer.long_work.desk import WorkDesk
from mailer.long_work.topics import WORK
from mailer.store.admin.copy import go_on_from
from mailer.store.jobs import STAFF_WORK
from mailer.store.tables.core import people
from mailer.store.tables.jobs import jobs
from tests.patience import until
from tests.web.client import Reply
from tests.web.studio.conftest import House

PEOPLE = "email,first_name,town\nada@example.org,Ada,York\nbob@example.org,Bob,\nbad,,\n"
AGREED = {"agreed": "Sign-up form", "which": "other", "wording": "Yes, send me news."}


@pytest.fixture
def house(house: House) -> House:
    """As everywhere, and people may be added: those there are were numbered by hand."""
    with house.studio.database.write() as connection:
        go_on_from(connection, people, 4)
    return house


def press(house: House, path: str, *, cookie: str | None = None, **fields: str) -> Reply:
    return house.post(path, urlencode(fields).encode(), cookie=cookie)


def begin(house: House, content: bytes, name: str = "people.csv", *, cookie: str | None = None) -> str:
    """The address of an upload of which nothing has come."""
    reply = press(house, "/imports/files", name=name, size=str(len(content)), list="supporters", cookie=cookie)
    assert reply.status == 200, reply.text
    return str(json.loads(reply.body)["address"])


def put(house: House, address: str, at: int, piece: bytes, digest: str = "") -> tuple[int, Mapping[str, object]]:
    digest = digest or hashlib.sha256(piece).hexdigest()
    reply = house.post(f"{address}/piece?at={at}&sha256={digest}", piece)
    return reply.status, json.loads(reply.body)


def bring(house: House, content: str | bytes = PEOPLE, name: str = "people.csv") -> str:
    """The address of a file that was brought and looked over."""
    data = content.encode() if isinstance(content, str) else content
    address = begin(house, data, name)
    status, told = put(house, address, 0, data)
    assert (status, told["next"]) == (200, address)
    done(house)
    return address


def done(house: House) -> None:
    """Whoever does it, what was asked for is done."""
    desk = WorkDesk(house.studio.reader.read, house.studio.database, house.studio.clock, WORK)
    desk.do_due()
    until(lambda: not _busy(house))


def _busy(house: House) -> bool:
    with house.studio.database.read() as connection:
        open_still = select(jobs.c.id).where(jobs.c.kind == STAFF_WORK.name, jobs.c.done_at.is_(None))
        return connection.execute(open_still).first() is not None


def imported(house: House, content: str | bytes = PEOPLE, name: str = "people.csv") -> str:
    """The address of an import that was done."""
    address = bring(house, content, name)
    assert press(house, f"{address}/columns").headers["location"] == f"{address}/consent"
    assert press(house, f"{address}/consent", **AGREED).status == 303
    done(house)
    assert press(house, f"{address}/import").status == 303
    done(house)
    return str(house.get(address).headers["location"])
