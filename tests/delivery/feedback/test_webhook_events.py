"""Posts of the webhook, applied on both engines: what they change, and that they change it once."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Row, Table, delete, insert, select, update
from sqlalchemy.event import listen

from mailer.delivery.feedback import webhook_events
from mailer.delivery.feedback.webhook_events import AppliedPosts, apply_waiting, keep_post
from mailer.delivery.ledger.guard_state import Rails
from mailer.settings import Bounces, Guard
from mailer.store.engine.database import Database, DatabaseTrouble
from mailer.store.jobs import JOB_LEASE, PROVIDER_POST, claim, prune
from mailer.store.tables.core import (
    campaigns,
    consent_sources,
    consents,
    deliveries,
    events,
    guard_evidence,
    metadata,
    people,
    subscriptions,
    suppressions,
)
from mailer.store.tables.inbound import provider_events
from mailer.store.tables.jobs import jobs
from mailer.store.tables.states import DeliveryState
from tests.reports.builders import CAMPAIGN, SLUG, add_campaign, add_deliveries, add_people, delivery_id, make_message

SOFT = Bounces()


def event(number: int, kind: str, *, at: datetime, attempt: int = 1, **fields: object) -> dict[str, object]:
    """An event of person `number`'s mail, as SendGrid posts it."""
    return {
        "email": f"mary{number}@example.org",
        "event": kind,
        "timestamp": int(at.timestamp()),
        "sg_event_id": f"{kind}-{number}-{random.random()}",
        "sg_message_id": "m.recv-1",
        "c": f"{delivery_id(number):x}.{attempt}",
        "c_campaign": SLUG,
        **fields,
    }


def hard(number: int, *, at: datetime, **fields: object) -> dict[str, object]:
    said: dict[str, object] = {
        "type": "bounce",
        "bounce_classification": "Invalid Address",
        "status": "5.1.1",
        "reason": f"550 5.1.1 <mary{number}@example.org>: no such user",
    }
    return event(number, "bounce", at=at) | said | fields


def post(database: Database, entries: Sequence[Mapping[str, object]] | bytes, *, now: datetime) -> AppliedPosts:
    body = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    with database.write() as connection:
        keep_post(connection, body, provider="sendgrid", at=now)
    return apply_waiting(database, soft=SOFT, clock=lambda: now)


def contents(database: Database) -> dict[str, list[Row[Any]]]:
    return {table.name: rows(database, table) for table in metadata.sorted_tables}


def rows(database: Database, table: Table) -> list[Row[Any]]:
    with database.read() as connection:
        return list(connection.execute(select(table).order_by(*table.primary_key)).all())


def standing(database: Database) -> list[tuple[str, str]]:
    return [(row.state, row.feedback) for row in rows(database, deliveries)]


@pytest.fixture
def later(now: datetime) -> datetime:
    """When events come: a little after the mails went."""
    return now + timedelta(minutes=5)


@pytest.fixture
def world(database: Database, now: datetime) -> Database:
    """Four people, each mailed once by SendGrid."""
    with database.write() as connection:
        add_people(connection, 4, now=now)
        add_campaign(connection, make_message(), now=now)
        add_deliveries(connection, range(1, 5), now=now, changed_at=now)
    return database


def test_delivered_and_processed_settle_who_was_uncertain(world: Database, later: datetime) -> None:
    with world.write() as connection:
        connection.execute(update(deliveries).values(state=DeliveryState.UNCERTAIN, attempt=2))
    tally = post(
        world,
        [
            event(1, "processed", at=later, attempt=2),
            event(2, "delivered", at=later, attempt=2),
            event(3, "processed", at=later, attempt=1),
        ],
        now=later,
    )
    assert standing(world) == [
        ("sent", "processed"),
        ("sent", "delivered"),
        ("uncertain", "processed"),
        ("uncertain", ""),
    ]
    assert (tally.posts, tally.events, tally.changed, tally.kept) == (1, 3, 3, 0)


