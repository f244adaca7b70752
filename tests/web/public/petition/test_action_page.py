"""Sign pages over real HTTP: GET never signs, POST signs once, and a mail's link tells nobody who its reader is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

import pytest
from sqlalchemy import delete, insert, text, update

from mailer.compose.message import to_json
from mailer.locale.language import LANGUAGES, Language
from mailer.petition_fields.table import ASKABLE, FIELDS
from mailer.store.engine.database import Database
from mailer.store.tables.core import (
    campaigns,
    consents,
    deliveries,
    links,
    people,
    people_tags,
    subscriptions,
    suppressions,
)
from mailer.store.tables.inbound import requests, signatures, statements
from mailer.store.tables.jobs import jobs
from mailer.tracking.tokens import LinkVisit, Named, Purpose, Signer
from mailer.web.public.app import create_app
from mailer.web.public.core.page_cache import GONE_LIFE, ActionPages
from mailer.workspace import ACTION_FILE, Workspace
from tests.reports.builders import CAMPAIGN, delivery_id, make_links, make_message
from tests.web.client import BROWSER, Reply, fetch, serving
from tests.web.conftest import PROOF, Served, seed

# How signatures are stored is tried on both engines in tests/audience.
pytestmark = pytest.mark.sqlite

STATEMENT = "We ask the council to **keep** the library open."
PAGE = f"""\
---
headline: "Keep the library & its <staff>"
statement: |
  {STATEMENT}
fields:
  country: required
  postcode: optional
  comment: optional
opt_in:
  list: updates
  wording: "Yes, mail me news."
target: 10
tags: library
thanks: |
  The council meets on **Thursday**.
next:
  url: https://example.org/give
  label: Give 5 euros
share: "They want to close our library:"
language: en
---

The council wants to close it.[^1]

