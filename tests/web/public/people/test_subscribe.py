"""Signing up over real HTTP: a form, one answer for everybody, a mail that asks, and a button that does it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import delete, insert, text, update

from mailer.audience.addresses import address_hash
from mailer.store.engine.database import Database
from mailer.store.tables import inbound as tables
from mailer.store.tables.core import consent_sources, consents, people, subscriptions, suppressions
from mailer.store.tables.states import SuppressionReason
from mailer.tracking.tokens import Named, Purpose, Signer
from mailer.web.pages.join_form import mark
from mailer.web.public.app import create_app
from mailer.web.public.http.rate_limits import FORMS
from mailer.workspace import Workspace
from tests.reports.builders import ADDRESS_KEY
from tests.web.client import Reply, serving
from tests.web.conftest import Served, seed
from tests.web.notices import deliver, link_of, queued
from tests.web.test_pages import keep_the_promises

WORDING = 'Yes, mail me about "campaigns" & more.'
NEW = "zoe@example.net"


class Clock:
    """Stands still until it is told to move."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(now: datetime) -> Clock:
    return Clock(now)


@pytest.fixture
def site(workspace: Workspace, database: Database, now: datetime, clock: Clock) -> Iterator[Served]:
    """supporters is double opt-in, updates single, staff is not for the public; three people are on the first two."""
    for name, more in (
        ("supporters", 'opt_in = "double"\npublic_form = true\nabout = "Appeals & <news>."\n'),
        ("updates", "public_form = true\n"),
        ("staff", ""),
    ):
        (workspace.lists / f"{name}.toml").write_text(
            f'title = "The {name}"\nlist_id = "{name}.example.org"\nconsent = \'{WORDING}\'\n{more}'
        )
    seed(database, now)
    if not database.is_sqlite:  # the three came with their numbers
        with database.write() as connection:
            connection.execute(text("SELECT setval('people_id_seq', 1000)"))
    with serving(create_app(workspace, database, clock=clock)) as port:
        yield Served(port, database, Signer(workspace.secrets.require_signing()))


def sign_up(site: Served, address: str, name: str = "supporters", **more: str) -> Reply:
    fields = {"email": address, "first_name": "Zoe", "agreed": mark(WORDING), **more}
    return site.post(f"/join/{name}", urlencode(fields).encode())


def test_the_form_shows_the_wording_and_leads_to_itself(site: Served) -> None:
    page = site.get("/join/supporters").text
    assert "Yes, mail me about &#34;campaigns&#34; &amp; more." in page
    assert "Appeals &amp; &lt;news&gt;." in page
    assert 'action="/join/supporters"' in page
    assert "The supporters" in page
    assert site.rows(people)[3:] == []


@pytest.mark.parametrize("name", ["staff", "nobody", "..%2Fmailer", "%00", "supporters.toml"])
def test_lists_not_meant_for_the_public_have_no_form(site: Served, name: str) -> None:
    assert site.get(f"/join/{name}").status == sign_up(site, NEW, name).status == 404
    assert site.get(f"/join/{name}/sent").status == 404
    assert queued(site) == []


def test_a_stranger_joins_by_the_link_in_the_mail(site: Served, workspace: Workspace, clock: Clock) -> None:
    reply = sign_up(site, "  Zoe@Example.net ")
    assert (reply.status, reply.headers["location"]) == (303, "supporters/sent")
    assert "check your inbox" in site.get("/join/supporters/sent").text
    assert site.rows(people)[3:] == site.rows(consents) == []
    (mail,) = deliver(site, workspace, clock)
    assert mail["To"] == NEW
    assert mail["Auto-Submitted"] == "auto-generated"
    assert not [name for name in mail.keys() if name.lower().startswith("list-")]  # noqa: SIM118 - a mail's, not a dict's
    assert mail["Subject"] == "Confirm your email for The supporters"
    path, asked = link_of(mail), clock.now
    assert path not in str(queued(site)), "no token is kept"

    page = site.get(path)
    assert page.status == 200
    assert "&amp; more." in page.text
    assert site.rows(people)[3:] == [], "scanners follow links"

    clock.now += timedelta(days=2)
    for _ in range(2):
        page = site.post(path)
        assert "You’re in" in page.text
    (person,) = site.rows(people)[3:]
    assert (person.address, person.first_name, person.language) == (NEW, "Zoe", "en")
    assert person.address_hash == address_hash(NEW, ADDRESS_KEY)
    assert [(row.status, row.at) for row in site.rows(consents)] == [("pending", asked), ("subscribed", clock.now)]
    (source,) = site.rows(consent_sources)
    assert (source.how, source.source, source.wording) == ("form", "/join/supporters", WORDING)


