"""The thanks: by the name that was typed and by no other, and what is added to a signature afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import update

from mailer.store.engine.database import Database
from mailer.store.tables.core import people
from mailer.store.tables.inbound import signatures
from mailer.tracking.tokens import Signer
from mailer.web.public.app import create_app
from mailer.web.public.petition.own_page import LIFE_SECONDS
from mailer.workspace import ACTION_FILE, Workspace
from tests.web.client import Reply, fetch, serving
from tests.web.conftest import Served, seed
from tests.web.public.petition.test_action_page import BLANK, PAGE, acting, post, token

pytestmark = pytest.mark.sqlite  # how signatures are stored is tried on both engines in tests/audience
__all__ = ["acting"]


def own_page(reply: Reply) -> str:
    """The address of somebody's own thanks."""
    assert reply.status == 303
    return f"/act/{reply.headers['location']}"


def add(served: Served, path: str, fields: dict[str, str]) -> Reply:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return fetch(served.port, path, method="POST", body=urlencode(fields).encode(), headers=form)


def test_a_stranger_is_thanked_by_the_name_they_typed(acting: Served) -> None:
    path = own_page(post(acting, BLANK))
    page = acting.get(path).text
    assert "Thank you, <bdi>Ana</bdi>" in page
    assert "<strong>1</strong> name, and it is yours" in page
    assert "Anything you’d like to add?" in page
    plain = acting.get("/act/library/thanks").text
    assert "Ana" not in plain
    assert "like to add" not in plain


def test_a_forwarded_mail_tells_no_name_on_the_thanks_either(acting: Served, now: datetime) -> None:
    page = acting.get(own_page(post(acting, {}, f"?t={token(acting, now)}"))).text
    for secret in ("Marta", "Kovács", "mary1"):
        assert secret not in page
    assert "Thank you" in page
    assert 'name="comment"' in page
    assert 'name="country"' not in page, "what is known isn't asked"


def test_who_types_the_address_of_somebody_learns_nothing(acting: Served, now: datetime) -> None:
    """Neither whether that person signed, nor their name, nor a way to write in it."""
    own_page(post(acting, {"postcode": "N1"}, f"?t={token(acting, now)}"))
    path = own_page(post(acting, {**BLANK, "email": "mary1@example.org", "first_name": "Impostor"}))
    page = acting.get(path).text
    assert "Thank you, <bdi>Impostor</bdi>" in page
    assert "Marta" not in page
    reply = add(acting, path, {"comment": "Buy here", "shown": "1"})
    assert reply.status == 303
    assert "Added. Thank you." in acting.get(f"/act/library/{reply.headers['location']}").text
    (row,) = acting.rows(signatures)
    assert (row.first_name, row.comment, row.shown, row.postcode) == ("Marta", "", False, "N1")


def test_what_is_added_is_kept_and_said(acting: Served) -> None:
    path = own_page(post(acting, BLANK))
    reply = add(acting, path, {"comment": "My son reads.", "shown": "1", "first_name": "Other", "email": "x@y.org"})
    assert reply.status == 303
    (row,) = acting.rows(signatures)
    assert (row.first_name, row.comment, row.shown, row.country) == ("Ana", "My son reads.", True, "IE")
    assert acting.rows(people)[-1].address == "ana@example.org"
    page = acting.get(f"/act/library/{reply.headers['location']}").text
    assert "Added. Thank you." in page
    assert "like to add" not in page
    assert "Ana" in acting.get("/act/library").text, "counted and shown at once"


def test_signing_again_leaves_what_was_added(acting: Served) -> None:
    add(acting, own_page(post(acting, BLANK)), {"comment": "My son reads.", "shown": "1"})
    own_page(post(acting, BLANK))
    (row,) = acting.rows(signatures)
    assert (row.comment, row.shown) == ("My son reads.", True)


def test_what_is_wrong_is_said_beside_its_field(acting: Served, workspace: Workspace) -> None:
    path = workspace.newsletters / "library" / ACTION_FILE
    path.write_text(PAGE.replace("  postcode: optional\n", "  phone: optional\n"))
    own = own_page(post(acting, BLANK))
    reply = add(acting, own, {"phone": "+44 (0)20 7946 0958", "comment": "Kept <b>"})
    assert reply.status == 422
    assert 'aria-describedby="phone-wrong"' in reply.text
    assert "Kept &lt;b&gt;" in reply.text
    assert acting.rows(signatures)[0].comment == ""


@pytest.mark.parametrize("own", ["", "?own=", "?own=made-up", "?own=gAAAAAB" + "A" * 80])
def test_nobody_adds_without_the_address_of_their_own(acting: Served, own: str) -> None:
    post(acting, BLANK)
    reply = add(acting, f"/act/library/thanks{own}", {"comment": "Buy here"})
    assert (reply.status, reply.headers["location"]) == (303, "thanks")
    assert acting.rows(signatures)[0].comment == ""


def test_the_bot_gets_thanks_like_anybodys_and_adds_nothing(acting: Served) -> None:
    reply = post(acting, {**BLANK, "homepage": "https://spam.example"})
    assert own_page(reply) == "/act/library/thanks"
    assert acting.rows(signatures) == []


def test_the_address_is_nobodys_in_time(workspace: Workspace, database: Database, now: datetime) -> None:
    for served in served_at(workspace, database, now):
        path = own_page(post(served.at_first, BLANK))
        assert "Ana" in served.at_first.get(path).text
        assert "Ana" not in served.later.get(path).text
        assert add(served.later, path, {"comment": "Too late"}).headers["location"] == "thanks"
        assert served.later.rows(signatures)[0].comment == ""


@dataclass(frozen=True, slots=True)
class Twice:
    """One workspace served now, and when the time of a page of one's own is over."""

    at_first: Served
    later: Served


