"""One petition in several languages over real HTTP: from the mail to the page, the count, the archive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlencode

import pytest
from sqlalchemy import select, update

from mailer.compose.source.message_file import read_source
from mailer.delivery.campaigns.lifecycle import launch_now
from mailer.delivery.campaigns.plan import prepare
from mailer.delivery.sending.proofs import ProofRecipient, send_proof
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns, deliveries, links, people
from mailer.store.tables.inbound import signatures, statements
from mailer.tracking.tokens import Named, Purpose, Signer
from mailer.web.public.app import create_app
from mailer.workspace import Workspace
from tests.delivery.scripted import Scripted
from tests.delivery.world import ACCEPTED
from tests.languages import FRENCH_PAGE, SLUG, add_readers, write
from tests.web.client import Reply, fetch, serving
from tests.web.conftest import Served

pytestmark = pytest.mark.sqlite  # about pages; which version is whose is tried on both engines in tests/delivery


@pytest.fixture
def door(workspace: Workspace, database: Database, now: datetime) -> Iterator[Served]:
    """The newsletter was launched to people who read all kinds of languages."""
    known = add_readers(database, each=1, now=now)
    plan = prepare(database, read_source(write(workspace))).plan
    launch_now(database, plan, expected=len(known), now=now)
    with serving(create_app(workspace, database, clock=lambda: now)) as port:
        yield Served(port, database, Signer(workspace.secrets.require_signing()))


def delivery_of(served: Served, language: str) -> int:
    with served.database.read() as connection:
        query = select(deliveries.c.id).join(people, people.c.id == deliveries.c.person_id)
        return connection.execute(query.where(people.c.language == language)).scalar_one()


def token(served: Served, purpose: Purpose, language: str) -> str:
    return served.signer.sign(purpose, Named(delivery_of(served, language)))


def action_link(served: Served, version: str) -> int:
    with served.database.read() as connection:
        query = select(links.c.n).where(links.c.is_action, links.c.language == version).order_by(links.c.n)
        return connection.execute(query.limit(1)).scalar_one()


def headline(reply: Reply) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", reply.text, re.DOTALL)
    return found[1].strip() if found else ""


@pytest.mark.parametrize(
    ("reads", "words"), [("fr-CA", "Les égouts"), ("pt", "O esgoto"), ("de", "Sewage runs"), ("", "Sewage runs")]
)
def test_view_in_browser_shows_the_version_that_was_mailed(door: Served, reads: str, words: str) -> None:
    with door.database.write() as connection:
        connection.execute(update(people).values(language="pt-BR"))  # which changes nothing any more
        number = connection.execute(select(deliveries.c.id).order_by(deliveries.c.id)).scalars().all()
    assert number
    mails = [door.get(f"/v/{door.signer.sign(Purpose.VIEW, Named(one))}").text for one in number]
    assert sum("O esgoto" in mail for mail in mails) == 3
    assert sum("Les égouts" in mail for mail in mails) == 3
    assert any(words in mail for mail in mails), reads


def test_the_button_of_the_french_mail_leads_to_the_french_page_and_signs_it(door: Served) -> None:
    n = action_link(door, "fr")
    led = door.get(f"/c/{token(door, Purpose.CLICK, 'fr-CA')}/{n}")
    assert led.status == 302
    target = led.headers["location"]
    assert target.startswith(f"https://mail.example.org/act/{SLUG}?lang=fr&t=")
    path = target.removeprefix("https://mail.example.org")
    page = door.get(path)
    assert headline(page) == "Nettoyons notre rivière"
    assert "Nous demandons au conseil" in page.text
    assert page.headers["content-language"] == "fr"
    signed = door.post(path, urlencode({"last_name": "Roy"}).encode())
    assert signed.status == 303, signed.text
    assert "lang=fr" in signed.headers["location"]
    (row,) = door.rows(signatures)
    (statement,) = door.rows(statements)
    assert (row.language, row.n, statement.text) == ("fr", n, "Nous demandons au conseil d’arrêter les rejets.")


def test_one_count_for_all_languages(door: Served) -> None:
    for number, language in enumerate(("fr", "en", "fr")):
        form = {"first_name": "Ana", "last_name": "Li", "email": f"ana{number}@example.net"}
        assert door.post(f"/act/{SLUG}?lang={language}", urlencode(form).encode()).status == 303
    assert [row.language for row in door.rows(signatures)] == ["fr", "en", "fr"]
    for language in ("en", "fr"):
        page = door.get(f"/act/{SLUG}?lang={language}").text
        assert re.search(r">\s*3\s*<", page), "each shows all three"
        assert re.search(r"1[\s,.\u202f\xa0]?000", page), "and the one goal"


@pytest.mark.parametrize(
    ("query", "accepted", "wanted"),
    [
        ("", "", "Clean our river"),
        ("", "fr-BE, en;q=0.5", "Nettoyons notre rivière"),
        ("", "de, fr;q=0.3", "Nettoyons notre rivière"),
        ("", "de", "Clean our river"),
        ("?lang=fr", "en", "Nettoyons notre rivière"),
        ("?lang=fr-CH", "en", "Nettoyons notre rivière"),
        ("?lang=en", "fr", "Clean our river"),
        ("?lang=pt-BR", "fr", "Nettoyons notre rivière"),
        ("?lang=%00%22", "", "Clean our river"),
    ],
)
def test_a_stranger_gets_the_language_they_ask_for_or_their_browser_does(
    door: Served, query: str, accepted: str, wanted: str
) -> None:
    reply = fetch(door.port, f"/act/{SLUG}{query}", headers={"Accept-Language": accepted})
    assert headline(reply) == wanted
    assert "accept-language" in reply.headers["vary"].lower()


def test_the_switch_leads_to_each_language_and_keeps_who_came(door: Served) -> None:
    page = door.get(f"/act/{SLUG}?lang=fr&t=abc&source=poster").text
    nav = page.partition('<nav class="languages"')[2].partition("</nav>")[0]
    assert '<strong lang="fr" aria-current="page">Français</strong>' in nav
    assert '<a href="?lang=en&amp;t=abc&amp;source=poster" lang="en" hreflang="en">English</a>' in nav
    assert nav.count("<li>") == 2
    assert f'<link rel="canonical" href="https://mail.example.org/act/{SLUG}?lang=fr">' in page
    assert f'<link rel="alternate" hreflang="en" href="https://mail.example.org/act/{SLUG}?lang=en">' in page


def test_a_page_in_one_language_has_no_switch(door: Served, workspace: Workspace) -> None:
    write(workspace, action_fr="")
    page = door.get(f"/act/{SLUG}?lang=fr")
    assert headline(page) == "Clean our river"
    assert 'class="languages"' not in page.text
    assert "hreflang" not in page.text


def test_thanks_and_shares_are_in_the_language_of_what_was_signed(door: Served, workspace: Workspace) -> None:
    write(workspace, action_fr=FRENCH_PAGE.replace("---\nLe", "thanks: Merci, le conseil se réunit jeudi.\n---\nLe"))
    page = door.get(f"/act/{SLUG}/thanks?lang=fr").text
    assert "Merci, le conseil" in page
    assert f"https://mail.example.org/act/{SLUG}?lang=fr" in page
    assert f"act%2F{SLUG}%3Flang%3Dfr%26source%3Dwhatsapp" in page


def test_a_fault_in_the_translation_leaves_the_page_as_it_was(door: Served, workspace: Workspace) -> None:
    assert headline(door.get(f"/act/{SLUG}?lang=fr")) == "Nettoyons notre rivière"
    write(workspace, action_fr="---\nheadline: Oh\n---\nNon\n")
    assert headline(door.get(f"/act/{SLUG}?lang=fr")) == "Nettoyons notre rivière"
    assert headline(door.get(f"/act/{SLUG}?lang=en")) == "Clean our river"


def test_a_translation_that_never_was_right_takes_no_petition_away(
    workspace: Workspace, database: Database, now: datetime
) -> None:
    write(workspace, action_fr="---\nheadline: Oh\n---\nNon\n")
    with serving(create_app(workspace, database, clock=lambda: now)) as port:
        assert headline(fetch(port, f"/act/{SLUG}?lang=fr")) == "Clean our river"


def test_the_archive_shows_each_language(door: Served) -> None:
    with door.database.write() as connection:
        connection.execute(update(campaigns).values(is_public=True))
    listed = fetch(door.port, "/archive", headers={"Accept-Language": "fr"}).text
    assert "Nettoyons notre rivière" in listed
    assert "Clean our river" in door.get("/archive").text
    page = fetch(door.port, f"/archive/{SLUG}", headers={"Accept-Language": "fr"})
    assert "Les égouts" in page.text
    assert '<a href="?lang=pt-BR" lang="pt-BR" hreflang="pt-BR">Português (Brasil)</a>' in page.text
    assert "accept-language" in page.headers["vary"].lower()
    assert "Sewage" in fetch(door.port, f"/archive/{SLUG}?lang=en", headers={"Accept-Language": "fr"}).text
    went = door.get(f"/archive/{SLUG}/go/{action_link(door, 'fr')}")
    assert went.headers["location"] == f"https://mail.example.org/act/{SLUG}?lang=fr"
    assert 'xml:lang="fr"' in door.get("/archive/feed.atom?lang=fr").text


def test_who_left_reads_the_language_that_they_were_mailed_in(door: Served) -> None:
    with door.database.write() as connection:
        connection.execute(update(people).values(language=""))
        number = connection.execute(select(deliveries.c.id).where(deliveries.c.language == "fr")).scalars().first()
    assert number is not None
    page = door.get(f"/u/{door.signer.sign(Purpose.UNSUBSCRIBE, Named(number))}")
    assert '<html lang="fr"' in page.text


def test_a_proof_is_of_the_version_its_reader_gets(workspace: Workspace, database: Database, now: datetime) -> None:
    plan = prepare(database, read_source(write(workspace))).plan
    transport = Scripted(lambda _: ACCEPTED)
    reader = {"email": "zoe@example.org", "first_name": "Zoé", "language": "fr-BE"}
    send_proof(database, plan, ProofRecipient("zoe@example.org", reader), transport=transport, now=now)
    send_proof(database, plan.in_language("pt-BR"), ProofRecipient("zoe@example.org", reader), transport=transport,
               now=now)  # fmt: skip
    french, brazilian = (" ".join(one.values) for one in transport.given)
    assert "/c/" in french
    assert "/c/" in brazilian
    with serving(create_app(workspace, database, clock=lambda: now)) as port:
        found = re.search(r"https://mail.example.org(/v/[\w-]+)", french)
        assert found
        assert "Les égouts" in fetch(port, found[1]).text
        found = re.search(r"https://mail.example.org(/v/[\w-]+)", brazilian)
        assert found
        assert "O esgoto" in fetch(port, found[1]).text


def test_a_sent_message_moved_to_another_address_moves_in_all_languages(
    door: Served, workspace: Workspace, database: Database, now: datetime
) -> None:
    settings = workspace.settings
    elsewhere = replace(settings, public=replace(settings.public, url="https://new.example.org"))
    with serving(create_app(replace(workspace, settings=elsewhere), database, clock=lambda: now)) as port:
        led = fetch(port, f"/c/{token(door, Purpose.CLICK, 'fr')}/{action_link(door, 'fr')}")
        assert led.headers["location"].startswith(f"https://new.example.org/act/{SLUG}?lang=fr")