def test_single_opt_in_joins_at_once_and_says_so_by_mail(site: Served, workspace: Workspace, clock: Clock) -> None:
    assert sign_up(site, NEW, "updates").status == 303
    (person,) = site.rows(people)[3:]
    assert [row.status for row in site.rows(subscriptions) if row.person_id == person.id] == ["subscribed"]
    assert [(row.status, row.person_id) for row in site.rows(consents)] == [("subscribed", person.id)]
    (mail,) = deliver(site, workspace, clock)
    assert mail["Subject"] == "Welcome to The updates"


@pytest.mark.parametrize(
    "name",
    ["Win at www.evil.example", "https://evil.example", "me@evil.example", "<b>", "ｅｖｉｌ．ｅｘａｍｐｌｅ", "a.b/c"],
)
def test_nobody_is_greeted_with_a_strangers_link(site: Served, name: str) -> None:
    reply = sign_up(site, NEW, "updates", first_name=name)
    assert reply.status == 422
    assert "Just your name here, please" in reply.text
    assert site.rows(people)[3:] == queued(site) == []


def test_a_name_is_kept_without_what_nobody_sees(site: Served) -> None:
    assert sign_up(site, NEW, "updates", first_name="  Zo\u0065\u0301 \u202e\u200b\n M ").status == 303
    (person,) = site.rows(people)[3:]
    assert person.first_name == "Zo\u00e9 M"


@pytest.mark.parametrize(
    ("field", "value"), [("email", "zoe"), ("first_name", "http://evil.example"), ("agreed", "other words")]
)
def test_the_form_says_which_field_is_wrong(site: Served, field: str, value: str) -> None:
    reply = sign_up(site, **{"address": NEW, field: value} if field != "email" else {"address": value})
    (tag,) = [tag for tag in re.findall(r"<input[^>]*>", reply.text) if "aria-invalid" in tag]
    assert f'name="{field}"' in tag
    assert 'aria-describedby="fault"' in tag


def leave_list(site: Served, list_id: int, *, reason: str = "unsubscribed") -> None:
    with site.database.write() as connection:
        mine = (subscriptions.c.person_id == 1) & (subscriptions.c.list_id == (list_id or 2))
        connection.execute(update(subscriptions).where(mine).values(status="unsubscribed"))
        connection.execute(
            insert(suppressions).values(
                address_hash=address_hash("mary1@example.org", ADDRESS_KEY), list_id=list_id, reason=reason,
                at=datetime.fromisoformat("2026-11-01T00:00:00Z"),
            )
        )  # fmt: skip


@pytest.mark.parametrize("list_id", [2, 0])
def test_whoever_left_comes_back_only_by_the_link(
    site: Served, workspace: Workspace, clock: Clock, list_id: int
) -> None:
    """Although that list is single opt-in: a stranger could type their address."""
    leave_list(site, 2)
    leave_list(site, 0) if list_id == 0 else None
    before = site.rows(subscriptions), site.rows(suppressions), site.rows(people)
    sign_up(site, "mary1@example.org", "updates")
    assert (site.rows(subscriptions), site.rows(suppressions), site.rows(people)) == before
    (mail,) = deliver(site, workspace, clock)
    site.post(link_of(mail))
    mine = {row.list_id: row.status for row in site.rows(subscriptions) if row.person_id == 1}
    assert mine[2] == "subscribed"
    # "every list" became each other list: those they did not ask for stay closed.
    assert {row.list_id for row in site.rows(suppressions)} == ({1} if list_id == 0 else set())
    assert site.rows(people)[0].first_name == "Mary <3", "a form changes nothing about somebody known"


@pytest.mark.parametrize("reason", [SuppressionReason.STAFF, SuppressionReason.COMPLAINED, SuppressionReason.BOUNCED])
def test_whoever_must_not_be_mailed_is_not(site: Served, workspace: Workspace, clock: Clock, reason: str) -> None:
    leave_list(site, 0, reason=reason)
    assert sign_up(site, "mary1@example.org").status == sign_up(site, "mary1@example.org", "updates").status == 303
    assert deliver(site, workspace, clock) == []
    assert site.rows(tables.requests) == []


