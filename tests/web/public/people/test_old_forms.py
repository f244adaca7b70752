"""Forms made for listmonk, as its own pages and scripts post them: the lists' own words are agreed to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlencode

import pytest
from sqlalchemy import text

from mailer.store.engine.database import Database
from mailer.store.tables.core import consent_sources, people
from mailer.tracking.tokens import Signer
from mailer.web.public.app import create_app
from mailer.workspace import Workspace
from tests.web.client import Reply, fetch, serving
from tests.web.conftest import Served, seed
from tests.web.notices import deliver, link_of, queued

NEWS, UPDATES, STAFF = (f"5b8ba6c2-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))
NOBODYS = "5b8ba6c2-0000-4000-8000-000000000009"
NEW = "zoe@example.net"


@pytest.fixture
def site(workspace: Workspace, database: Database, now: datetime) -> Iterator[Served]:
    """Two lists with words of their own that were listmonk's, and one that isn't for the public."""
    for name, wording, more in (
        ("supporters", "Yes, news.", f'public_form = true\nformerly = ["{NEWS.upper()}"]\n'),
        ("updates", "Yes, updates.", f'public_form = true\nformerly = ["{UPDATES}"]\n'),
        ("staff", "Yes.", f'formerly = ["{STAFF}"]\n'),
    ):
        (workspace.lists / f"{name}.toml").write_text(
            f'title = "The {name}"\nlist_id = "{name}.example.org"\nconsent = "{wording}"\n{more}'
        )
    seed(database, now)
    if not database.is_sqlite:  # the three came with their numbers
        with database.write() as connection:
            connection.execute(text("SELECT setval('people_id_seq', 1000)"))
    with serving(create_app(workspace, database, clock=lambda: now)) as port:
        yield Served(port, database, Signer(workspace.secrets.require_signing()))


def form(site: Served, *lists: str, **more: str) -> Reply:
    fields = [("nonce", ""), ("email", NEW), ("name", "Zoe Ali"), *(("l", one) for one in lists)]
    return site.post(
        "/subscription/form", urlencode([one for one in fields if one[0] not in more] + [*more.items()]).encode()
    )


def script(site: Served, body: object) -> tuple[int, object]:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Origin": "https://www.example.org"}
    reply = fetch(site.port, "/api/public/subscription", method="POST", body=sent, headers=headers)
    assert reply.headers["access-control-allow-origin"] == "*"
    return reply.status, json.loads(reply.text)


def test_a_form_of_another_time_asks_by_mail_in_the_lists_own_words(
    site: Served, workspace: Workspace, now: datetime
) -> None:
    reply = form(site, NEWS)
    assert (reply.status, reply.headers["location"]) == (303, "../join/supporters/sent")
    assert site.get("/join/supporters/sent").status == 200
    assert site.rows(people)[3:] == [], "also where one step is enough: nobody knows what that form said"
    (mail,) = deliver(site, workspace, lambda: now)
    path = link_of(mail)
    assert "Yes, news." in site.get(path).text
    site.post(path)
    (person,) = site.rows(people)[3:]
    assert (person.address, person.first_name) == (NEW, "Zoe Ali")
    (source,) = site.rows(consent_sources)
    assert (source.how, source.source, source.wording) == ("form", "/subscription/form", "Yes, news.")


def test_lists_of_other_words_are_asked_for_apart(site: Served, workspace: Workspace, now: datetime) -> None:
    assert script(site, {"email": NEW, "name": "", "list_uuids": [NEWS, UPDATES, STAFF, NOBODYS]}) == (
        200, {"data": {"has_optin": True}}
    )  # fmt: skip
    pages = [site.get(link_of(mail)).text for mail in deliver(site, workspace, lambda: now)]
    assert sorted(("Yes, news." in page, "Yes, updates." in page) for page in pages) == [(False, True), (True, False)]


@pytest.mark.parametrize("lists", [(), (STAFF,), (NOBODYS,), ("' OR 1=1", "\x00")])
def test_lists_that_are_nobodys_or_not_for_the_public_take_nobody(site: Served, lists: tuple[str, ...]) -> None:
    assert form(site, *lists).status == 400
    assert script(site, {"email": NEW, "list_uuids": lists})[0] == 400
    assert queued(site) == []


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[" * 5_000, b"[]", b'"x"', {"email": NEW}, {"email": NEW, "list_uuids": "x"},
        {"list_uuids": [NEWS]},
        {"email": 1, "list_uuids": [NEWS]}, {"email": "nobody", "list_uuids": [NEWS]},
        {"email": NEW, "name": [], "list_uuids": [NEWS]}, {"email": NEW, "list_uuids": [1]},
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_to_scripts(site: Served, body: object) -> None:
    status, said = script(site, body)
    assert status == 400
    assert isinstance(said, dict)
    assert queued(site) == []


def test_a_script_may_post_a_form_and_a_browser_ask_first(site: Served) -> None:
    body = urlencode([("email", NEW), ("name", "Zoe"), ("list_uuids", NEWS)]).encode()
    assert site.post("/api/public/subscription", body).status == 200
    reply = fetch(site.port, "/api/public/subscription", method="OPTIONS")
    assert (reply.status, reply.headers["access-control-allow-headers"]) == (204, "Content-Type")
    assert len(queued(site)) == 1


def test_a_program_and_a_strangers_link_mail_nothing(site: Served, workspace: Workspace, now: datetime) -> None:
    assert form(site, NEWS, nonce="x").headers["location"] == form(site, NEWS).headers["location"]
    assert len(queued(site)) == 1
    assert form(site, UPDATES, name="Win at www.evil.example").status == 303
    assert all("evil" not in mail.as_string() for mail in deliver(site, workspace, lambda: now))


def test_what_formerly_holds_must_be_numbers_of_listmonk(workspace: Workspace) -> None:
    from mailer.errors import MailerError

    for wrong in ('"x"', '["x"]', "[1]", f'"{NEWS}"'):
        (workspace.lists / "odd.toml").write_text(f'title = "Odd"\nlist_id = "a.example.org"\nformerly = {wrong}\n')
        with pytest.raises(MailerError, match="formerly must be a list of UUIDs"):
            workspace.list_definition("odd")
