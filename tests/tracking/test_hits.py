"""What is kept of a request, and what is not."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from mailer.reports.figures import figures
from mailer.store.engine.database import Database
from mailer.store.tables.core import deliveries, hits, more_hits, people
from mailer.store.tables.states import DeliveryState, Verdict
from mailer.tracking import hits as module
from mailer.tracking.bot_rules import RULES
from mailer.tracking.hits import LONGEST_HEADER, Hit, Nameless, anonymous, make_hit, network_hash, record_hits
from tests.reports.builders import SLUG, add_campaign, add_deliveries, add_people, delivery_id, make_message

KEY = b"the workspace's address key"
MOMENT = datetime.fromisoformat("2026-11-24T09:00:00+00:00")


def a_hit(number: int = 1, headers: dict[str, str] | None = None) -> Hit:
    return make_hit(
        campaign_id=77, delivery_id=delivery_id(number), n=1, at=MOMENT, method="GET",
        headers={"user-agent": "Mozilla/5.0"} if headers is None else headers, address="192.0.2.55", key=KEY,
    )  # fmt: skip


def test_only_chosen_headers_are_kept() -> None:
    headers = {"user-agent": "Mozilla/5.0", "cookie": "a=b", "referer": "https://mail.example.org/?q=me", "host": "x",
               "x-forwarded-for": "192.0.2.1", "authorization": "Basic eA==", "accept-language": "pt-BR"}  # fmt: skip
    assert a_hit(headers=headers).headers == {"user-agent": "Mozilla/5.0", "accept-language": "pt-BR"}


@given(st.dictionaries(st.sampled_from(["user-agent", "accept", "purpose", "cookie"]), st.text(max_size=500)))
def test_what_is_kept_is_short_and_printable(headers: dict[str, str]) -> None:
    for value in a_hit(headers=headers).headers.values():
        assert len(value) <= LONGEST_HEADER
        assert value.isprintable()


@given(st.ip_addresses(v=4))
def test_a_network_is_kept_and_no_address(address: object) -> None:
    text = str(address)
    first = text.rpartition(".")[0] + ".1"
    hashed = network_hash(text, campaign_id=1, key=KEY)
    assert len(hashed) == 8
    assert hashed == network_hash(first, campaign_id=1, key=KEY), "the same for all of a /24"
    assert hashed == network_hash(f"::ffff:{text}", campaign_id=1, key=KEY), "also through a dual-stack socket"


def test_networks_campaigns_and_keys_are_told_apart() -> None:
    same = network_hash("2001:db8:1:2::3", campaign_id=1, key=KEY)
    assert same == network_hash("2001:db8:1:ffff::9%eth0", campaign_id=1, key=KEY)
    others = [
        network_hash("2001:db8:2:2::3", campaign_id=1, key=KEY),
        network_hash("2001:db8:1:2::3", campaign_id=2, key=KEY),
        network_hash("2001:db8:1:2::3", campaign_id=1, key=b"another"),
        network_hash("192.0.2.1", campaign_id=1, key=KEY),
        network_hash("192.0.3.1", campaign_id=1, key=KEY),
    ]
    assert len({same, *others}) == 6


@pytest.mark.parametrize("address", ["", "unknown", "999.1.1.1", "a:b", "/run/mailer.sock"])
def test_what_is_no_address_has_no_network(address: str) -> None:
    assert network_hash(address, campaign_id=1, key=KEY) == b""


@pytest.mark.parametrize(("header", "value"), [("sec-gpc", "1"), ("dnt", "1"), ("sec-gpc", " 1 ")])
def test_a_browser_can_ask_not_to_be_tracked(header: str, value: str) -> None:
    hit = a_hit(headers={"user-agent": "Mozilla/5.0", header: value})
    assert (hit.delivery_id, hit.headers, hit.network) == (None, {}, b"")
    assert (hit.verdict, hit.n, hit.campaign_id) == (Verdict.HUMAN, 1, 77)
    assert a_hit(headers={"user-agent": "Mozilla/5.0", header: "0"}).delivery_id is not None


def test_hits_are_stored_and_untracked_people_are_not_named(database: Database, now: datetime) -> None:
    with database.write() as connection:
        add_people(connection, 3, now=now)
        add_campaign(connection, make_message(), now=now)
        add_deliveries(connection, [1, 2, 3], now=now)
        connection.execute(update(people).where(people.c.id == 2).values(tracking=False))
        connection.execute(
            update(deliveries).where(deliveries.c.id != delivery_id(1)).values(state=DeliveryState.UNCERTAIN)
        )
        found = [a_hit(1), a_hit(2), a_hit(1), replace(a_hit(3), delivery_id=None), a_hit(9), a_hit(3)]
        arrived = record_hits(connection, found)
    assert arrived == [delivery_id(3)]
    with database.read() as connection:
        rows = connection.execute(select(hits).order_by(hits.c.id)).all()
    known = [row.delivery_id for row in rows]
    assert known == [delivery_id(1), None, delivery_id(1), None, delivery_id(9), delivery_id(3)]
    assert (rows[1].headers, rows[1].network) == ({}, b"")
    assert rows[0].at == MOMENT
    assert {row.rules for row in rows} == {RULES}


def test_no_hits_is_no_work(database: Database) -> None:
    with database.write() as connection:
        assert record_hits(connection, []) == []


def test_hits_of_one_mail_beyond_the_most_are_counted_and_not_stored(
    database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 5)
    nameless = Nameless()
    with database.write() as connection:
        add_people(connection, 3, now=now)
        add_campaign(connection, make_message(), now=now)
        add_deliveries(connection, (1, 2, 3), now=now)
        connection.execute(update(people).where(people.c.id == 3).values(tracking=False))

    def record(*found: Hit) -> None:
        with database.write() as connection:
            record_hits(connection, found, nameless=nameless)

    def of(number: int, **changed: object) -> Hit:
        return replace(a_hit(number), **changed)

    for _ in range(4):
        record(of(1), of(1), of(2), of(3), of(3), anonymous(of(2)), of(2, n=2, verdict="machine"))
    record(of(1, n=2))
    with database.read() as connection:
        stored = Counter(connection.execute(select(hits.c.delivery_id)).scalars())
        counted = {(n, verdict): count for _, n, verdict, count in connection.execute(select(more_hits))}
        shown = figures(connection, SLUG)
    assert stored == {delivery_id(1): 5, delivery_id(2): 5, None: 5 + 4}
    assert counted == {(1, "human"): 3 + 1 + 3, (2, "machine"): 2, (2, "human"): 1}
    assert sum(stored.values()) + sum(counted.values()) == 29
    assert sum(link.clicks.raw for link in shown.links) == 29
    assert sum(link.clicks.machine for link in shown.links) == 4


def test_what_is_remembered_of_nameless_hits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_REMEMBERED", 2)
    nameless = Nameless()
    assert [nameless.count(mail) for mail in (1, 1, 2, 1, 3, 2)] == [0, 1, 0, 2, 0, 0]