def test_a_suppression_made_after_the_mail_holds(site: Served, workspace: Workspace, clock: Clock) -> None:
    sign_up(site, NEW)
    (mail,) = deliver(site, workspace, clock)
    with site.database.write() as connection:
        connection.execute(
            insert(suppressions).values(
                address_hash=address_hash(NEW, ADDRESS_KEY), list_id=0, reason="staff", at=clock.now
            )
        )
    assert "couldn’t do that" in site.post(link_of(mail)).text
    assert site.rows(people)[3:] == []


def test_the_answer_is_the_same_whoever_it_is(site: Served, workspace: Workspace, clock: Clock) -> None:
    """Known, unknown, waiting, gone, blocked: nobody learns who is on a list."""
    leave_list(site, 2)
    with site.database.write() as connection:
        connection.execute(
            insert(suppressions).values(
                address_hash=address_hash("mary3@example.org", ADDRESS_KEY), list_id=0, reason="complained",
                at=clock.now,
            )
        )  # fmt: skip
    addresses = (NEW, "mary1@example.org", "mary2@example.org", "mary3@example.org", NEW, NEW, NEW, NEW)
    for name in ("supporters", "updates"):
        replies = [sign_up(site, address, name) for address in addresses]
        replies += [sign_up(site, "bot@example.net", name, website="https://spam.example")]
        hidden = ("date",)
        answers = {
            (r.status, r.body, tuple(sorted((k, v) for k, v in r.headers.items() if k not in hidden))) for r in replies
        }
        assert len(answers) == 1
        assert replies[0].status == 303


def test_whoever_is_on_the_list_is_told_so_once_a_week(site: Served, workspace: Workspace, clock: Clock) -> None:
    before = site.rows(subscriptions), site.rows(consents)
    for _ in range(2):
        sign_up(site, "mary1@example.org")
    (mail,) = deliver(site, workspace, clock)
    assert "already" in mail["Subject"]
    assert (site.rows(subscriptions), site.rows(consents)) == before
    clock.now += timedelta(days=8)
    sign_up(site, "mary1@example.org")
    assert len(deliver(site, workspace, clock)) == 2


def test_one_address_gets_a_few_mails_a_day(site: Served, workspace: Workspace, clock: Clock) -> None:
    for _ in range(10):
        assert sign_up(site, NEW).status == 303
    assert len(deliver(site, workspace, clock)) == 3
    clock.now += timedelta(hours=8)
    sign_up(site, NEW)
    assert len(deliver(site, workspace, clock)) == 4


def test_one_network_may_try_for_a_while(site: Served) -> None:
    statuses = [sign_up(site, f"zoe{n}@example.net").status for n in range(FORMS.burst + 2)]
    assert statuses == [303] * FORMS.burst + [429] * 2
    assert len(queued(site)) == FORMS.burst


def test_a_program_that_fills_in_the_trap_mails_nobody(site: Served) -> None:
    assert sign_up(site, NEW, website="https://spam.example").status == 303
    assert queued(site) == site.rows(tables.requests) == []


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"email": "zoe"}, "address doesn’t look right"),
        ({"email": "zoe@example.net\r\nBcc: all@example.org"}, "address doesn’t look right"),
        ({"agreed": ""}, "Tick the box"),
        ({"agreed": mark("Other words, before they were changed.")}, "Tick the box"),
    ],
)
def test_mistakes_are_told_and_what_was_typed_stays(site: Served, more: dict[str, str], words: str) -> None:
    given = {"email": NEW, "first_name": '">Zoe & co', "agreed": mark(WORDING), **more}
    reply = site.post("/join/supporters", urlencode(given).encode())
    assert reply.status == 422
    assert words in reply.text.replace("&#39;", "'")
    assert 'value="&#34;&gt;Zoe &amp; co"' in reply.text
    assert (" checked" in reply.text) == ("agreed" not in more), "nobody ticks it for them"
    assert queued(site) == []


