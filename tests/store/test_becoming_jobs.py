"""Migration 0010: notices, webhook calls and posts of the schema before become jobs, none lost, each as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from mailer.delivery.notices.queue import Notice, NoticeKind, read_notice
from mailer.store.engine.database import Database, migrate_database, open_database
from mailer.store.engine.dialects import make_engine
from mailer.store.jobs import NOTICE, PROVIDER_POST, WEBHOOK_CALL, any_old, claim, count_jobs, prune
from mailer.store.tables.jobs import jobs
from mailer.store.tables.states import JobState
from mailer.store.tables.types import EPOCH, to_microseconds
from tests.conftest import NOW
from tests.databases import ENGINES, NewDatabase
from tests.store.catalogue import all_rows
from tests.store.earlier_versions import dump_of, load

HOUR = timedelta(hours=1)
ADDRESS = "größe@example.org"
SAID = {"lists": ["supporters", 'a "b"'], "confirmation": str(2**62 - 1)}
CALL = {"event": "signature.made", "email": ADDRESS, "first_name": 'Jörg "J" \\ O\'Brien', "at": "12:00:00"}
BODY = b'[{"email":"mary@example.org"}]\x00\xff'


def at(moment: datetime) -> int:
    return to_microseconds(moment)


def old_rows() -> dict[str, list[dict[str, Any]]]:
    """The three tables of 0009, with a row in each state."""
    notice: dict[str, Any] = {
        "kind": "confirm-join", "address": ADDRESS, "language": "fr", "fields": json.dumps(SAID, ensure_ascii=False),
        "attempt": 1, "not_before": at(NOW), "lease_until": None, "code": "", "detail": "",
        "created_at": at(NOW - HOUR),
    }  # fmt: skip
    call: dict[str, Any] = {
        "event": "signature.made", "payload": json.dumps(CALL, ensure_ascii=False, separators=(",", ":")),
        "person_id": 1, "attempt": 2, "not_before": at(NOW), "detail": "HTTP 500", "created_at": at(NOW - HOUR),
    }  # fmt: skip
    post: dict[str, Any] = {
        "provider": "sendgrid",
        "at": at(NOW - HOUR),
        "body": BODY,
        "applied_at": None,
        "trouble": "",
    }
    emptied = {"address": "", "fields": "{}", "state": "sent", "created_at": at(NOW - 20 * 24 * HOUR)}
    return {
        "notices": [
            notice | {"id": 1, "state": "queued", "code": "451", "detail": "greylisted"},
            notice | {"id": 2, "state": "sending", "lease_until": at(NOW + HOUR)},
            notice | {"id": 3, "state": "sent"},
            notice | {"id": 4, "state": "failed", "code": "550 5.1.1", "detail": "no such user"},
            notice | {"id": 5, "state": "uncertain"},
            notice | emptied | {"id": 6, "not_before": at(NOW - 20 * 24 * HOUR)},
        ],
        "webhook_calls": [
            call | {"id": 1, "state": "queued"},
            call | {"id": 2, "state": "sent", "payload": "{}", "detail": ""},
            call | {"id": 3, "state": "failed"},
        ],
        "provider_posts": [
            post | {"id": 1},
            post | {"id": 2, "applied_at": at(NOW)},
            post | {"id": 3, "applied_at": at(NOW), "trouble": "the body is not JSON"},
        ],
    }  # fmt: skip


@pytest.fixture(params=ENGINES)
def migrated(request: pytest.FixtureRequest, new_database: NewDatabase) -> Iterator[Database]:
    """A database of 0009 with these rows, migrated and opened."""
    url = new_database(request.param)
    load(dump_of("0009", request.param), url)
    engine = make_engine(url)
    with engine.begin() as connection:
        for table, rows in old_rows().items():
            for row in rows:
                names = ", ".join(row)
                values = ", ".join(f":{name}" for name in row)
                connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), row)
    engine.dispose()
    migrate_database(url)
    database = open_database(url)
    yield database
    database.close()


def found(database: Database, kind: str) -> list[dict[str, Any]]:
    return [row for row in all_rows(database.engine)["jobs"] if row["kind"] == kind]


def test_none_is_lost_and_each_is_in_its_state(migrated: Database) -> None:
    expected = {
        "notice": ["queued", "running", "done", "failed", "uncertain", "done"],
        "webhook-call": ["queued", "done", "failed"],
        "provider-post": ["queued", "done", "failed"],
    }
    assert {kind: [row["state"] for row in found(migrated, kind)] for kind in expected} == expected
    everything = [row for kind in expected for row in found(migrated, kind)]
    assert [row["id"] for row in everything] == list(range(1, 13))
    assert all((row["done_at"] is None) == (row["state"] in ("queued", "running")) for row in everything)
    with migrated.read() as connection:
        assert count_jobs(connection, WEBHOOK_CALL) == {JobState.QUEUED: 1, JobState.FAILED: 1}


def test_what_was_queued_is_done_as_it_would_have_been(migrated: Database) -> None:
    assert claim(migrated, NOTICE, now=NOW - HOUR / 2) is None
    notice = claim(migrated, NOTICE, now=NOW)
    assert notice is not None
    assert read_notice(notice) == Notice(
        NoticeKind.CONFIRM_JOIN, ADDRESS, "fr", tuple(SAID["lists"]), int(str(SAID["confirmation"]))
    )
    assert (notice.key, notice.attempt, notice.created_at) == (f"n1.{at(NOW - HOUR):x}", 2, NOW - HOUR)
    call = claim(migrated, WEBHOOK_CALL, now=NOW)
    assert call is not None
    assert json.loads(call.payload) == CALL
    assert ADDRESS.encode() in call.payload
    assert (call.key, call.attempt) == (f"1-{at(NOW - HOUR):x}", 3), "the other side knows this Mailer-Id"
    post = claim(migrated, PROVIDER_POST, now=NOW)
    assert post is not None
    assert (post.payload, post.topic, post.created_at) == (BODY, "sendgrid", NOW - HOUR)
    for kind in (NOTICE, WEBHOOK_CALL, PROVIDER_POST):
        assert claim(migrated, kind, now=NOW) is None


def test_one_that_was_under_way_becomes_uncertain_when_its_lease_ends(migrated: Database) -> None:
    assert claim(migrated, NOTICE, now=NOW)
    claim(migrated, NOTICE, now=NOW + 2 * HOUR)
    assert [row["state"] for row in found(migrated, "notice")][1] == "uncertain"


def test_what_named_nobody_still_names_nobody_and_the_rest_is_cleared_in_its_time(migrated: Database) -> None:
    notices, calls = found(migrated, "notice"), found(migrated, "webhook-call")
    assert (notices[5]["address"], bytes(notices[5]["payload"])) == ("", b"")
    assert (calls[1]["person_id"], bytes(calls[1]["payload"])) == (None, b"")
    assert [row["person_id"] for row in (calls[0], calls[2])] == [1, 1]
    with migrated.write() as connection:
        assert connection.execute(jobs.select().where(any_old(NOW + HOUR))).first() is None
        prune(connection, now=NOW + 8 * 24 * HOUR)
    assert [row["address"] for row in found(migrated, "notice")] == [ADDRESS, ADDRESS, "", "", "", ""]
    assert [row["state"] for row in found(migrated, "provider-post")] == ["queued"]
    assert found(migrated, "provider-post")[0]["due_at"] == at(EPOCH)