def served_at(workspace: Workspace, database: Database, now: datetime) -> Iterator[Twice]:
    (workspace.lists / "updates.toml").write_text('title = "News"\nlist_id = "news.lists.example.org"\n')
    folder = workspace.newsletters / "library"
    folder.mkdir()
    (folder / ACTION_FILE).write_text(PAGE, encoding="utf-8")
    seed(database, now)
    signer = Signer(workspace.secrets.require_signing())
    after = now + timedelta(seconds=LIFE_SECONDS + 1)
    with (
        serving(create_app(workspace, database, clock=lambda: now)) as first,
        serving(create_app(workspace, database, clock=lambda: after)) as second,
    ):
        yield Twice(Served(first, database, signer), Served(second, database, signer))


def test_the_buttons_come_in_the_order_of_the_page(acting: Served, workspace: Workspace) -> None:
    path = workspace.newsletters / "library" / ACTION_FILE
    path.write_text(PAGE.replace("share:", "share_by: [mastodon, email, whatsapp]\nshare:"))
    page = acting.get("/act/library/thanks").text
    assert re.findall(r'data-share="(\w+)"', page) == ["mastodon", "email", "whatsapp"]
    path.write_text(PAGE)
    names = re.findall(r'data-share="(\w+)"', acting.get("/act/library/thanks").text)
    assert names == ["whatsapp", "signal", "telegram", "email", "facebook", "bluesky", "mastodon", "x"]


def test_a_gift_has_its_amounts(acting: Served, workspace: Workspace) -> None:
    path = workspace.newsletters / "library" / ACTION_FILE
    gift = "  amounts: £5, £10\n  amount_url: https://example.org/give?amount={amount}\n  headline: £5 buys a book\n"
    path.write_text(PAGE.replace("  label: Give 5 euros\n", gift))
    page = acting.get("/act/library/thanks").text
    assert "<h2>£5 buys a book</h2>" in page
    assert 'href="https://example.org/give?amount=10">£10<' in page
    assert 'href="https://example.org/give">Another amount<' in page


def test_a_closed_petition_says_so_and_takes_no_names(acting: Served, workspace: Workspace, now: datetime) -> None:
    post(acting, BLANK)
    path = workspace.newsletters / "library" / ACTION_FILE
    path.write_text(PAGE.replace("target: 10", "target: 10\ndeadline: 2026-11-23\noutcome: '**Saved.**'"))
    page = acting.get(f"/act/library?t={token(acting, now)}").text
    assert "This petition closed on 23 November with 1 signature." in page
    assert "<strong>Saved.</strong>" in page
    assert "<form" not in page
    reply = post(acting, {**BLANK, "email": "late@example.org"})
    assert reply.status == 409
    assert len(acting.rows(signatures)) == 1
    path.write_text(PAGE.replace("target: 10", "target: 10\ndeadline: 2026-11-24"))
    assert post(acting, {**BLANK, "email": "today@example.org"}).status == 303
    assert "9 to go" not in acting.get("/act/library").text
    assert "8 to go by 24 November." in acting.get("/act/library").text


def test_the_country_is_guessed_from_the_browser_and_only_a_default(acting: Served) -> None:
    headers = {"Accept-Language": "en-IE,en;q=0.8,fr-FR;q=0.5"}
    page = fetch(acting.port, "/act/library", headers=headers).text
    assert "<option value=IE selected>" in page
    assert page.count(" selected>") == 1
    for unknown in ("en", "en-XX", "", "en-419"):
        page = fetch(acting.port, "/act/library", headers={"Accept-Language": unknown}).text
        assert " selected>" not in page
    reply = post(acting, {**BLANK, "country": ""}, **headers)
    assert reply.status == 422, "what somebody left empty is not filled in for them"
    assert " selected>" not in reply.text


def test_how_long_ago_people_signed(acting: Served, now: datetime) -> None:
    post(acting, {**BLANK, "shown": "1"})
    assert "<bdi>Ana</bdi> has just signed." in acting.get("/act/library").text
    with acting.database.write() as connection:
        connection.execute(update(signatures).values(signed_at=now - timedelta(minutes=12)))
        connection.execute(update(people).values(language="en"))
    acting_page = acting.get("/act/library/count").text
    assert acting_page.startswith('<p class="count">')
    post(acting, {**BLANK, "email": "other@example.org"})  # which has them counted again
    page = acting.get("/act/library").text
    assert "<bdi>Ana</bdi> signed 12 minutes ago." in page
    assert '<span class="quiet">12 minutes ago</span>' in page


def test_the_count_renews_as_a_piece_of_the_page(acting: Served) -> None:
    address = re.search(r'data-count="([^"]+)"', acting.get("/act/library?lang=de").text)
    assert address
    post(acting, BLANK)
    piece = acting.get(address[1])
    assert piece.headers["content-type"].startswith("text/html")
    assert "<strong>1</strong>" in piece.text
    assert "<html" not in piece.text
    assert acting.get("/act/nothing/count").status == 404


def test_what_signers_wrote_shows_where_the_page_says_so_and_they_agreed(acting: Served, workspace: Workspace) -> None:
    path = workspace.newsletters / "library" / ACTION_FILE
    path.write_text(PAGE.replace("target: 10", "target: 10\nshow_comments: true"))
    add(acting, own_page(post(acting, BLANK)), {"comment": "My son & I read there", "shown": "1"})
    add(acting, own_page(post(acting, {**BLANK, "email": "b@example.org"})), {"comment": "Not for all."})
    page = acting.get("/act/library").text
    assert "Why people signed" in page
    assert "My son &amp; I read there" in page
    assert "Not for all." not in page
