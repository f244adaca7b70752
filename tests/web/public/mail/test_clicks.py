"""Tracked links over real HTTP: stored, then followed, and never anywhere but where the mail said."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import update

from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns, deliveries, events, people
from mailer.store.tables.states import DeliveryState, Verdict
from mailer.tracking.tokens import Named, Purpose, Signer
from mailer.web.public.app import create_app
from mailer.web.public.core.redirect_url import location
from mailer.workspace import Workspace
from tests.reports.builders import ACTION, CAMPAIGN, SLUG, add_campaign, add_deliveries, delivery_id, make_message
from tests.web.client import BROWSER, fetch, serving
from tests.web.conftest import Served


def test_a_click_is_stored_and_sent_on(served: Served, now: datetime) -> None:
    reply = served.get(f"{served.path(Purpose.CLICK)}/1")
    assert (reply.status, reply.headers["location"]) == (302, ACTION)
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert reply.headers["x-robots-tag"] == "noindex"
    assert "set-cookie" not in reply.headers
    (hit,) = served.rows()
    assert (hit.campaign_id, hit.delivery_id, hit.n, hit.at) == (CAMPAIGN, delivery_id(1), 1, now)
    assert (hit.verdict, hit.reasons, hit.method) == (Verdict.HUMAN, "", "GET")
    assert hit.headers["user-agent"] == BROWSER["User-Agent"]
    assert len(hit.network) == 8


def test_destinations_are_filled_in_for_the_person(served: Served) -> None:
    assert served.get(f"{served.path(Purpose.CLICK)}/4").headers["location"] == "https://example.org/in/GB?x=1"


def test_values_of_people_cannot_break_out_of_the_header(served: Served) -> None:
    with served.database.write() as connection:
        evil = "GB\r\nSet-Cookie: a=b\r\n\r\n<script>"
        connection.execute(update(people).where(people.c.id == 1).values(country=evil))
    reply = served.get(f"{served.path(Purpose.CLICK)}/4")
    assert reply.status == 302
    assert "set-cookie" not in reply.headers
    assert "\n" not in reply.headers["location"]
    assert reply.headers["location"].startswith("https://example.org/in/GB")
    assert reply.body == b""


def test_a_forgotten_person_is_still_sent_on(served: Served) -> None:
    with served.database.write() as connection:
        connection.execute(update(deliveries).values(person_id=None))
    assert served.get(f"{served.path(Purpose.CLICK)}/4").headers["location"] == "https://example.org/in/?x=1"


@pytest.mark.parametrize(
    ("method", "headers", "reason"),
    [
        ("HEAD", BROWSER, "method:head"),
        ("GET", {**BROWSER, "Sec-Purpose": "prefetch;prerender"}, "prefetch:sec-purpose"),
        ("GET", {**BROWSER, "Purpose": "preview"}, "prefetch:purpose"),
        ("GET", {**BROWSER, "X-Moz": "prefetch"}, "prefetch:x-moz"),
        ("GET", {"User-Agent": "Mozilla/5.0 (compatible; bingbot/2.0)"}, "agent:robot"),
        ("GET", {"User-Agent": "python-requests/2.32"}, "agent:library"),
    ],
)
def test_machines_are_stored_and_sent_on(served: Served, method: str, headers: dict[str, str], reason: str) -> None:
    reply = served.get(f"{served.path(Purpose.CLICK)}/1", method=method, headers=headers)
    assert (reply.status, reply.headers["location"]) == (302, ACTION)
    (hit,) = served.rows()
    assert (hit.verdict, hit.reasons) == (Verdict.MACHINE, reason)


def test_without_a_user_agent_nobody_knows(served: Served) -> None:
    assert served.get(f"{served.path(Purpose.CLICK)}/1", headers={}).status == 302
    assert served.rows()[0].verdict == Verdict.UNSURE


def test_proofs_lead_on_and_count_for_nothing(served: Served) -> None:
    reply = served.get(f"{served.path(Purpose.CLICK, proof=True)}/4")
    assert (reply.status, reply.headers["location"]) == (302, "https://example.org/in/GB?x=1")
    assert served.rows() == []


def test_damaged_links_get_a_page_and_no_redirect(served: Served) -> None:
    token = served.token(Purpose.CLICK)
    other = "A" if token[5] != "A" else "B"
    damaged = [
        f"/c/{token[:5]}{other}{token[6:]}/1",
        f"/c/{token[:-1]}/1",
        f"/c/{token}A/1",
        f"/c/{token}=/1",
        f"/c/{token}%0a/1",
        f"/c/{served.token(Purpose.UNSUBSCRIBE)}/1",
        f"/c/{token}/0",
        f"/c/{token}/5",
        f"/c/{token}/01",
        f"/c/{token}/-1",
        f"/c/{token}/%D9%A1",  # an Arabic digit one
        f"/c/{token}/1%27",
        f"/c/{token}/99999999999999999999",
        f"/c/{token}/1/x",
        f"/c/{token}/https://evil.example/",
        f"/c/{token}",
        "/c/%F0%9F%98%80/1",
    ]
    for path in damaged:
        reply = served.get(path)
        assert reply.status == 404, path
        assert "location" not in reply.headers
        assert "That link didn’t work" in reply.text
        assert token not in reply.text
    assert served.rows() == []


def test_a_campaign_that_is_not_kept_gets_a_page(served: Served) -> None:
    named = Named(delivery_id(1, campaign_id=5))
    assert served.get(f"/c/{served.signer.sign(Purpose.CLICK, named)}/1").status == 404


def test_a_delivery_that_is_not_kept_still_leads_on(served: Served) -> None:
    named = Named(delivery_id(99))
    reply = served.get(f"/c/{served.signer.sign(Purpose.CLICK, named)}/4")
    assert reply.headers["location"] == "https://example.org/in/?x=1"


def test_who_asked_not_to_be_tracked_counts_in_the_total_only(served: Served) -> None:
    with served.database.write() as connection:
        connection.execute(update(people).where(people.c.id == 1).values(tracking=False))
    assert served.get(f"{served.path(Purpose.CLICK, 1)}/1").status == 302
    assert served.get(f"{served.path(Purpose.CLICK, 2)}/1", headers={**BROWSER, "Sec-GPC": "1"}).status == 302
    assert served.get(f"{served.path(Purpose.CLICK, 3)}/1", headers={**BROWSER, "DNT": "0"}).status == 302
    stored = served.rows()
    assert [hit.delivery_id for hit in stored] == [None, None, delivery_id(3)]
    assert [hit.headers for hit in stored[:2]] == [{}, {}]
    assert [hit.network for hit in stored[:2]] == [b"", b""]
    assert [hit.verdict for hit in stored] == [Verdict.HUMAN] * 3


def test_a_click_proves_that_an_uncertain_mail_arrived(served: Served) -> None:
    with served.database.write() as connection:
        connection.execute(update(deliveries).values(state=DeliveryState.UNCERTAIN))
    for _ in range(2):
        served.get(f"{served.path(Purpose.CLICK, 1)}/1")
    assert [row.state for row in served.rows(deliveries)] == ["sent", "uncertain", "uncertain"]
    assert [(row.kind, row.delivery_id) for row in served.rows(events)] == [("arrived", delivery_id(1))]


def test_many_at_once_are_all_stored(served: Served) -> None:
    paths = [f"{served.path(Purpose.CLICK, number % 3 + 1)}/{number % 4 + 1}" for number in range(200)]
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(served.get, paths))
    assert {reply.status for reply in replies} == {302}
    assert len(served.rows()) == 200


def test_other_methods_are_refused_with_a_page(served: Served) -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        reply = served.get(f"{served.path(Purpose.CLICK)}/1", method=method)
        assert reply.status == 405
        assert "GET" in reply.headers["allow"]
        assert "location" not in reply.headers


def test_a_frozen_destination_that_is_no_web_address_is_not_followed(
    workspace: Workspace, database: Database, now: datetime
) -> None:
    message = make_message()
    bad = ("javascript:alert(1)", "data:text/html,x", "//evil.example/", "ftp://example.org/", "https://", "/local")
    links = tuple(replace(message.links[0], n=n, url=url, destination=(url,)) for n, url in enumerate(bad, start=1))
    with database.write() as connection:
        add_campaign(connection, make_message(links=links), now=now)
        add_deliveries(connection, [1], now=now)
    token = Signer(workspace.secrets.require_signing()).sign(Purpose.CLICK, Named(delivery_id(1)))
    with serving(create_app(workspace, database, clock=lambda: now)) as port:
        for link in links:
            reply = fetch(port, f"/c/{token}/{link.n}")
            assert reply.status == 404, link.url
            assert "location" not in reply.headers
    with database.read() as connection:
        assert connection.execute(campaigns.select()).one().slug == SLUG


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.org", "https://example.org"),
        ("https://example.org/a?b=c&d=%20e#f", "https://example.org/a?b=c&d=%20e#f"),
        ("http://example.org:8080/ä b", "http://example.org:8080/%C3%A4%20b"),
        ("https://bücher.example/x", "https://xn--bcher-kva.example/x"),
        ("https://straße.example:81/", "https://xn--strae-oqa.example:81/"),
        ("https://[2001:db8::1]/", "https://[2001:db8::1]/"),
        ("https://example.org/\r\nSet-Cookie:x", "https://example.org/Set-Cookie:x"),
        ("https://example.org/\x00\x1f\x7f", "https://example.org/%00%1F%7F"),
        ("https://example.org/\\evil", "https://example.org/%5Cevil"),
    ],
)
def test_locations_are_fit_for_a_header(url: str, expected: str) -> None:
    assert location(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        "//example.org",
        "https:///path",
        "https://exa mple.org:x/",
        "https://[::1",
        "mailto:a@b.c",
    ],
)
def test_other_locations_are_refused(url: str) -> None:
    with pytest.raises(MailerError):
        location(url)
