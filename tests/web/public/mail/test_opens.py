"""The picture that tells of an opening: there only where it may be, and believed only as far as it can be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from mailer.compose.message import from_json, to_json
from mailer.compose.open_pixel import with_picture
from mailer.delivery.ledger.outcomes import Claim
from mailer.delivery.ledger.recipients import load_recipients
from mailer.delivery.sending.envelopes import EnvelopeBuilder
from mailer.reports.figures import Openings, figures
from mailer.settings.schema import Settings, Tracking
from mailer.store.engine.database import Database
from mailer.store.tables.core import people
from mailer.store.tables.states import Verdict
from mailer.tracking.tokens import Purpose, Signer
from mailer.web.public.app import create_app
from mailer.web.public.mail.opens import GIF
from mailer.workspace import Workspace
from tests.reports.builders import SLUG, delivery_id, make_message
from tests.web.client import BROWSER, serving
from tests.web.conftest import Served, seed

pytestmark = pytest.mark.sqlite  # about pictures and headers; hits are tried on both engines in tests/tracking

SIGNER = Signer([b"k" * 32])
NOW = datetime.fromisoformat("2026-11-24T09:00:00+00:00")
GMAIL = {"User-Agent": "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"}


@pytest.fixture
def watched(workspace: Workspace, database: Database, now: datetime) -> Iterator[Served]:
    settings = replace(workspace.settings, tracking=Tracking(opens=True))
    seed(database, now)
    with serving(create_app(replace(workspace, settings=settings), database, clock=lambda: now)) as port:
        yield Served(port, database, Signer(workspace.secrets.require_signing()))


def html_of(*, opens: bool, tracked: bool, proof: bool = False, end: str = "</BODY></html>") -> str:
    message = make_message()
    message = replace(message, html=(*message.html, end))
    settings = Settings(root=Path(), tracking=Tracking(opens=opens))
    builder = EnvelopeBuilder(message, settings=settings, signer=SIGNER, proof=proof)
    envelope = builder.envelope(7, attempt=1, address="a@example.org", supporter={}, now=NOW, tracked=tracked)
    return builder.program.fill(builder.mailing().html, envelope.values)


def test_a_mail_to_who_agrees_has_the_picture_at_its_end() -> None:
    (token,) = SIGNER.signing((Purpose.OPEN,))(7)
    tag = f'<img src="https://mail.example.org/o/{token}.gif" alt="" width="1" height="1">'
    assert html_of(opens=True, tracked=True).endswith(f"{tag}</BODY></html>")
    assert html_of(opens=True, tracked=True, end="").endswith(tag)


@pytest.mark.parametrize(
    ("opens", "tracked", "proof"), [(False, True, False), (True, False, False), (True, True, True)]
)
def test_no_other_mail_has_it(opens: bool, tracked: bool, proof: bool) -> None:
    html = html_of(opens=opens, tracked=tracked, proof=proof)
    assert "/o/" not in html
    assert "<img" not in html


def test_the_page_of_a_mail_has_no_picture_and_the_message_stays_as_frozen(watched: Served) -> None:
    assert ".gif" not in watched.get(watched.path(Purpose.VIEW)).text
    made = with_picture(make_message())
    assert from_json(to_json(made)) == made


def test_who_agrees_is_looked_up_when_it_matters(database: Database, now: datetime) -> None:
    seed(database, now)
    with database.write() as connection:
        connection.execute(update(people).where(people.c.id == 2).values(tracking=False))
    claims = [Claim(delivery_id(n), n, 1) for n in (1, 2, 3)]
    found = load_recipients(database, claims, with_tracking=True)
    assert {number: recipient.tracked for number, recipient in found.items()} == {1: True, 2: False, 3: True}
    assert not any(recipient.tracked for recipient in load_recipients(database, claims).values())


def test_the_picture_is_answered_and_the_hit_is_no_click(watched: Served) -> None:
    reply = watched.get(f"{watched.path(Purpose.OPEN)}.gif")
    assert (reply.status, reply.body, reply.headers["content-type"]) == (200, GIF, "image/gif")
    assert reply.headers["cache-control"] == "no-store"
    watched.get(f"{watched.path(Purpose.OPEN, 2)}.gif", headers=GMAIL)
    watched.get(f"{watched.path(Purpose.OPEN, 3)}.gif", headers={"User-Agent": "Mozilla/5.0"})
    hits = watched.rows()
    assert [(hit.n, hit.delivery_id, hit.verdict, hit.reasons) for hit in hits] == [
        (0, delivery_id(1), Verdict.HUMAN, ""),
        (0, delivery_id(2), Verdict.UNSURE, "agent:image-proxy"),
        (0, delivery_id(3), Verdict.UNSURE, "agent:perhaps-apple"),
    ]
    with watched.database.read() as connection:
        found = figures(connection, SLUG)
    assert found.openings == Openings(people=1, unsure=2, fetched=3)
    assert sum(link.clicks.raw for link in found.links) == 0


def test_a_picture_of_who_does_not_agree_any_more_names_nobody(watched: Served) -> None:
    with watched.database.write() as connection:
        connection.execute(update(people).where(people.c.id == 1).values(tracking=False))
    assert watched.get(f"{watched.path(Purpose.OPEN, 1)}.gif").status == 200
    assert watched.get(f"{watched.path(Purpose.OPEN, 2)}.gif", headers={**BROWSER, "Sec-GPC": "1"}).status == 200
    assert [(hit.delivery_id, hit.headers) for hit in watched.rows()] == [(None, {}), (None, {})]


def test_once_it_is_off_old_pictures_are_answered_and_nothing_is_kept(served: Served) -> None:
    assert served.get(f"{served.path(Purpose.OPEN)}.gif").body == GIF
    assert served.rows() == []


def test_made_up_pictures_are_not_found(watched: Served) -> None:
    click = watched.token(Purpose.CLICK)
    for path in ("/o/x.gif", f"/o/{click}.gif", watched.path(Purpose.OPEN), f"{watched.path(Purpose.OPEN)}.png"):
        assert watched.get(path).status == 404
    assert watched.rows() == []
