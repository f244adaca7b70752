"""Unsubscribing over real HTTP: pages ask, POST acts, and a mail provider's one-click POST acts at once (RFC 8058)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, update

from mailer.store.tables.core import (
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
from mailer.web.public.app import create_app
from mailer.workspace import Workspace
from tests.reports.builders import SLUG, delivery_id
from tests.web.client import fetch, serving
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
    assert "ma•••••1@ex•••••.org" in page
    assert "mary1@example.org" not in page
    assert page.count('class="go"') == 1, "one press"
    assert page.index("Unsubscribe</button>") < page.index("Fewer emails instead?")
    assert 'method="post"' in page
    assert "<script" not in page


def test_pressing_the_button_leaves_and_says_so(served: Served, now: object) -> None:
    reply = served.post(served.path(Purpose.UNSUBSCRIBE), b"from=page")
    assert reply.status == 200
    assert "You’re unsubscribed" in reply.text
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
    assert "You’re already unsubscribed" in page.text
    assert ">Unsubscribe</button>" not in page.text
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
        assert "This was a test email" in reply.text
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
    assert reply.status == 200
    assert "location" not in reply.headers


def test_a_slash_too_many_is_no_redirect_below_a_path_either(
    served: Served, workspace: Workspace, now: datetime
) -> None:
    public = replace(workspace.settings.public, url="https://mail.example.org/mail")
    below = replace(workspace, settings=replace(workspace.settings, public=public))
    with serving(create_app(below, served.database, clock=lambda: now)) as port:
        path = f"/mail{served.path(Purpose.UNSUBSCRIBE)}"
        for asked, status in ((f"{path}/", 200), (f"{path}//", 200), (f"/{path}", 404), (path, 200)):
            reply = fetch(port, asked, method="POST", body=ONE_CLICK)
            assert reply.status == status
            assert "location" not in reply.headers


def test_a_huge_body_is_refused(served: Served) -> None:
    reply = served.post(served.path(Purpose.UNSUBSCRIBE), b"a=" + b"x" * 100_000)
    assert reply.status == 413
    assert statuses(served) == ["subscribed", "subscribed"]


@pytest.mark.parametrize("body", [b"from=page", ONE_CLICK])
def test_a_mistake_can_be_undone_for_a_day(served: Served, body: bytes) -> None:
    before = served.rows(subscriptions)[0].status, served.rows(suppressions)
    page = served.post(served.path(Purpose.UNSUBSCRIBE), body).text
    undo = f"{served.path(Purpose.UNSUBSCRIBE)}/undo"
    assert f'action="{undo}"' in page
    assert f'action="{undo}"' in served.get(served.path(Purpose.UNSUBSCRIBE)).text
    assert served.get(undo).status == 405
    assert statuses(served) == ["unsubscribed", "subscribed"]
    reply = served.post(undo)
    assert reply.status == 200
    assert "Welcome back" in reply.text
    assert (served.rows(subscriptions)[0].status, served.rows(suppressions)) == before
    assert [row.kind for row in served.rows(events)] == ["unsubscribed", "undone"]
    assert served.rows(consent_sources)[-1].how == "undo"
    assert "Welcome back" in served.post(undo).text
    assert len(served.rows(events)) == 2, "a repeat changes nothing"


def test_after_a_day_it_is_too_late(served: Served, now: datetime) -> None:
    served.post(served.path(Purpose.UNSUBSCRIBE), ONE_CLICK)
    yesterday = now - timedelta(days=1)
    with served.database.write() as connection:
        connection.execute(update(consents).values(at=yesterday))
        connection.execute(update(subscriptions).values(changed_at=yesterday))
    assert "/undo" not in served.get(served.path(Purpose.UNSUBSCRIBE)).text
    assert "too late to undo" in served.post(f"{served.path(Purpose.UNSUBSCRIBE)}/undo").text
    assert statuses(served) == ["unsubscribed", "subscribed"]


def test_undoing_needs_the_token_of_leaving_and_a_proof_undoes_nothing(served: Served) -> None:
    served.post(served.path(Purpose.UNSUBSCRIBE), ONE_CLICK)
    for token in (served.token(Purpose.CLICK), served.token(Purpose.PREFERENCES), "x"):
        assert served.post(f"/u/{token}/undo").status == 404
    assert "test email" in served.post(f"{served.path(Purpose.UNSUBSCRIBE, proof=True)}/undo").text
    assert statuses(served) == ["unsubscribed", "subscribed"]


def wanted(served: Served, number: int = 1) -> str:
    return next(row.frequency for row in served.rows(people) if row.id == number)


def test_fewer_emails_instead_of_leaving(served: Served) -> None:
    path = served.path(Purpose.UNSUBSCRIBE)
    assert "Once a month at most" in served.get(path).text
    reply = served.post(f"{path}/less", b"frequency=monthly")
    assert reply.status == 200
    assert "once a month at most" in reply.text
    assert served.path(Purpose.PREFERENCES) not in reply.text, "the link to leave opens nothing else"
    assert (wanted(served), wanted(served, 2), statuses(served)) == ("monthly", "every", ["subscribed", "subscribed"])
    assert served.rows(events) == served.rows(suppressions) == []
    page = served.get(path).text
    assert "Once a month at most" not in page, "it is what they have"
    assert "Only when it’s urgent" in page
    served.post(f"{path}/less", b"frequency=urgent")
    assert "Fewer emails instead?" not in served.get(path).text, "there is nothing less"


def test_fewer_emails_after_leaving_undo_it(served: Served) -> None:
    path = served.path(Purpose.UNSUBSCRIBE)
    left = served.post(path, b"from=page").text
    assert "Fewer emails instead?" in left
    assert "Left by mistake?" in left
    assert "You can undo this until" in left
    assert statuses(served) == ["unsubscribed", "subscribed"]
    reply = served.post(f"{path}/less", b"frequency=urgent")
    assert "only when it’s urgent" in reply.text
    assert (wanted(served), statuses(served)) == ("urgent", ["subscribed", "subscribed"])
    assert served.rows(suppressions) == []


def test_fewer_emails_bring_nobody_back_after_a_day(served: Served, workspace: Workspace, now: datetime) -> None:
    path = served.path(Purpose.UNSUBSCRIBE)
    served.post(path, b"from=page")
    with serving(create_app(workspace, served.database, clock=lambda: now + timedelta(hours=25))) as port:
        reply = fetch(port, f"{path}/less", method="POST", body=b"frequency=monthly",
                      headers={"Content-Type": "application/x-www-form-urlencoded"})  # fmt: skip
        assert "Fewer emails" not in fetch(port, path).text
    assert "too late to undo" in reply.text
    assert (wanted(served), statuses(served)) == ("every", ["unsubscribed", "subscribed"])


@pytest.mark.parametrize("body", [b"", b"frequency=every", b"frequency=daily", b"frequency"])
def test_fewer_emails_takes_no_other_word(served: Served, body: bytes) -> None:
    path = f"{served.path(Purpose.UNSUBSCRIBE)}/less"
    assert served.post(path, body).status == 422
    assert served.get(path).status == 405
    proof = f"{served.path(Purpose.UNSUBSCRIBE, proof=True)}/less"
    assert "This was a test email" in served.post(proof, body or b"frequency=monthly").text
    assert wanted(served) == wanted(served, 2) == "every"