def test_a_hard_bounce_ends_mailing_and_names_nobody_in_what_is_kept(world: Database, later: datetime) -> None:
    post(world, [hard(1, at=later)], now=later)
    assert standing(world)[0] == ("sent", "bounced")
    (noted,) = rows(world, events)
    assert (noted.kind, noted.reply_class, noted.delivery_id, noted.at) == ("bounced", "hard", delivery_id(1), later)
    assert "@" not in noted.detail
    (row,) = rows(world, suppressions)
    assert (row.list_id, row.reason) == (0, "bounced")
    assert row.source.startswith("SendGrid: 5.1.1")
    assert "@" not in row.source


@pytest.mark.parametrize(
    ("fields", "reply_class"),
    [
        ({"type": "blocked", "bounce_classification": "Reputation"}, "policy"),
        ({"type": "blocked", "bounce_classification": "Content"}, "policy"),
        ({"type": "bounce", "bounce_classification": "Frequency/Volume"}, "policy"),
        ({"type": "blocked", "bounce_classification": "Invalid Address"}, "soft"),
        ({"type": "bounce", "bounce_classification": "Mailbox Unavailable", "status": "5.2.2"}, "soft"),
        ({"type": "bounce", "bounce_classification": "Unclassified", "status": "5.2.2", "reason": "full"}, "soft"),
        ({"type": "bounce", "bounce_classification": "", "status": "5.7.1", "reason": "554 spam"}, "policy"),
    ],
)
def test_other_bounces_suppress_nobody(
    world: Database, later: datetime, fields: dict[str, object], reply_class: str
) -> None:
    post(world, [hard(1, at=later, **fields)], now=later)
    assert [row.reply_class for row in rows(world, events)] == [reply_class]
    assert rows(world, suppressions) == []


def test_a_bounce_for_good_that_says_no_more_is_hard(world: Database, later: datetime) -> None:
    post(world, [hard(1, at=later, bounce_classification="Unclassified", status="5.0.0", reason="gone")], now=later)
    assert [row.reply_class for row in rows(world, events)] == ["hard"]


@pytest.mark.parametrize(
    ("reason", "reply_class", "suppressed", "status"),
    [
        ("Bounced Address", "hard", ["bounced"], "subscribed"),
        ("Spam Reporting Address", "policy", ["complained", "unsubscribed"], "unsubscribed"),
        ("Unsubscribed Address", "policy", ["unsubscribed"], "unsubscribed"),
        ("Spam Content", "policy", [], "subscribed"),
        ("Recipient List over Package Quota", "ours", [], "subscribed"),
        ("Something new", "", [], "subscribed"),
    ],
)
def test_what_was_dropped_has_failed_and_is_not_queued(
    world: Database, later: datetime, reason: str, reply_class: str, suppressed: list[str], status: str
) -> None:
    post(world, [event(1, "dropped", at=later, reason=reason)], now=later)
    row = rows(world, deliveries)[0]
    assert (row.state, row.code, row.detail, row.reply_class) == ("failed", "dropped", reason, reply_class)
    assert sorted(one.reason for one in rows(world, suppressions)) == suppressed
    assert rows(world, subscriptions)[0].status == status


def test_a_complaint_suppresses_and_leaves_all_lists_with_proof(world: Database, later: datetime) -> None:
    post(world, [event(1, "spamreport", at=later)], now=later)
    assert standing(world)[0] == ("sent", "complained")
    assert {(row.list_id, row.reason) for row in rows(world, suppressions)} == {
        (0, "complained"),
        (rows(world, subscriptions)[0].list_id, "unsubscribed"),
    }
    (source,) = rows(world, consent_sources)
    assert (source.how, source.source) == ("complaint", SLUG)
    assert [(row.person_id, row.status, row.at) for row in rows(world, consents)] == [(1, "unsubscribed", later)]


@pytest.mark.parametrize("kind", ["unsubscribe", "group_unsubscribe"])
def test_an_unsubscribe_leaves_the_lists_with_proof(world: Database, later: datetime, kind: str) -> None:
    post(world, [event(1, kind, at=later)], now=later)
    assert rows(world, subscriptions)[0].status == "unsubscribed"
    (source,) = rows(world, consent_sources)
    assert (source.how, source.source) == ("provider", SLUG)
    assert [(row.kind, row.detail) for row in rows(world, events)] == [("unsubscribed", "provider")]


