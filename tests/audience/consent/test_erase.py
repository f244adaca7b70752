"""A person's story is whole, and forgetting takes it out of every table: nothing names them, and the figures stay."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from mailer.audience.addresses import address_hash
from mailer.audience.consent.changes import forget, leave, list_id, suppress
from mailer.audience.consent.scrub import FORGOTTEN
from mailer.audience.people.people import show
from mailer.store.engine.database import Database
from mailer.store.jobs import NOTICE, PROVIDER_POST, WEBHOOK_CALL, add
from mailer.store.tables.core import deliveries, events, hits, links, metadata, suppressions
from mailer.store.tables.inbound import (
    conversions,
    provider_events,
    requests,
    returned_mails,
    signatures,
    statements,
)
from mailer.store.tables.jobs import jobs
from mailer.store.tables.states import DeliveryState, Frequency, SuppressionReason
from tests.audience.world import KEY, add_campaign, add_person, deliver, subscribe

ADDRESS = "person1@example.org"
TRACES = ("person1", "Zuleika", "Dobson", "SW1A", "secret wish", "OddBrowser")
CAMPAIGN = 7


def everything_about_somebody(connection: Connection, now: datetime) -> None:
    """A row in each table that can name the person 1, and the same tables for the person 2."""
    a = list_id(connection, "a")
    for number in (1, 2):
        add_person(connection, number, first_name="Zuleika" if number == 1 else "Max", frequency=Frequency.MONTHLY)
        subscribe(connection, number, a)
    add_campaign(connection, CAMPAIGN, "appeal")
    connection.execute(update(links).where(links.c.n == 1).values(label="Add your name"))
    for number in (1, 2):
        deliver(connection, CAMPAIGN, number, number=number, state=DeliveryState.SENT)
    one = connection.execute(select(deliveries.c.id).where(deliveries.c.person_id == 1)).scalar_one()
    connection.execute(
        deliveries.update()
        .where(deliveries.c.id == one)
        .values(code="550 5.1.1", detail=f"<{ADDRESS}> unknown", changed_at=now)
    )
    later = now + timedelta(hours=2)
    about = {"campaign_id": CAMPAIGN, "delivery_id": one}
    rows: list[tuple[Any, dict[str, Any]]] = [
        (events, {**about, "at": now, "kind": "bounced", "detail": f"550 {ADDRESS}"}),
        (hits, {**about, "n": 1, "at": now + timedelta(hours=1), "method": "GET", "network": b"12345678",
                "headers": {"user-agent": "OddBrowser"}, "verdict": "human", "rules": 1}),
        (statements, {"id": 1, "page": "appeal", "text": "I ask."}),
        (signatures, {**about, "n": 1, "page": "appeal", "person_id": 1, "statement_id": 1, "first_name": "Zuleika",
                      "last_name": "Dobson", "country": "GB", "postcode": "SW1A", "comment": "secret wish",
                      "shown": True, "signed_at": later, "changed_at": later}),
        (requests, {"id": 1, "kind": "join", "address": ADDRESS, "source": "x", "asked_at": now}),
        (requests, {"id": 2, "kind": "address", "address": "new@example.org", "person_id": 1, "source": "x",
                         "asked_at": now, "fields": {"first_name": "Zuleika"}}),
        (conversions, {**about, "name": "donated", "reference": ADDRESS, "at": now + timedelta(hours=3),
                       "source": "api"}),
        (provider_events, {"provider": "sendgrid", "key": "k", "kind": "x", "at": now, "delivery_id": one,
                           "payload": {"reason": f"{ADDRESS} is odd"}, "why": "unknown"}),
        (returned_mails, {"digest": "d", "at": now, "kind": "unknown", "sender": "Zuleika <PERSON1@example.org>",
                          "subject": "secret wish"}),
    ]  # fmt: skip
    for table, row in rows:
        connection.execute(insert(table).values(row))
    add(connection, NOTICE, b'{"first_name":"Zuleika"}', at=now, address=ADDRESS)
    add(connection, WEBHOOK_CALL, b'{"email":"person1-before@example.org"}', at=now, person_id=1)
    posted = f'[{{"email":"{ADDRESS}"}},{{"email":"person2@example.org"}}]'.encode()
    add(connection, PROVIDER_POST, posted, at=now, topic="sendgrid")
    suppress(connection, address_hash=address_hash(ADDRESS, KEY), reason=SuppressionReason.BOUNCED, at=now,
             source=f"550 5.1.1 <{ADDRESS}> unknown")  # fmt: skip
    leave(connection, person_id=1, list_ids=[a], how="link", source="appeal", at=now)


def contents(connection: Connection) -> dict[str, str]:
    return {table.name: repr(connection.execute(select(table)).all()) for table in metadata.sorted_tables}


def test_nothing_names_a_person_who_was_forgotten(database: Database, now: datetime) -> None:
    with database.write() as connection:
        everything_about_somebody(connection, now)
        before = contents(connection)
        named = {name for name, text in before.items() if any(trace.lower() in text.lower() for trace in TRACES)}
        assert len(named) >= 10, "or this test looks at nothing"
        assert forget(connection, address=ADDRESS)
        after = contents(connection)
    for name, text in after.items():
        for trace in TRACES:
            assert trace.lower() not in text.lower(), f"{trace} still stands in {name}"


def test_the_figures_and_everybody_else_stay(database: Database, now: datetime) -> None:
    with database.write() as connection:
        everything_about_somebody(connection, now)
        forget(connection, address=ADDRESS)
        for table, number in ((deliveries, 2), (hits, 1), (signatures, 1), (conversions, 1), (events, 1)):
            assert connection.execute(select(func.count()).select_from(table)).scalar() == number, table.name
        assert connection.execute(select(signatures.c.campaign_id)).scalar() == CAMPAIGN, "still counted for its mail"
        kept = set(connection.execute(select(suppressions.c.address_hash)).scalars())
        assert kept == {address_hash(ADDRESS, KEY)}
        post = bytes(connection.execute(select(jobs.c.payload)).scalar_one())
        assert json.loads(post) == [{"email": FORGOTTEN}, {"email": "person2@example.org"}]
        other = show(connection, "person2@example.org", address_key=KEY)
    assert other is not None
    assert [moment.kind for moment in other.story] == ["mail"]


def test_the_story_is_told_in_the_order_of_time(database: Database, now: datetime) -> None:
    with database.write() as connection:
        everything_about_somebody(connection, now)
        found = show(connection, ADDRESS, address_key=KEY)
    assert found is not None
    kinds = [moment.kind for moment in found.story]
    assert kinds == ["consent", "event", "mail", "click", "signature", "conversion"]
    assert [moment.at for moment in found.story] == sorted(moment.at for moment in found.story)
    click = found.story[3]
    assert (click.what, click.detail) == ("appeal", "Add your name · human · OddBrowser")
    assert "secret wish" in found.story[4].detail
    assert found.frequency == "monthly"
