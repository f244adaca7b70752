"""One thing done to many: the number is typed, the job does it once to each, and nobody comes onto a list unasked."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from mailer.audience.consent.changes import forget, leave, list_id, suppress
from mailer.audience.people.people import list_counts, show, supporters
from mailer.audience.supporter_care.bulk import BulkDeed, BulkOrder
from mailer.long_work.bulk_people import TOPIC, change_many, exported, sweep_exports
from mailer.long_work.orders import WorkStatus, find_work, folder_of
from mailer.long_work.running import Running
from mailer.staff.actor import terminal
from mailer.staff.audit import entries
from mailer.staff.rights import Role
from mailer.store.jobs import STAFF_WORK, Job
from mailer.store.tables.core import people
from mailer.store.tables.states import JobState, SuppressionReason
from tests.patience import until
from tests.reports.builders import ADDRESS_KEY
from tests.web.client import Reply
from tests.web.studio.conftest import House

AGREED = {"source": "paper forms", "wording": "Yes, mail me news."}


@pytest.fixture(autouse=True)
def news(house: House) -> None:
    (house.workspace.lists / "news.toml").write_text('title = "News"\nlist_id = "news.lists.example.org"\n')


def press(house: House, query: str, cookie: str = "", **fields: str) -> Reply:
    body = urlencode(fields).encode()
    return house.post(f"/people/bulk?{query}", body, **({"cookie": cookie} if cookie else {}))


def done(house: House, reply: Reply) -> WorkStatus:
    assert reply.status == 303, reply.text
    number = int(reply.headers["location"].rpartition("/")[2])

    until(lambda: status(house, number).is_over)
    found = status(house, number)
    assert found.state is JobState.DONE, found.detail
    return found


def status(house: House, number: int) -> WorkStatus:
    with house.studio.database.read() as connection:
        found = find_work(connection, number)
    assert found
    return found


def fields_of(house: House) -> Mapping[int, Mapping[str, str]]:
    with house.studio.database.read() as connection:
        return supporters(connection, [1, 2, 3])


def test_they_are_tagged_once_the_number_is_typed(house: House) -> None:
    page = house.get("/people/bulk?q=mary").text
    assert "3 people" in page
    wrong = press(house, "q=mary", deed="tag", tag="Swimmer", number="2")
    assert wrong.status == 422
    assert "They are 3 people, not 2" in wrong.text
    assert press(house, "q=mary", deed="tag", tag="a,b", number="3").status == 422
    assert press(house, "q=mary", deed="nothing", number="3").status == 400
    done(house, press(house, "q=mary", deed="tag", tag="Swimmer", number="3"))
    assert [one["tags"] for one in fields_of(house).values()] == ["Swimmer"] * 3
    done(house, press(house, "tag=swimmer&q=mary2", deed="untag", tag="SWIMMER", number="1"))
    assert [one["tags"] for one in fields_of(house).values()] == ["Swimmer", "", "Swimmer"]
    with house.studio.database.read() as connection:
        told = [(one.action, one.detail) for one in entries(connection)][:2]
    assert told == [("a tag taken off people", "1 person, tag SWIMMER"), ("people tagged", "3 people, tag Swimmer")]


def test_who_left_or_is_stopped_comes_onto_no_list(house: House) -> None:
    now = house.studio.clock()
    with house.studio.database.write() as connection:
        number = list_id(connection, "news")
        connection.exec_driver_sql(
            f"INSERT INTO subscriptions (list_id, person_id, status, changed_at) VALUES ({number}, 1, 'subscribed', 0)"
        )
        leave(connection, person_id=1, list_ids=[number], how="link", source="x", at=now)
        hashed = connection.execute(select(people.c.address_hash).where(people.c.id == 2)).scalar_one()
        suppress(connection, address_hash=hashed, reason=SuppressionReason.BOUNCED, at=now)
    for missing in ({}, {"source": "x"}, {"wording": "x"}):
        assert press(house, "q=mary", deed="list", name="news", number="3", **missing).status == 422
    work = done(house, press(house, "q=mary", deed="list", name="news", number="3", **AGREED))
    assert work.result
    assert (work.result["people"], work.result["changed"]) == (3, 1)
    with house.studio.database.read() as connection:
        assert list_counts(connection)["news"].subscribed == 1
        found = show(connection, "mary3@example.org", address_key=ADDRESS_KEY)
    assert found
    (proof,) = [one for one in found.consents if one.list == "news"]
    assert (proof.how, proof.source, proof.wording) == ("staff", "paper forms", "Yes, mail me news.")


def test_they_are_unsubscribed_and_exported(house: House) -> None:
    done(house, press(house, "list=supporters", deed="leave", name="supporters", number="3"))
    with house.studio.database.read() as connection:
        assert list_counts(connection)["supporters"].subscribed == 0
    work = done(house, press(house, "q=mary", deed="export", number="3"))
    reply = house.get(f"/people/exports/{work.id}")
    rows = list(csv.DictReader(io.StringIO(reply.text.removeprefix("\ufeff"))))
    assert [row["email"] for row in rows] == [f"mary{n}@example.org" for n in (1, 2, 3)]
    assert house.get(f"/people/exports/{work.id}", cookie=house.sign_in(Role.ADMIN)).status == 404, "another's file"


@pytest.mark.parametrize("asked_for", [True, False])
def test_an_export_is_taken_away_when_somebody_in_it_is_forgotten(house: House, asked_for: bool) -> None:
    """It would still name them. Who asks for it is told; and nobody need ask."""
    work = done(house, press(house, "q=mary", deed="export", number="3"))
    file = exported(folder_of(house.workspace.root, work.id))
    look = datetime.now(UTC) + timedelta(hours=2)
    with house.studio.database.write() as connection:
        sweep_exports(connection, house.workspace.root, now=look)
        assert file.exists(), "nobody was forgotten"
        forget(connection, address="mary2@example.org")
    if asked_for:
        reply = house.get(f"/people/exports/{work.id}")
        assert (reply.status, "mary2" in reply.text) == (422, False)
    else:
        with house.studio.database.read() as connection:
            sweep_exports(connection, house.workspace.root, now=look + timedelta(hours=2))
    assert not file.exists()


def test_who_may_do_what(house: House) -> None:
    sender = house.sign_in(Role.SENDER)
    limited = house.sign_in(Role.SENDER, "Tom", lists=("news",))
    assert press(house, "q=mary", sender, deed="export", number="3").status == 403
    assert press(house, "q=mary", limited, deed="leave", number="0").status == 403
    assert press(house, "q=mary", limited, deed="list", name="supporters", number="0", **AGREED).status == 403
    assert "Nobody fits" in house.get("/people/bulk?q=mary", cookie=limited).text


def test_a_job_that_was_broken_off_goes_on_with_the_same_people(house: House) -> None:
    """Which people it is about is noted before anything is done to them: by now the search finds nobody."""
    work = done(house, press(house, "list=supporters&tag=", deed="tag", tag="x", number="3"))
    job = Job(STAFF_WORK, work.id, 1, "", TOPIC, work.created_at, "", b"")
    order = BulkOrder(BulkDeed.TAG, {"list": "nowhere"}, None, tag="x")
    running = Running(
        job, order.to_json(), terminal(), house.workspace, house.studio.database, house.studio.clock, noted=float("inf")
    )
    again = change_many(running)
    assert (again["people"], again["changed"]) == (3, 0)
