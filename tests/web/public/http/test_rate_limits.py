"""Strangers are limited by their network, people with their own fresh link by that link, and mails by the mailbox."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.delivery.subscriptions.requests import MAILS_TO_ADDRESS, mailbox
from mailer.store.engine.database import Database
from mailer.store.tables import inbound as tables
from mailer.tracking.tokens import LinkVisit, Named, Purpose, Signer
from mailer.web.public.app import create_app
from mailer.web.public.http.rate_limits import FORMS, OWN, REQUESTS, SITE, networks
from mailer.workspace import ACTION_FILE, Workspace
from tests.reports.builders import delivery_id
from tests.web.client import BROWSER, Reply, fetch, serving
from tests.web.conftest import Served, seed
from tests.web.notices import queued
from tests.web.public.petition.test_action_page import BLANK, PAGE

pytestmark = pytest.mark.sqlite
OFFICE = 75
FORM = {**BROWSER, "Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def site(workspace: Workspace, database: Database, now: datetime) -> Iterator[Served]:
    (workspace.lists / "updates.toml").write_text(
        'title = "News"\nlist_id = "n.example.org"\npublic_form = true\nconsent = "Yes"\n'
    )
    folder = workspace.newsletters / "library"
    folder.mkdir()
    (folder / ACTION_FILE).write_text(PAGE, encoding="utf-8")
    seed(database, now, people=OFFICE)
    with serving(create_app(workspace, database, clock=lambda: now), proxies=("127.0.0.0/8",)) as port:
        yield Served(port, database, Signer(workspace.secrets.require_signing()))


def post(site: Served, path: str, fields: dict[str, str], address: str = "192.0.2.9") -> Reply:
    headers = {**FORM, "X-Forwarded-For": address}
    return fetch(site.port, path, method="POST", body=urlencode(fields).encode(), headers=headers)


def stranger(site: Served, n: int, address: str = "192.0.2.9") -> int:
    return post(site, "/act/library", {**BLANK, "email": f"zoe{n}@example.net"}, address).status


def fresh(site: Served, now: datetime, number: int, age: timedelta = timedelta()) -> str:
    visit = LinkVisit(Named(delivery_id(number)), 2, now - age)
    return f"/act/library?t={site.signer.sign_visit(Purpose.ACT, visit)}"


SIGNS = {"first_name": "Ana", "last_name": "Li", "country": "IE"}


def test_an_office_with_their_own_links_never_meets_the_limit_and_strangers_do(site: Served, now: datetime) -> None:
    assert [stranger(site, n) for n in range(FORMS.burst + 1)] == [303] * FORMS.burst + [429]
    assert {post(site, fresh(site, now, n), SIGNS).status for n in range(1, OFFICE + 1)} == {303}
    assert stranger(site, 99) == 429
    assert stranger(site, 99, "198.51.100.1") == 303
    assert len(site.rows(tables.signatures)) == OFFICE + FORMS.burst + 1


def test_a_stale_link_is_a_strangers(site: Served, now: datetime) -> None:
    for n in range(FORMS.burst):
        stranger(site, n)
    assert post(site, fresh(site, now, 1, timedelta(days=400)), {**BLANK}).status == 429


def test_one_link_is_good_for_a_few(site: Served, now: datetime) -> None:
    statuses = [post(site, fresh(site, now, 1), SIGNS, f"198.51.{n}.1").status for n in range(OWN.burst + 1)]
    assert statuses == [303] * OWN.burst + [429]
    assert post(site, fresh(site, now, 2), SIGNS).status == 303, "others have their own"


def test_wishes_are_limited_by_the_link_and_not_by_the_office(site: Served) -> None:
    path = f"{site.path(Purpose.PREFERENCES, 1)}/data"
    assert [post(site, path, {}).status for _ in range(REQUESTS.burst + 1)] == [200] * REQUESTS.burst + [429]
    assert {post(site, f"{site.path(Purpose.PREFERENCES, n)}/data", {}).status for n in range(2, 20)} == {200}


def test_one_connection_and_one_site_of_ipv6_are_limited(site: Served) -> None:
    same = [stranger(site, n, f"2001:db8:1:1::{n + 1:x}") for n in range(FORMS.burst + 1)]
    assert same == [303] * FORMS.burst + [429]
    others = [stranger(site, 1000 + n, f"2001:db8:1:{n + 2:x}::1") for n in range(SITE.burst)]
    assert others.count(303) == SITE.burst - FORMS.burst, "the refused one cost its site nothing"
    assert others[-1] == 429
    assert stranger(site, 2000, "2001:db8:2:1::1") == 303


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("192.0.2.1", "192.0.2.254", 1),
        ("192.0.2.1", "192.0.3.1", 0),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::1", 2),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", 1),
        ("2001:db8:1:2::1", "2001:db8:2:2::1", 0),
        ("192.0.2.1", "::ffff:192.0.2.7", 1),
        ("192.0.2.1", "64:ff9b::c000:207", 1),
        ("192.0.2.1", "2002:c000:207::1", 1),
        ("fe80::1%eth0", "fe80::2", 2),
        ("", "unix:", 1),
    ],
)
def test_what_is_one_network(one: str, other: str, shared: int) -> None:
    assert len({name for name, _ in networks(one)} & {name for name, _ in networks(other)}) == shared


@pytest.mark.parametrize(
    ("address", "same"),
    [
        ("ana+petition@example.org", "ana@example.org"),
        ("Ana+a+b@Example.org", "ana@example.org"),
        ("a.n.a+x@gmail.com", "ana@gmail.com"),
        ("a.n.a@googlemail.com", "ana@gmail.com"),
        ("a.n.a@example.org", "a.n.a@example.org"),
        ("+ana@example.org", "+ana@example.org"),
        ("...@gmail.com", "...@gmail.com"),
    ],
)
def test_what_is_one_mailbox(address: str, same: str) -> None:
    assert mailbox(address) == same


@given(st.emails(), st.text("abc123.", max_size=5))
def test_a_tag_never_makes_another_mailbox(address: str, tag: str) -> None:
    local, _, domain = address.rpartition("@")
    assert mailbox(f"{local}+{tag}@{domain}") == mailbox(address)
    assert mailbox(mailbox(address)) == mailbox(address)


def test_one_mailbox_is_mailed_a_few_times_however_it_is_spelt(site: Served) -> None:
    page = site.get("/join/updates").text
    mark = page.partition('name="agreed" value="')[2].partition('"')[0]
    spelt = [
        "ana.li@gmail.com",
        "analili+1@gmail.com",
        "a.n.a.l.i@gmail.com",
        "anali+2@googlemail.com",
        "a.nali@gmail.com",
    ]
    for n, address in enumerate(spelt):
        reply = post(site, "/join/updates", {"email": address, "agreed": mark}, f"198.51.{n}.1")
        assert reply.status == 303
    mailed = [row.address for row in queued(site)]
    assert len([address for address in mailed if "lili" not in address]) == MAILS_TO_ADDRESS.burst