def test_a_late_repeat_takes_nobody_off_who_has_joined_again(world: Database, later: datetime) -> None:
    leaving = event(1, "unsubscribe", at=later)
    post(world, [leaving], now=later)
    again = {"status": "subscribed", "changed_at": later + timedelta(hours=1)}
    with world.write() as connection:
        connection.execute(update(subscriptions).where(subscriptions.c.person_id == 1).values(again))
    post(world, [leaving | {"sg_event_id": "another"}], now=later + timedelta(hours=2))
    assert rows(world, subscriptions)[0].status == "subscribed"
    post(world, [event(1, "unsubscribe", at=later + timedelta(hours=3))], now=later + timedelta(hours=3))
    assert rows(world, subscriptions)[0].status == "unsubscribed", "but a new wish counts"


def test_a_late_repeat_does_not_overrule_staff_who_lifted_a_suppression(world: Database, later: datetime) -> None:
    post(world, [hard(1, at=later)], now=later)
    with world.write() as connection:
        connection.execute(delete(suppressions))
    post(world, [hard(1, at=later)], now=later)
    assert rows(world, suppressions) == []


EVERYTHING = ("processed", "deferred", "delivered", "bounce", "spamreport", "unsubscribe", "dropped")


@pytest.mark.parametrize("seed", range(4))
def test_any_order_and_any_repeats_give_the_same_ledger(world: Database, later: datetime, seed: int) -> None:
    def entries() -> list[dict[str, object]]:
        plain = [
            event(number, kind, at=later + timedelta(seconds=place))
            for number in (1, 2)
            for place, kind in enumerate(EVERYTHING[: 4 + number])
            if kind != "bounce"
        ]
        return [*plain, hard(1, at=later), hard(1, at=later, type="blocked"), event(3, "dropped", at=later)]

    def outcome() -> object:
        return (
            standing(world),
            # Whoever complains leaves as well: which of the two was heard of first isn't the same in every order.
            sorted(
                (row.delivery_id, row.kind, row.reply_class, row.kind == "unsubscribed" or row.at)
                for row in rows(world, events)
            ),
            sorted((row.address_hash, row.list_id, row.reason) for row in rows(world, suppressions)),
            [(row.person_id, row.status) for row in rows(world, subscriptions)],
        )

    post(world, entries(), now=later + timedelta(minutes=1))
    expected = outcome()
    with world.write() as connection:
        for table in (events, suppressions, consents):
            connection.execute(delete(table))
        connection.execute(update(deliveries).values(state="sent", feedback="", code="", detail="", reply_class=""))
        connection.execute(update(subscriptions).values(status="subscribed", changed_at=later - timedelta(minutes=5)))
    chance = random.Random(seed)
    shuffled = entries() + entries() + chance.sample(entries(), 5)
    chance.shuffle(shuffled)
    for start in range(0, len(shuffled), 5):
        post(world, shuffled[start : start + 5], now=later + timedelta(minutes=1))
    assert outcome() == expected


def test_unknown_events_are_kept_once_and_without_the_address(world: Database, later: datetime) -> None:
    strange = event(1, "telepathy", at=later, note="to mary1@example.org")
    tally = post(world, [strange, strange | {"sg_event_id": "other"}, event(1, "open", at=later)], now=later)
    assert tally.kept == 2
    (kept,) = rows(world, provider_events)
    assert (kept.kind, kept.payload["note"]) == ("telepathy", "to <address>")
    assert "email" not in kept.payload


def test_events_about_mails_of_another_database_are_kept(world: Database, later: datetime) -> None:
    post(world, [event(1, "bounce", at=later, c="123456.1")], now=later)
    (kept,) = rows(world, provider_events)
    assert "not in this database" in kept.why
    assert standing(world) == [("sent", "")] * 4


def asynchronous(number: int, *, at: datetime) -> dict[str, object]:
    bare = hard(number, at=at)
    return {name: bare[name] for name in bare if name not in ("c", "c_campaign", "sg_message_id")}


def test_a_bounce_without_ids_is_matched_by_address_and_time(world: Database, now: datetime) -> None:
    post(world, [asynchronous(1, at=now + timedelta(days=2))], now=now + timedelta(days=2))
    assert standing(world)[0] == ("sent", "bounced")
    assert len(rows(world, suppressions)) == 1
    assert rows(world, provider_events) == []