[^1]: [Minutes](https://example.org/minutes)
"""
BLANK = {"first_name": "Ana", "last_name": "Li", "email": "Ana@Example.org ", "country": "ie"}


@pytest.fixture
def acting(workspace: Workspace, database: Database, now: datetime) -> Iterator[Served]:
    (workspace.lists / "updates.toml").write_text('title = "News"\nlist_id = "news.lists.example.org"\n')
    folder = workspace.newsletters / "library"
    folder.mkdir()
    (folder / ACTION_FILE).write_text(PAGE, encoding="utf-8")
    seed(database, now)
    with database.write() as connection:
        connection.execute(update(people).where(people.c.id == 1).values(first_name="Marta", last_name="Kovács"))
        connection.execute(delete(subscriptions).where(subscriptions.c.list_id == 2))
        if not database.is_sqlite:  # the rows above brought their own numbers
            connection.execute(text("SELECT setval(pg_get_serial_sequence('people', 'id'), 1000)"))
    with serving(create_app(workspace, database, clock=lambda: now)) as port:
        yield Served(port, database, Signer(workspace.secrets.require_signing()))


def token(served: Served, now: datetime, number: int = 1, *, proof: bool = False, age: timedelta = timedelta()) -> str:
    named = Named(PROOF if proof else delivery_id(number), proof=proof)
    return served.signer.sign_visit(Purpose.ACT, LinkVisit(named, 2, now - age))


def post(served: Served, fields: dict[str, str], query: str = "", **headers: str) -> Reply:
    body = urlencode(fields).encode()
    form = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    return fetch(served.port, f"/act/library{query}", method="POST", body=body, headers=form)


def test_the_page_shows_what_is_signed_and_loads_nothing(acting: Served) -> None:
    reply = acting.get("/act/library")
    assert reply.status == 200
    page = reply.text
    assert "Keep the library &amp; its &lt;staff&gt;" in page
    assert "We ask the council to <strong>keep</strong> the library open." in page
    assert "Be the first to sign" in page
    assert 'type="checkbox" name="news" value="1">' in page, "news are never ticked beforehand"
    assert re.findall(r"<script.*?>", page) == [re.search(r'<script type="module" src="/brand/page-\w+.js">', page)[0]]  # pyright: ignore[reportOptionalSubscript]
    assert all(source.startswith("/brand/") for source in re.findall(r'\bsrc="([^"]*)"', page))
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-robots-tag"] == "all"
    assert 'content="noindex"' not in page
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'; connect-src 'self'" in policy


def test_the_page_is_light_in_every_language(acting: Served, workspace: Workspace) -> None:
    """A stranger's, who is asked for a country: HTML and CSS, as they are before a web server compresses them."""
    for language in LANGUAGES:
        reply = acting.get(f"/act/library?lang={language}")
        assert reply.headers["content-language"] == language
        assert "country.other" in reply.text
        assert len(reply.body) < 20_000, language
    path = workspace.newsletters / "library" / ACTION_FILE
    path.write_text(PAGE.replace("country: required", "country: optional"))
    for language in LANGUAGES:
        thanks = post(acting, BLANK, f"?lang={language}").headers["location"]
        reply = acting.get(f"/act/{thanks}")
        assert 'name="country"' in reply.text
        assert len(reply.body) < 20_000, language


def test_a_country_is_chosen_or_written(acting: Served) -> None:
    """Those whose own isn't among the likely ones write it, in any of our languages."""
    page = fetch(acting.port, "/act/library", headers={"Accept-Language": "en-PE,qu"}).text
    assert "<option value=PE selected>Peru" in page
    assert "Mongolia" not in page
    assert "Mongolia" not in fetch(acting.port, "/act/library", headers={"Accept-Language": "pl,en;q=0.5"}).text
    assert "<option value=MN>Mongolia" in fetch(acting.port, "/act/library", headers={"Accept-Language": "mn"}).text
    written = {
        "Mongolia": "MN",
        " mongolei ": "MN",
        "Mongolie": "MN",
        "منغوليا": "MN",
        "mn": "MN",
        "UK": "GB",
        "GBR": "GB",
    }
    for number, (words, code) in enumerate(written.items()):
        form = {**BLANK, "email": f"ana{number}@example.org", "country": "*" if number else "", "country.other": words}
        assert post(acting, form).status == 303, words
        assert acting.rows(signatures)[-1].country == code
    form = {**BLANK, "country": "IE", "country.other": "Mongolia"}
    assert post(acting, form).status == 303
    assert acting.rows(signatures)[-1].country == "IE", "what is chosen counts, whatever was written before"


def test_a_country_that_nobody_knows_is_chosen_from_all_of_them(acting: Served) -> None:
    for words in ("Mungolia", "", "XX", "Ger", "x" * 5000):
        reply = post(acting, {**BLANK, "country": "*", "country.other": words})
        assert reply.status == 422
        assert "<option value=MN>Mongolia" in reply.text
        assert "country.other" not in reply.text
        assert " selected" not in reply.text
        assert 'value="Ana"' in reply.text, "nothing that was typed is lost"
    other = post(acting, {**BLANK, "last_name": "", "country": "*", "country.other": "mongolei"})
    assert "<option value=MN selected>Mongolia" in other.text


def test_search_engines_and_robots_txt(acting: Served, now: datetime) -> None:
    assert "Allow: /act/" in acting.get("/robots.txt").text
    reply = acting.get(f"/act/library?t={token(acting, now)}")
    assert reply.headers["x-robots-tag"] == "noindex"
    assert 'content="noindex"' in reply.text


def test_pages_that_do_not_exist(acting: Served) -> None:
    for path in ("/act/other", "/act/other/thanks", "/act/..%2Flibrary", "/act/LIBRARIES", "/act/"):
        assert acting.get(path).status == 404


def test_signing_on_the_blank_form(acting: Served, now: datetime) -> None:
    reply = post(acting, {**BLANK, "comment": "My\r\nson\x00 reads.\u202e", "shown": "1"}, "?utm_source=poster")
    assert reply.status == 303
    assert re.fullmatch(r"library/thanks\?own=[\w-]+", reply.headers["location"])
    (row,) = acting.rows(signatures)
    assert (row.first_name, row.last_name, row.country, row.comment) == ("Ana", "Li", "IE", "My\nson reads.")
    assert (row.campaign_id, row.delivery_id, row.n, row.source) == (None, None, None, "poster")
    assert (row.shown, row.signed_at, row.changed_at) == (True, now, now)
    assert [one.text for one in acting.rows(statements)] == [STATEMENT]
    person = acting.rows(people)[-1]
    (tagged,) = acting.rows(people_tags)
    assert (tagged.person_id, tagged.at, tagged.source) == (person.id, now, "act/library")
    assert (person.address, person.first_name, person.country, person.language) == (
        "ana@example.org",
        "Ana",
        "IE",
        "en",
    )
    assert [row for row in acting.rows(subscriptions) if row.person_id == person.id] == []
    page = acting.get("/act/library").text
    assert "<strong>1</strong> of 10 signatures" in page
    assert "Ana" in page
    assert "Li</" not in page


def test_a_repeat_updates_and_is_counted_once(acting: Served) -> None:
    for name in ("Ana", "Anna"):
        assert post(acting, {**BLANK, "first_name": name, "shown": "1"}).status == 303
    (row,) = acting.rows(signatures)
    assert row.first_name == "Anna"
    assert "<strong>1</strong> of 10 signatures" in acting.get("/act/library").text


def test_the_same_person_pressing_many_times_at_once_is_one_signature(acting: Served) -> None:
    with ThreadPoolExecutor(8) as threads:
        replies = list(threads.map(lambda _: post(acting, BLANK), range(16)))
    assert {reply.status for reply in replies} == {303}
    assert len(acting.rows(signatures)) == 1
    assert [row.address for row in acting.rows(people)].count("ana@example.org") == 1


def test_a_stranger_who_types_my_address_changes_nothing_of_me(acting: Served, now: datetime) -> None:
    before = acting.rows(people)
    assert post(acting, {**BLANK, "email": "MARY1@example.org", "first_name": "Impostor"}).status == 303
    assert acting.rows(people) == before
    assert post(acting, {}, f"?t={token(acting, now)}").status == 303
    assert acting.rows(signatures)[0].first_name == "Marta", "my own link overrules the blank form"
    assert acting.rows(signatures)[0].campaign_id == CAMPAIGN
    assert post(acting, {**BLANK, "email": "mary1@example.org", "first_name": "Impostor"}).status == 303
    assert [row.first_name for row in acting.rows(signatures)] == ["Marta"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"first_name": " "}, "Enter your first name"),
        ({"last_name": ""}, "Enter your last name"),
        ({"email": "ana@"}, "doesn’t look right"),
        ({"email": "ana@example.org\nBcc: x@example.org"}, "doesn’t look right"),
        ({"country": ""}, "Choose your country"),
        ({"country": "XX"}, "Choose a country from the list"),
        ({"first_name": "www.buy.example"}, "Just your name"),
        ({"last_name": "http://x"}, "Just your name"),
        ({"last_name": "LinkVisit evil。example"}, "Just your name"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_the_rest_is_kept(
    acting: Served, change: dict[str, str], words: str
) -> None:
    reply = post(acting, {**BLANK, "comment": "Kept <b>", "news": "1", **change})
    assert reply.status == 422
    assert words in reply.text
    assert "Kept &lt;b&gt;" in reply.text
    assert 'name="news" value="1" checked' in reply.text
    (name,) = change
    assert f'aria-describedby="{name}-wrong"' in reply.text
    assert acting.rows(signatures) == acting.rows(requests) == []


def test_hostile_input_is_shown_as_text(acting: Served) -> None:
    attack = '"><script>alert(1)</script>{{ 7*7 }}'
    reply = post(acting, {"first_name": attack, "comment": attack, "email": attack, "country": attack}, "?lang=%22%3E")
    assert reply.status == 422
    assert "<script>" not in reply.text
    assert "{{ 7*7 }}" in reply.text


def test_only_what_looks_like_a_name_is_shown(acting: Served) -> None:
    for number, name in enumerate(("Buy now, for 24", "Zoë-Ann", "हेमा", "\u202eevil", "A" * 40)):
        body = {**BLANK, "email": f"p{number}@example.org", "first_name": name, "shown": "1"}
        assert post(acting, body).status == 303
    hidden = {**BLANK, "email": "q@example.org", "first_name": "Secretive"}
    assert post(acting, hidden).status == 303
    page = acting.get("/act/library").text
    assert "Zoë-Ann" in page
    assert "हेमा" in page
    assert "spam.example" not in page
    assert "Secretive" not in page
    assert "A" * 40 not in page


def test_the_trap_pretends_and_stores_nothing(acting: Served) -> None:
    before = acting.rows(people)
    reply = post(acting, {**BLANK, "homepage": "https://spam.example", "news": "1"})
    assert (reply.status, reply.headers["location"]) == (303, "library/thanks?news=1")
    assert acting.rows(signatures) == acting.rows(requests) == []
    assert acting.rows(people) == before


def test_the_thanks_say_nothing_of_anybody(acting: Served) -> None:
    assert post(acting, BLANK).status == 303
    reply = acting.get("/act/library/thanks")
    assert reply.status == 200
    page = reply.text
    assert "The council meets on <strong>Thursday</strong>." in page
    assert "Ana" not in page
    for start in (
        "mailto:?subject=",
        "https://wa.me/",
        "https://www.facebook.com/",
        "https://x.com/",
        "https://bsky.app/",
        "https://t.me/",
        "https://share.joinmastodon.org/#text=",
        "sgnl://send?text=",
    ):
        assert f'href="{start}' in page
    assert 'readonly value="https://mail.example.org/act/library"' in page
    assert "source%3Dwhatsapp" in page
    assert "https://example.org/give" in page
    assert reply.headers["x-robots-tag"] == "noindex"
    assert "check your inbox" not in page
    assert "check your inbox" in acting.get("/act/library/thanks?news=1").text


def test_a_fresh_link_knows_its_reader_and_tells_nobody(acting: Served, now: datetime) -> None:
    page = acting.get(f"/act/library?t={token(acting, now)}").text
    assert "M. K., United Kingdom" in page
    assert "Not you?" in page
    for secret in ("Marta", "Kovács", "mary1"):
        assert secret not in page
    for field in ("first_name", "last_name", "email", "country"):
        assert f'name="{field}"' not in page
    assert acting.rows(signatures) == []


def test_signing_by_a_fresh_link_is_credited_to_the_mail(acting: Served, now: datetime) -> None:
    reply = post(acting, {"postcode": "N1 1AA"}, f"?t={token(acting, now)}&utm_source=newsletter")
    assert reply.status == 303
    (row,) = acting.rows(signatures)
    assert (row.person_id, row.first_name, row.last_name, row.country) == (1, "Marta", "Kovács", "GB")
    assert (row.postcode, row.campaign_id, row.delivery_id, row.n) == ("N1 1AA", CAMPAIGN, delivery_id(1), 2)
    assert row.source == "newsletter"


def test_what_is_not_known_of_the_reader_is_asked_for(acting: Served, now: datetime) -> None:
    with acting.database.write() as connection:
        connection.execute(update(people).where(people.c.id == 1).values(last_name="", country=""))
    query = f"?t={token(acting, now)}"
    page = acting.get(f"/act/library{query}").text
    assert "<bdi>M.</bdi>" in page
    assert 'name="last_name"' in page
    assert 'name="country"' in page
    assert 'name="first_name"' not in page
    assert post(acting, {}, query).status == 422
    assert post(acting, {"last_name": "Kiss", "country": "HU", "first_name": "Other"}, query).status == 303
    (row,) = acting.rows(signatures)
    assert (row.first_name, row.last_name, row.country) == ("Marta", "Kiss", "HU")
    assert acting.rows(people)[0].last_name == ""


def test_what_the_page_does_not_ask_for_is_not_taken_from_what_is_known(
    acting: Served, workspace: Workspace, now: datetime
) -> None:
    path = workspace.newsletters / "library" / ACTION_FILE
    path.write_text(PAGE.replace("  country: required\n", ""), encoding="utf-8")
    assert post(acting, {"country": "FR"}, f"?t={token(acting, now)}").status == 303
    assert acting.rows(signatures)[0].country == ""


@pytest.mark.parametrize("headers", [{}, {"Sec-GPC": "1"}, {"DNT": "1"}])
def test_who_is_not_to_be_tracked_is_known_and_not_tied_to_the_mail(
    acting: Served, now: datetime, headers: dict[str, str]
) -> None:
    if not headers:
        with acting.database.write() as connection:
            connection.execute(update(people).where(people.c.id == 1).values(tracking=False))
    assert post(acting, {}, f"?t={token(acting, now)}", **headers).status == 303
    (row,) = acting.rows(signatures)
    assert (row.person_id, row.campaign_id, row.delivery_id) == (1, CAMPAIGN, None)


def test_stale_damaged_and_foreign_tokens_give_the_blank_form(acting: Served, now: datetime) -> None:
    good = token(acting, now)
    wrong_purpose = acting.signer.sign_visit(Purpose.CONVERSION, LinkVisit(Named(delivery_id(1)), 2, now))
    unknown = acting.signer.sign_visit(Purpose.ACT, LinkVisit(Named(delivery_id(99)), 2, now))
    for bad in (
        token(acting, now, age=timedelta(days=7, seconds=1)), token(acting, now, age=timedelta(days=-1)),
        f"{good[:-1]}{'A' if good[-1] != 'A' else 'B'}", good[:-4], good + "AAAA", wrong_purpose, unknown, "x", "é",
        acting.token(Purpose.CLICK), "A" * 5000,
    ):  # fmt: skip
        query = "?" + urlencode({"t": bad})
        reply = acting.get(f"/act/library{query}")
        assert reply.status == 200
        assert "Signing as" not in reply.text
        assert 'name="email"' in reply.text
        assert post(acting, {}, query).status == 422
    assert acting.rows(signatures) == []
    assert "Signing as" in acting.get(f"/act/library?t={token(acting, now, age=timedelta(days=6))}").text


def test_a_forgotten_person_gets_the_blank_form(acting: Served, now: datetime) -> None:
    with acting.database.write() as connection:
        connection.execute(update(deliveries).values(person_id=None))
    assert "Signing as" not in acting.get(f"/act/library?t={token(acting, now)}").text


def test_a_test_mail_fills_in_and_stores_nothing(acting: Served, now: datetime) -> None:
    query = f"?t={token(acting, now, proof=True)}"
    page = acting.get(f"/act/library{query}").text
    assert "Signing as" in page
    assert "signing won’t be saved" in page
    reply = post(acting, {"last_name": "Sample", "news": "1"}, f"{query}&lang=de")
    assert reply.status == 200
    assert "This was a test email" not in reply.text  # it speaks German
    assert 'href="library/thanks?lang=de&amp;news=1"' in reply.text
    assert acting.rows(signatures) == acting.rows(requests) == acting.rows(consents) == []


def test_get_and_head_never_sign(acting: Served, now: datetime) -> None:
    for method in ("GET", "HEAD"):
        path = f"/act/library?t={token(acting, now)}&{urlencode(BLANK)}"
        assert fetch(acting.port, path, method=method, headers=BROWSER).status == 200
    assert acting.rows(signatures) == []


def test_the_tracked_link_leads_to_the_page_with_a_visit(acting: Served, now: datetime) -> None:
    target = "https://mail.example.org/act/library"
    with acting.database.write() as connection:
        own = [link.__class__(9, target + "?utm_source=a#sign", (target + "?utm_source=a#sign",), "x", "button", True)
               for link in make_links()[:1]]  # fmt: skip
        message = make_message(links=[*make_links(), *own])
        connection.execute(update(campaigns).values(message=to_json(message)))
        connection.execute(
            insert(links).values(campaign_id=CAMPAIGN, n=9, url=target, label="", placement="button", is_action=True)
        )
    where = acting.get(f"{acting.path(Purpose.CLICK)}/9").headers["location"]
    parts = urlsplit(where)
    assert (parts.netloc, parts.path, parts.fragment) == ("mail.example.org", "/act/library", "sign")
    given = parts.query.partition("&t=")[2]
    visit = acting.signer.read_visit(Purpose.ACT, given)
    assert (visit.named, visit.n) == (Named(delivery_id(1)), 9)
    assert "Signing as" in acting.get(f"{parts.path}?{parts.query}").text
    elsewhere = acting.get(f"{acting.path(Purpose.CLICK)}/1").headers["location"]
    assert "t=" not in elsewhere


def statuses(served: Served, person_id: int) -> list[str]:
    return [row.status for row in served.rows(subscriptions) if row.person_id == person_id and row.list_id == 2]


def test_news_for_a_reader_of_ours_begin_at_once_with_proof(acting: Served, now: datetime) -> None:
    reply = post(acting, {"news": "1"}, f"?t={token(acting, now)}")
    assert reply.headers["location"].startswith("library/thanks?own=")
    assert statuses(acting, 1) == ["subscribed"]
    assert len(acting.rows(consents)) == 1
    assert acting.rows(requests) == []
    assert 'name="news"' not in acting.get(f"/act/library?t={token(acting, now)}").text


def test_who_gets_the_news_already_is_neither_asked_nor_proven_again(acting: Served, now: datetime) -> None:
    with acting.database.write() as connection:
        row = {"list_id": 2, "person_id": 1, "status": "subscribed", "changed_at": now}
        connection.execute(insert(subscriptions).values(row))
    reply = post(acting, {"news": "1"}, f"?t={token(acting, now)}")
    assert reply.headers["location"].startswith("library/thanks?own=")
    assert statuses(acting, 1) == ["subscribed"]
    assert (acting.rows(consents), acting.rows(requests)) == ([], [])


def test_news_for_anybody_else_wait_for_a_confirmation(acting: Served) -> None:
    for address in ("ana@example.org", "mary1@example.org"):
        reply = post(acting, {**BLANK, "email": address, "news": "1"})
        assert reply.headers["location"].startswith("library/thanks?news=1&own=")
    found = {row.address: row for row in acting.rows(requests)}
    assert set(found) == {"ana@example.org", "mary1@example.org"}
    row = found["ana@example.org"]
    assert (row.kind, row.lists, row.source, row.wording) == ("join", ["updates"], "act/library", "Yes, mail me news.")
    assert row.fields["first_name"] == "Ana"
    assert acting.rows(consents) == []
    assert statuses(acting, 1) == []


@pytest.mark.parametrize(("how", "asked"), [("left", 1), ("unsubscribed", 1), ("complained", 0)])
def test_nobody_who_left_comes_back_without_confirming(acting: Served, now: datetime, how: str, asked: int) -> None:
    with acting.database.write() as connection:
        if how == "left":
            row = {"list_id": 2, "person_id": 1, "status": "unsubscribed", "changed_at": now}
            connection.execute(insert(subscriptions).values(row))
        else:
            hashed = acting.rows(people)[0].address_hash
            row = {"address_hash": hashed, "list_id": 0, "reason": how, "at": now}
            connection.execute(insert(suppressions).values(row))
    reply = post(acting, {"news": "1"}, f"?t={token(acting, now)}")
    assert reply.headers["location"].startswith("library/thanks?news=1&own=")
    assert "subscribed" not in statuses(acting, 1)
    assert len(acting.rows(requests)) == asked, "who complained is not even asked"
    assert acting.rows(consents) == []


def test_a_page_whose_file_gets_a_fault_stays_as_it_was(acting: Served, workspace: Workspace) -> None:
    assert acting.get("/act/library").status == 200
    path = workspace.newsletters / "library" / ACTION_FILE
    path.write_text("---\nheadline: [\n---\n")
    assert "Keep the library" in acting.get("/act/library").text
    path.write_text(PAGE.replace("Keep the library", "Save the library"))
    assert "Save the library" in acting.get("/act/library").text


def test_a_page_whose_file_is_gone_for_a_moment_stays(workspace: Workspace, database: Database, now: datetime) -> None:
    (workspace.lists / "updates.toml").write_text('title = "News"\nlist_id = "news.lists.example.org"\n')
    moment, folder = [now], workspace.newsletters / "library"
    folder.mkdir()
    path = folder / ACTION_FILE
    path.write_text(PAGE, encoding="utf-8")
    pages = ActionPages(workspace, database, clock=lambda: moment[0])
    assert pages.find("library")
    for _ in range(2):
        path.rename(folder / "taken-away")
        assert pages.find("library"), "git pull takes it away"
        moment[0] += GONE_LIFE - timedelta(seconds=1)
        assert pages.find("library")
        (folder / "taken-away").rename(path)
        assert pages.find("library")
    path.unlink()
    assert pages.find("library")
    moment[0] += GONE_LIFE
    assert pages.find("library") is None
    assert pages.find("never") is None


def test_the_form_asks_for_each_field_that_there_is(acting: Served, workspace: Workspace) -> None:
    path = workspace.newsletters / "library" / ACTION_FILE
    lines = "".join(f"  {name}: optional\n" for name in ASKABLE)
    path.write_text(re.sub(r"fields:\n(  .*\n)+", f"fields:\n{lines}", PAGE))
    for language in LANGUAGES:
        thanks = post(acting, BLANK, f"?lang={language}").headers["location"].removeprefix("library/")
        asked_first, asked_later = acting.get(f"/act/library?lang={language}"), acting.get(f"/act/library/{thanks}")
        shown = asked_first.text + asked_later.text
        for field in FIELDS:
            assert (f'name="{field.name}"' in asked_first.text) == field.always, "what may stay empty comes later"
            (control,) = re.findall(rf'<(?:input|select|textarea) id="{field.name}" name="{field.name}"[^>]*>', shown)
            assert ("required" in control) == field.always, field
            assert (f'autocomplete="{field.autocomplete}"' in control) == bool(field.autocomplete), field
            label = Language(language).say(field.label)
            assert f'<label for="{field.name}">{label}' in shown, field
        assert 'type="tel"' in shown


def test_a_number_that_reads_two_ways_is_asked_for_once_more(acting: Served, workspace: Workspace) -> None:
    path = workspace.newsletters / "library" / ACTION_FILE
    path.write_text(PAGE.replace("  postcode: optional\n", "  phone: required\n"))
    assert "Enter your phone number" in post(acting, BLANK).text
    reply = post(acting, {**BLANK, "phone": "+44 (0)20 7946 0958"})
    assert reply.status == 422
    assert "That phone number doesn’t look right." in reply.text
    assert 'value="+44 (0)20 7946 0958"' in reply.text
    assert acting.rows(signatures) == []
    assert post(acting, {**BLANK, "phone": "+44 (20) 7946-0958"}).status == 303
    assert [row.phone for row in acting.rows(signatures)] == ["+442079460958"]


def test_nothing_is_told_to_others_without_a_webhook(acting: Served) -> None:
    assert post(acting, BLANK).status == 303
    assert acting.rows(jobs) == []
