"""Unsubscribing over real HTTP: pages ask, POST acts, and a mail provider's one-click POST acts at once (RFC 8058)."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, update

from mailer.store.tables import (
    campaigns,
    consent_sources,
    consents,
    deliveries,
    events,
    people,
    subscriptions,
    suppressions,
)
from mailer.tracking.tokens import Named, Purpose
from tests.reports.builders import SLUG, delivery_id
from tests.web.client import BROWSER
from tests.web.conftest import Served

ONE_CLICK = b"List-Unsubscribe=One-Click"
MULTIPART = b'--sep\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--sep--\r\n'


def statuses(served: Served, number: int = 1) -> list[str]:
    return [row.status for row in served.rows(subscriptions) if row.person_id == number]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_fetching_the_page_changes_nothing(served: Served, method: str) -> None:
    reply = served.get(served.path(Purpose.UNSUBSCRIBE), method=method)
    assert reply.status == 200
    assert statuses(served) == ["subscribed", "subscribed"]
    assert served.rows(events) == served.rows(consents) == served.rows(suppressions) == []


def test_the_page_names_the_list_and_hides_the_address(served: Served) -> None:
    page = served.get(served.path(Purpose.UNSUBSCRIBE)).text
    assert "Supporters" in page
    assert "m…1@e…e.org" in page
    assert "mary1@example.org" not in page
    assert page.count("<button") == 1
    assert 'method="post"' in page
    assert "<script" not in page


def test_pressing_the_button_leaves_and_says_so(served: Served, now: object) -> None:
    reply = served.post(served.path(Purpose.UNSUBSCRIBE), b"from=page")
    assert reply.status == 200
    assert "You have unsubscribed" in reply.text
    assert "Supporters" in reply.text
    assert statuses(served) == ["unsubscribed", "subscribed"]
    assert statuses(served, 2) == ["subscribed", "subscribed"]
    (event,) = served.rows(events)
    assert (event.kind, event.delivery_id, event.detail, event.at) == ("unsubscribed", delivery_id(1), "link", now)
    (source,) = served.rows(consent_sources)
    assert (source.how, source.source) == ("link", SLUG)
    assert len(served.rows(consents)) == len(served.rows(suppressions)) == 1


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (ONE_CLICK, "application/x-www-form-urlencoded"),
        (MULTIPART, "multipart/form-data; boundary=sep"),
        (b"", "application/x-www-form-urlencoded"),
        (ONE_CLICK, "text/plain"),
        (b"\xff\x00 not a form", "multipart/form-data; boundary=sep"),
        (b"x", "multipart/form-data"),
        (b"%%%=%zz", "application/x-www-form-urlencoded; charset=nonsense"),
    ],
)
def test_one_click_acts_at_once(served: Served, body: bytes, content_type: str) -> None:
    """RFC 8058 §3.2: the body comes in either form, without a cookie, and no answer is a redirect."""
    reply = served.post(served.path(Purpose.UNSUBSCRIBE), body, content_type)
    assert reply.status == 200
    assert "location" not in reply.headers
    assert "set-cookie" not in reply.headers
    assert statuses(served) == ["unsubscribed", "subscribed"]
    assert served.rows(events)[0].detail == "one-click"


def test_repeats_are_fine_and_count_once(served: Served) -> None:
    for _ in range(3):
        assert served.post(served.path(Purpose.UNSUBSCRIBE), ONE_CLICK).status == 200
    page = served.get(served.path(Purpose.UNSUBSCRIBE))
    assert page.status == 200
    assert "You are not subscribed" in page.text
    assert "<button" not in page.text
    assert len(served.rows(events)) == len(served.rows(consents)) == len(served.rows(suppressions)) == 1


def test_all_lists_of_the_campaign_are_left(served: Served) -> None:
    with served.database.write() as connection:
        connection.execute(update(campaigns).values(audience={"include": ["supporters", "updates"]}))
    page = served.post(served.path(Purpose.UNSUBSCRIBE), b"from=page").text
    assert statuses(served) == ["unsubscribed", "unsubscribed"]
    assert "Monthly &lt;news&gt;" in page
    assert len(served.rows(events)) == 1


def test_a_proof_says_so_and_changes_nothing(served: Served) -> None:
    path = served.path(Purpose.UNSUBSCRIBE, proof=True)
    for reply in (served.get(path), served.post(path, ONE_CLICK)):
        assert reply.status == 200
        assert "This was a test mail" in reply.text
    assert statuses(served, 2) == ["subscribed", "subscribed"]
    assert served.rows(events) == []


def test_a_person_who_was_forgotten_gets_a_page(served: Served) -> None:
    with served.database.write() as connection:
        connection.execute(update(deliveries).values(person_id=None))
        for table in (subscriptions, people):
            connection.execute(delete(table))
    path = served.path(Purpose.UNSUBSCRIBE)
    for reply in (served.get(path), served.post(path, ONE_CLICK)):
        assert reply.status == 200
        assert "not on" in reply.text
    assert served.rows(events) == []


def test_forged_tokens_change_nothing(served: Served) -> None:
    token = served.token(Purpose.UNSUBSCRIBE)
    unknown = served.signer.sign(Purpose.UNSUBSCRIBE, Named(delivery_id(99)))
    for bad in (token[:-2] + "AA", served.token(Purpose.CLICK), served.token(Purpose.PREFERENCES), unknown, "x"):
        assert served.post(f"/u/{bad}", ONE_CLICK).status == 404
    assert statuses(served) == ["subscribed", "subscribed"]


def test_a_slash_too_many_is_no_redirect(served: Served) -> None:
    reply = served.post(f"{served.path(Purpose.UNSUBSCRIBE)}/", ONE_CLICK)
    assert reply.status == 404
    assert "location" not in reply.headers


def test_a_huge_body_is_refused(served: Served) -> None:
    reply = served.post(served.path(Purpose.UNSUBSCRIBE), b"a=" + b"x" * 100_000)
    assert reply.status == 413
    assert statuses(served) == ["subscribed", "subscribed"]


def test_preferences_show_the_lists_and_leave_the_ticked_ones(served: Served) -> None:
    path = served.path(Purpose.PREFERENCES)
    page = served.get(path, headers=BROWSER).text
    assert "Monthly &lt;news&gt;" in page
    assert page.count('type="checkbox"') == 2
    news = next(row.list_id for row in served.rows(subscriptions) if row.list_id != 1)
    reply = served.post(path, f"leave={news}&leave=999&leave=x".encode())
    assert reply.status == 200
    assert "You have left" in reply.text
    assert reply.text.count('type="checkbox"') == 1
    assert sorted(statuses(served)) == ["subscribed", "unsubscribed"]
    assert [(row.kind, row.delivery_id) for row in served.rows(events)] == [("unsubscribed", delivery_id(1))]
    both = "&".join(f"leave={row.list_id}" for row in served.rows(subscriptions))
    assert "on none of our lists" in served.post(path, both.encode()).text
    assert len(served.rows(events)) == 1


def test_preferences_cannot_touch_lists_the_person_is_not_on(served: Served) -> None:
    with served.database.write() as connection:
        connection.execute(delete(subscriptions).where(subscriptions.c.person_id == 1, subscriptions.c.list_id == 2))
    reply = served.post(served.path(Purpose.PREFERENCES), b"leave=2")
    assert reply.status == 200
    assert served.rows(suppressions) == served.rows(events) == []


def test_preferences_of_a_proof_change_nothing(served: Served) -> None:
    reply = served.post(served.path(Purpose.PREFERENCES, proof=True), b"leave=1&leave=2")
    assert "This was a test mail" in reply.text
    assert statuses(served, 2) == ["subscribed", "subscribed"]
