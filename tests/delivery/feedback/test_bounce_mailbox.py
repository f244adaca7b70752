"""Mails that came back, acted on: on both engines, once, and only by our token."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, Table, select, update

from mailer.delivery.feedback.bounce_mailbox import Judged, take
from mailer.delivery.feedback.unclear_mails import unclear_mails
from mailer.settings import Bounces
from mailer.store.engine.database import Database
from mailer.store.tables.core import consent_sources, deliveries, events, subscriptions, suppressions
from mailer.store.tables.inbound import returned_mails
from mailer.store.tables.states import ReturnedKind
from mailer.tracking.tokens import Named, Purpose, Signer
from tests.reports.builders import SLUG, add_campaign, add_deliveries, add_people, delivery_id, make_message

FOLDER = Path(__file__).parent / "returned"
SIGNER = Signer([b"a-signing-key-for-tests-that-is-long-enough"])


@pytest.fixture
def world(database: Database, now: datetime) -> Database:
    with database.write() as connection:
        add_people(connection, 2, now=now)
        add_campaign(connection, make_message(), now=now)
        add_deliveries(connection, [1, 2], now=now, changed_at=now)
    return database


def mail(name: str) -> bytes:
    return (FOLDER / f"{name}.eml").read_bytes()


def read(database: Database, *names: str, at: datetime) -> list[Judged]:
    with database.write() as connection:
        return take(connection, [mail(name) for name in names], signer=SIGNER, soft=Bounces(), now=at)


def rows(database: Database, table: Table) -> list[Row[Any]]:
    with database.read() as connection:
        return list(connection.execute(select(table).order_by(*table.primary_key)).all())


@pytest.mark.parametrize(
    ("name", "reply_class"),
    [
        ("postfix-unknown-user", "hard"),
        ("postfix-mailbox-full", "soft"),
        ("postfix-spam", "policy"),
        ("exim-unknown-user", "hard"),
        ("exim-mailbox-full", "soft"),
        ("exim-no-code", "hard"),
        ("microsoft365-not-found", "hard"),
        ("gmail-not-found", "hard"),
        ("amazon-ses-mailbox-full", "soft"),
        ("sendmail-unknown-user", "hard"),
        ("qmail-unknown-user", "hard"),
        ("qmail-over-quota", "soft"),
        ("yahoo-no-such-account", "hard"),
    ],
)
def test_a_bounce_is_noted_by_its_class_and_only_a_hard_one_suppresses(
    world: Database, now: datetime, name: str, reply_class: str
) -> None:
    at = now + timedelta(hours=1)
    (judged,) = read(world, name, at=at)
    assert judged.acts
    assert judged.why.startswith(f"{reply_class}: ")
    (event,) = rows(world, events)
    assert (event.kind, event.reply_class, event.delivery_id, event.at) == ("bounced", reply_class, delivery_id(1), at)
    assert "@" not in event.detail
    assert [(row.state, row.feedback) for row in rows(world, deliveries)] == [("sent", "bounced"), ("sent", "")]
    assert [row.reason for row in rows(world, suppressions)] == ["bounced"] * (reply_class == "hard")


@pytest.mark.parametrize(
    ("said", "reply_class"),
    [
        ("550 5.1.1 <x>: Sender address rejected: User unknown", "ours"),
        ("550 5.1.1 HELO rejected", "ours"),
        ("552 5.1.1 over quota", "soft"),
        ("550 5.1.1 listed by a blocklist", "policy"),
        ("450 4.7.1 greylisted", "soft"),
        ("550 5.7.1 no such user", "hard"),
    ],
)
def test_who_the_other_server_speaks_of_beats_the_status(
    world: Database, now: datetime, said: str, reply_class: str
) -> None:
    head, _, rest = mail("postfix-unknown-user").partition(b"Diagnostic-Code: ")
    folded, _, after = rest.partition(b"\n\n")
    assert folded
    assert b"Status: 5.1.1" in head
    raw = head + f"Diagnostic-Code: smtp; {said}\n\n".encode() + after
    with world.write() as connection:
        (judged,) = take(connection, [raw], signer=SIGNER, soft=Bounces(), now=now)
    assert judged.why.startswith(f"{reply_class}: ")
    assert [row.reply_class for row in rows(world, events)] == [reply_class]
    assert len(rows(world, suppressions)) == (reply_class == "hard")


def test_a_report_whose_quoted_reply_says_nothing_is_judged_by_what_it_tells_people(
    world: Database, now: datetime
) -> None:
    raw = (
        mail("postfix-unknown-user")
        .replace(b"Status: 5.1.1", b"Status: 5.0.0")
        .replace(b"Diagnostic-Code", b"X-Nothing")
    )
    with world.write() as connection:
        (judged,) = take(connection, [raw], signer=SIGNER, soft=Bounces(), now=now)
    assert judged.why.startswith("hard: ")


def test_a_bounce_settles_who_was_uncertain(world: Database, now: datetime) -> None:
    with world.write() as connection:
        connection.execute(update(deliveries).values(state="uncertain", attempt=3))
    read(world, "postfix-mailbox-full", at=now)
    assert [row.state for row in rows(world, deliveries)] == ["sent", "uncertain"]


def test_a_complaint_suppresses_and_leaves(world: Database, now: datetime) -> None:
    read(world, "yahoo-complaint", at=now)
    assert {row.reason for row in rows(world, suppressions)} == {"complained", "unsubscribed"}
    assert rows(world, subscriptions)[0].status == "unsubscribed"
    assert rows(world, consent_sources)[0].how == "complaint"


@pytest.mark.parametrize("name", ["unsubscribe", "unsubscribe-in-the-text", "unsubscribe-as-mailed-before"])
def test_a_wish_by_mail_is_honoured_with_proof(world: Database, now: datetime, name: str) -> None:
    read(world, name, at=now)
    assert [row.status for row in rows(world, subscriptions)] == ["unsubscribed", "subscribed"]
    (source,) = rows(world, consent_sources)
    assert (source.how, source.source) == ("mail", SLUG)


@pytest.mark.parametrize("name", ["gmail-over-quota-delayed", "vacation", "somebody-writes"])
def test_other_mails_change_nothing(world: Database, now: datetime, name: str) -> None:
    before = rows(world, deliveries)
    (judged,) = read(world, name, at=now)
    assert not judged.acts
    assert rows(world, deliveries) == before
    assert rows(world, events) == rows(world, suppressions) == []


def test_each_mail_is_read_once_wherever_it_stands(world: Database, now: datetime) -> None:
    read(world, "unsubscribe", "unsubscribe", at=now)
    again = now + timedelta(days=1)
    with world.write() as connection:
        connection.execute(update(subscriptions).values(status="subscribed"))
        crlf = mail("unsubscribe").replace(b"\n", b"\r\n")  # the same from a server that ends lines otherwise
        (judged,) = take(connection, [crlf], signer=SIGNER, soft=Bounces(), now=again)
    assert judged.again
    assert len(rows(world, returned_mails)) == 1
    assert rows(world, subscriptions)[0].status == "subscribed"


def test_only_what_acted_on_nobody_is_listed_with_its_sender(world: Database, now: datetime) -> None:
    read(world, "postfix-unknown-user", "vacation", "somebody-writes", "unsubscribe", at=now)
    with world.read() as connection:
        (row,) = unclear_mails(connection)
    found = (row.at, row.kind, row.why, row.sender, row.subject)
    assert found == (now, "unknown", "it carries no token of ours", "Máry <mary@example.net>", "Re: Ask them")
    assert [row.sender for row in rows(world, returned_mails) if row.delivery_id] == [""] * 3


def test_a_token_of_another_database_or_of_a_proof_acts_on_nobody(world: Database, now: datetime) -> None:
    mine = SIGNER.sign(Purpose.UNSUBSCRIBE, Named(delivery_id(1)))
    for named, why in (
        (Named(12345), "it names a mail that is not in this database"),
        (Named(delivery_id(1), proof=True), "it is about a proof"),
    ):
        raw = mail("unsubscribe").replace(mine.encode(), SIGNER.sign(Purpose.UNSUBSCRIBE, named).encode())
        with world.write() as connection:
            take(connection, [raw], signer=SIGNER, soft=Bounces(), now=now)
            (found,) = [row for row in unclear_mails(connection) if row.why == why]
        assert found.kind == ReturnedKind.UNSUBSCRIBE
    assert [row.status for row in rows(world, subscriptions)] == ["subscribed", "subscribed"]