def test_a_name_carries_nothing_into_the_mail(site: Served, workspace: Workspace, clock: Clock) -> None:
    sign_up(site, NEW, first_name="Buy now at spam dot example")
    (mail,) = deliver(site, workspace, clock)
    assert "Buy" not in mail.as_string()


def test_a_link_works_for_a_week_and_says_so_after(site: Served, workspace: Workspace, clock: Clock) -> None:
    sign_up(site, NEW)
    (mail,) = deliver(site, workspace, clock)
    clock.now += timedelta(days=7)
    for reply in (site.get(link_of(mail)), site.post(link_of(mail))):
        assert reply.status == 410
        assert "has expired" in reply.text
        assert 'href="/join/supporters"' in reply.text
    assert site.rows(people)[3:] == []
    with site.database.write() as connection:
        connection.execute(delete(tables.requests))
    assert site.get(link_of(mail)).status == 410, "and so does one that isn't kept any more"


def test_no_other_token_confirms(site: Served, workspace: Workspace, clock: Clock) -> None:
    sign_up(site, NEW)
    deliver(site, workspace, clock)
    number = Named(site.rows(tables.requests)[0].id)
    for purpose in (Purpose.CLICK, Purpose.UNSUBSCRIBE, Purpose.PREFERENCES, Purpose.RETURN):
        assert site.post(f"/confirm/{site.signer.sign(purpose, number)}").status == 404
    assert site.rows(people)[3:] == []


def test_the_mail_is_in_the_language_of_the_form(site: Served, workspace: Workspace, clock: Clock) -> None:
    fields = urlencode({"email": NEW, "agreed": mark(WORDING)}).encode()
    assert 'action="/join/supporters?lang=ar"' in site.get("/join/supporters?lang=ar").text
    assert 'action="/join/supporters"' in site.get("/join/supporters?lang=%22%3E").text
    reply = site.post("/join/supporters?lang=ar", fields)
    assert reply.headers["location"] == "supporters/sent?lang=ar"
    assert queued(site)[0].language == "ar"
    (mail,) = deliver(site, workspace, clock)
    body = mail.get_body(("html",))
    assert body is not None
    assert 'dir="rtl"' in body.get_content()


def test_the_pages_of_a_wish_keep_the_promises(site: Served, workspace: Workspace, clock: Clock) -> None:
    sign_up(site, NEW)
    (mail,) = deliver(site, workspace, clock)
    link = link_of(mail)
    pages = {
        "form": site.get("/join/supporters"),
        "fault": sign_up(site, "zoe"),
        "sent": site.get("/join/supporters/sent"),
        "ask": site.get(link),
        "done": site.post(link),
    }
    clock.now += timedelta(days=8)
    sign_up(site, "other@example.net")
    (*_, second) = deliver(site, workspace, clock)
    clock.now += timedelta(days=8)
    keep_the_promises({**pages, "late": site.get(link_of(second))})
    assert site.get(link).status == 200, "what was done stays done"


def test_a_form_has_the_colour_of_its_list_and_the_policy_lets_it_in(site: Served, workspace: Workspace) -> None:
    path = workspace.lists / "updates.toml"
    plain = site.get("/join/updates")
    path.write_text(path.read_text() + 'colour = "#0b6069"\n')
    page = site.get("/join/updates")
    assert "#0b6069" in page.text
    assert "#0b6069" not in plain.text
    keep_the_promises({"join": page})
    assert site.get("/join/supporters").text.count("#0b6069") == 0, "the others keep the brand's"


@pytest.mark.sqlite
def test_a_form_on_the_groups_own_site_leads_back_there_and_nowhere_else(site: Served, workspace: Workspace) -> None:
    path = workspace.lists / "updates.toml"
    path.write_text(path.read_text() + 'afterwards = "https://example.org/thanks"\n')
    there, here = {"embedded": "1"}, "updates/sent"
    assert sign_up(site, NEW, "updates", **there).headers["location"] == "https://example.org/thanks"
    assert sign_up(site, NEW, "updates").headers["location"] == here, "our own page has its own"
    robot = sign_up(site, NEW, "updates", website="x", **there)
    assert robot.headers["location"] == "https://example.org/thanks", "a program learns nothing"
    assert sign_up(site, "no address", "updates", **there).status == 422
    forged = sign_up(site, NEW, "supporters", embedded="https://evil.example", afterwards="https://evil.example")
    assert forged.headers["location"] == "supporters/sent"