@pytest.mark.parametrize("case", ["too late", "two fit", "nobody", "another's mail"])
def test_a_bounce_without_ids_that_fits_no_single_mail_is_kept(world: Database, now: datetime, case: str) -> None:
    at, number, more = now + timedelta(days=2), 1, dict[str, object]()
    if case == "too late":
        at = now + timedelta(days=5, minutes=1)
    elif case == "nobody":
        number = 99
    elif case == "another's mail":
        more = {"sg_message_id": "somebody-else.recv-1"}
    else:
        with world.write() as connection:
            add_campaign(connection, replace(make_message(), slug="other"), now=now, campaign_id=78)
            add_deliveries(connection, [1], now=now, campaign_id=78, changed_at=now)
    post(world, [asynchronous(number, at=at) | more], now=at)
    assert len(rows(world, provider_events)) == 1
    assert rows(world, suppressions) == []
    assert rows(world, events) == []


def by_sendgrid(database: Database) -> None:
    with database.write() as connection:
        connection.execute(update(campaigns).values(transport="sendgrid"))


@pytest.mark.parametrize(
    ("said", "suppresses"),
    [
        ({}, True),
        ({"event": "dropped", "type": "", "reason": "Bounced Address"}, True),
        ({"event": "dropped", "type": "", "reason": "Invalid"}, True),
        ({"event": "dropped", "type": "", "reason": "Spam Content"}, False),
        ({"bounce_classification": "Mailbox Unavailable", "reason": "552 5.2.2 full", "status": "5.2.2"}, False),
        ({"reason": "550 Sender address rejected", "status": "5.0.0"}, False),
        ({"type": "blocked"}, False),
        ({"event": "delivered"}, False),
    ],
)
def test_an_event_without_ids_that_says_there_is_nobody_suppresses_whom_we_mailed_by_this_provider(
    world: Database, now: datetime, said: dict[str, object], suppresses: bool
) -> None:
    by_sendgrid(world)
    at = now + timedelta(days=30)  # long after the one mail that it could be about
    strange = asynchronous(1, at=at) | said
    post(world, [strange, strange | {"sg_event_id": "a repeat"}], now=at)
    found = rows(world, suppressions)
    assert [(row.reason, row.at) for row in found] == [("bounced", at)] * suppresses
    assert "@" not in "".join(row.source for row in found)
    assert ["is suppressed" in row.why for row in rows(world, provider_events)] == (
        [] if said.get("event") == "delivered" else [suppresses]
    )
    with world.write() as connection:
        connection.execute(delete(suppressions))
    post(world, [strange], now=at)
    assert rows(world, suppressions) == [], "a repeat doesn't bring back what staff lifted"


@pytest.mark.parametrize("case", ["unknown address", "no address", "mailed by another provider", "never handed over"])
def test_an_event_without_ids_suppresses_nobody_else(world: Database, now: datetime, case: str) -> None:
    at = now + timedelta(days=30)
    if case != "mailed by another provider":
        by_sendgrid(world)
    if case == "never handed over":
        with world.write() as connection:
            connection.execute(update(deliveries).values(state="queued"))
    more = {"email": "nobody at all"} if case == "no address" else {}
    post(world, [asynchronous(99 if case == "unknown address" else 1, at=at) | more], now=at)
    assert rows(world, suppressions) == []
    assert "suppressed" not in rows(world, provider_events)[0].why


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        # Their word for it, and the reply's where it speaks of somebody else.
        ({"bounce_classification": "Invalid Address", "reason": "550 5.1.1 no such user"}, "hard"),
        ({"bounce_classification": "Invalid Address", "reason": "550 gone"}, "hard"),
        ({"bounce_classification": "Invalid Address", "reason": "550 Sender address rejected"}, "ours"),
        ({"bounce_classification": "Invalid Address", "reason": "550 5.1.1 mailbox is full"}, "soft"),
        ({"bounce_classification": "Invalid Address", "reason": "550 listed by Spamhaus"}, "policy"),
        ({"bounce_classification": "Unclassified", "reason": "550 5.1.8 your domain", "status": "5.1.8"}, "ours"),
        ({"bounce_classification": "Unclassified", "reason": "550 HELO rejected", "status": "5.0.0"}, "ours"),
        ({"bounce_classification": "Unclassified", "reason": "552 mailbox full", "status": "5.0.0"}, "soft"),
        ({"bounce_classification": "Unclassified", "reason": "550 no", "status": "5.0.0"}, "hard"),
        ({"bounce_classification": "Reputation", "reason": "550 no such user"}, "policy"),
        ({"type": "blocked", "bounce_classification": "", "reason": "550 no such user"}, "soft"),
    ],
)
def test_a_bounce_of_sendgrid_is_judged_by_who_is_spoken_of(
    world: Database, later: datetime, said: dict[str, object], wanted: str
) -> None:
    post(world, [hard(1, at=later) | said], now=later)
    assert [row.reply_class for row in rows(world, events)] == [wanted]
    assert len(rows(world, suppressions)) == (wanted == "hard")


@pytest.mark.parametrize("body", [b"\x00\xff", b"[" * 50_000, b"no json"])
def test_a_post_that_cannot_be_read_holds_no_other_up(world: Database, later: datetime, body: bytes) -> None:
    with world.write() as connection:
        keep_post(connection, body, provider="sendgrid", at=later)
    tally = post(world, [event(1, "delivered", at=later)], now=later)
    assert (tally.posts, tally.troubled) == (2, 1)
    first, second = rows(world, jobs)
    assert (first.payload, first.state, first.detail) == (body, "failed", "the body is not JSON")
    assert (second.state, second.detail, second.done_at) == ("done", "", later)


def test_a_fault_of_ours_in_one_post_holds_no_other_up_and_it_is_applied_once_that_is_fixed(
    world: Database, later: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mailer.transports.sendgrid import webhook

    real = webhook.event_of

    def fails(entry: dict[str, object], received: datetime) -> object:
        if "mary1" in str(entry):
            raise ZeroDivisionError("mary1@example.org")
        return real(entry, received)

    monkeypatch.setattr(webhook, "event_of", fails)
    with world.write() as connection:
        body = json.dumps([event(1, "delivered", at=later)]).encode()
        keep_post(connection, body, provider="sendgrid", at=later)
    post(world, [event(2, "delivered", at=later)], now=later)
    assert standing(world)[:2] == [("sent", ""), ("sent", "delivered")]
    assert rows(world, jobs)[0].detail == "a fault of this program: ZeroDivisionError"
    monkeypatch.undo()
    apply_waiting(world, soft=SOFT, clock=lambda: later + PROVIDER_POST.pauses[0])
    assert standing(world)[:2] == [("sent", "delivered"), ("sent", "delivered")]
    assert {row.state for row in rows(world, jobs)} == {"done"}


def test_a_post_whose_lease_ended_while_it_was_applied_is_undone_and_applied_by_the_next(
    world: Database, later: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world.write() as connection:
        keep_post(connection, json.dumps([event(1, "unsubscribe", at=later)]).encode(), provider="sendgrid", at=later)
    late = claim(world, PROVIDER_POST, now=later)
    assert late is not None
    assert post(world, [], now=later + JOB_LEASE).posts == 2
    before = contents(world)
    assert webhook_events._apply_job(world, late, soft=SOFT, clock=lambda: later + JOB_LEASE) == AppliedPosts()  # pyright: ignore[reportPrivateUsage]
    assert contents(world) == before


@pytest.mark.parametrize("passing", [True, False])
def test_a_database_that_fails_loses_no_post(
    world: Database, later: datetime, monkeypatch: pytest.MonkeyPatch, passing: bool
) -> None:
    with world.write() as connection:
        keep_post(connection, json.dumps([event(1, "delivered", at=later)]).encode(), provider="sendgrid", at=later)

    def fails(*_: object, **__: object) -> object:
        raise DatabaseTrouble("it does not want to", passing=passing)

    monkeypatch.setattr(webhook_events, "apply", fails)
    with pytest.raises(DatabaseTrouble) if passing else nullcontext():
        assert apply_waiting(world, soft=SOFT, clock=lambda: later).troubled == 1
    monkeypatch.undo()
    again = later if passing else later + PROVIDER_POST.pauses[0]
    assert apply_waiting(world, soft=SOFT, clock=lambda: again).posts == 1
    assert standing(world)[0] == ("sent", "delivered")


def test_a_post_of_a_provider_that_is_no_more_is_put_aside(world: Database, later: datetime) -> None:
    with world.write() as connection:
        keep_post(connection, b"[]", provider="pigeon", at=later)
        keep_post(connection, b"[]", provider="smtp", at=later)
    assert apply_waiting(world, soft=SOFT, clock=lambda: later).troubled == 2
    assert [row.detail for row in rows(world, jobs)] == ["unknown transport 'pigeon'", "SMTP has no webhook"]


def test_bodies_are_deleted_a_week_after_they_were_applied(world: Database, later: datetime) -> None:
    post(world, [event(1, "delivered", at=later)], now=later)
    with world.write() as connection:
        keep_post(connection, b"[]", provider="sendgrid", at=later)  # waits still
    for moment, left in ((later + PROVIDER_POST.keep, 2), (later + PROVIDER_POST.keep + timedelta(seconds=1), 1)):
        with world.write() as connection:
            prune(connection, now=moment)
        assert len(rows(world, jobs)) == left


def test_two_who_apply_at_once_share_the_posts(world: Database, later: datetime) -> None:
    with world.write() as connection:
        for _ in range(20):
            entries = [event(1, "unsubscribe", at=later), hard(2, at=later), event(3, "delivered", at=later)]
            keep_post(connection, json.dumps(entries).encode(), provider="sendgrid", at=later)
    tallies: list[AppliedPosts] = []

    def work() -> None:
        tallies.append(apply_waiting(world, soft=SOFT, clock=lambda: later))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    apply_waiting(world, soft=SOFT, clock=lambda: later)
    assert sum(tally.posts for tally in tallies) == 20
    assert all(row.done_at == later for row in rows(world, jobs))
    assert sorted(row.kind for row in rows(world, events)) == ["bounced", "unsubscribed"]
    assert len(rows(world, consents)) == 1


def test_ten_thousand_events_take_few_statements(database: Database, now: datetime, later: datetime) -> None:
    people_rows = [
        {"id": n, "address": f"mary{n}@example.org", "address_hash": n.to_bytes(16), "created_at": now,
         "updated_at": now}
        for n in range(1, 5001)
    ]  # fmt: skip
    sent = {"campaign_id": CAMPAIGN, "state": "sent", "attempt": 1, "not_before": now, "changed_at": now}
    with database.write() as connection:
        add_campaign(connection, make_message(), now=now)
        connection.execute(insert(people), people_rows)
        connection.execute(insert(deliveries), [{**sent, "id": delivery_id(n), "person_id": n} for n in range(1, 5001)])
    entries = [event(n, "processed", at=later) for n in range(1, 5001)]
    entries += [hard(n, at=later) if n % 2 else event(n, "delivered", at=later) for n in range(1, 5001)]
    statements: list[str] = []
    listen(database.engine, "before_cursor_execute", lambda _conn, _cursor, sql, *_more: statements.append(sql))
    tally = post(database, entries, now=later)
    assert len(statements) < 1_000, "about one second on an idle machine"
    assert (tally.events, tally.changed) == (10_000, 5000)
    assert len(rows(database, suppressions)) == len(rows(database, events)) == 2500


def test_a_campaign_pauses_by_what_comes_back(world: Database, now: datetime, later: datetime) -> None:
    limits = Guard(bounces_at_least=2, bounce_rate=0.05)
    with world.write() as connection:
        connection.execute(
            insert(guard_evidence).values(campaign_id=CAMPAIGN, since=now - timedelta(hours=1), accepted=4)
        )
    rails = Rails(world, campaign_id=CAMPAIGN, slug=SLUG, transport="sendgrid", limits=limits, clock=lambda: later)
    full = hard(1, at=later, bounce_classification="Mailbox Unavailable"), hard(2, at=later, type="blocked")
    post(world, full, now=later)
    assert rails.look(at_once=True) is None, "soft ones are no sign of a bad list"
    post(world, [hard(3, at=later), hard(4, at=later)], now=later)
    halt = rails.look(at_once=True)
    assert halt is not None
    assert halt.pause
    assert "2 of 4 people bounced" in halt.reason
