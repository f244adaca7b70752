"""A newsletter that tries two versions, over real HTTP: a link names its version, and each page shows the right one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlencode

import pytest
from sqlalchemy import select, update

from mailer.audience.people.data_export import everything
from mailer.audience.supporter_care.why import why
from mailer.compose.source.message_file import read_source
from mailer.delivery.campaigns.edited import edited_since
from mailer.delivery.campaigns.lifecycle import launch_now
from mailer.delivery.campaigns.plan import prepare
from mailer.delivery.experiments.counts import arm_counts
from mailer.delivery.experiments.deciding import decide_by_hand
from mailer.delivery.sending.proofs import ProofRecipient, send_proof
from mailer.review.changes import changes
from mailer.review.reading import read_content
from mailer.settings import Guard
from mailer.staff.actor import terminal
from mailer.store.engine.database import Database
from mailer.store.tables.core import deliveries, links, people
from mailer.store.tables.experiments import campaign_tests
from mailer.store.tables.inbound import signatures
from mailer.tracking.tokens import Named, Purpose, Signer
from mailer.web.public.app import create_app
from mailer.workspace import Newsletter, Workspace
from tests.delivery.sending.test_languages import Sorted, subject
from tests.delivery.world import ACCEPTED
from tests.languages import FRENCH, ORIGINAL, SLUG, add_readers, write
from tests.web.client import serving
from tests.web.conftest import Served

pytestmark = pytest.mark.sqlite  # about pages; the ledger is tried on both engines in tests/delivery
TEST = "archive: true\ntest:\n  wait: 4h\n  share: 50%\naction:"
SHORT = "---\nsubject: Three weeks left\n---\nOne minute, one name.\n\n::: ask\n:::\n"
COURT = "---\nsubject: Plus que trois semaines\naction:\n  label: Je signe\n---\nUne minute.\n\n::: ask\n:::\n"


def two_versions(workspace: Workspace) -> Newsletter:
    """Two versions of the whole message, each in English and French."""
    return write(
        workspace, message=ORIGINAL.replace("action:", TEST, 1), message_b=SHORT, message_b_fr=COURT,
        message_fr=FRENCH, **{"message_pt-BR": ""},
    )  # fmt: skip


@pytest.fixture
def door(workspace: Workspace, database: Database, now: datetime) -> Iterator[Served]:
    known = add_readers(database, each=12, now=now)  # so that there are French people in each version
    plan = prepare(database, read_source(two_versions(workspace))).plan
    launch_now(database, plan, expected=len(known), now=now)
    with serving(create_app(workspace, database, clock=lambda: now)) as port:
        yield Served(port, database, Signer(workspace.secrets.require_signing()))


def somebody(door: Served, arm: str, language: str = "") -> int:
    with door.database.read() as connection:
        mine = (deliveries.c.arm == arm, deliveries.c.language == language)
        return connection.execute(select(deliveries.c.id).where(*mine).limit(1)).scalar_one()


def token(door: Served, purpose: Purpose, delivery: int) -> str:
    return door.signer.sign(purpose, Named(delivery))


def action_link(door: Served, arm: str, language: str = "") -> int:
    with door.database.read() as connection:
        mine = (links.c.is_action, links.c.arm == arm, links.c.language == language)
        return connection.execute(select(links.c.n).where(*mine).order_by(links.c.n).limit(1)).scalar_one()


def decide(door: Served, arm: str, now: datetime) -> None:
    with door.database.write() as connection:
        number = connection.execute(
            update(campaign_tests).values(decide_at=now).returning(campaign_tests.c.campaign_id)
        )
        number = number.scalar_one()
    decide_by_hand(door.database, number, arm, limits=Guard(), now=now, by=terminal())


def test_each_sees_in_the_browser_what_they_were_mailed(door: Served, now: datetime) -> None:
    seen = {
        (arm, language): door.get(f"/v/{token(door, Purpose.VIEW, somebody(door, arm, language))}").text
        for arm in ("a", "b", "rest") for language in ("", "fr")
    }  # fmt: skip
    words = {("a", ""): "Sewage", ("a", "fr"): "Les égouts", ("b", ""): "one name", ("b", "fr"): "Une minute"}
    for which, text in words.items():
        assert text in seen[which]
    decide(door, "b", now)
    assert "one name" in door.get(f"/v/{token(door, Purpose.VIEW, somebody(door, 'rest'))}").text
    assert "Une minute" in door.get(f"/v/{token(door, Purpose.VIEW, somebody(door, 'rest', 'fr'))}").text
    assert '<html lang="fr"' in door.get(f"/u/{token(door, Purpose.UNSUBSCRIBE, somebody(door, 'b', 'fr'))}").text


@pytest.mark.parametrize("language", ["", "fr"])
def test_a_link_names_its_version_also_of_people_who_are_not_tracked(door: Served, language: str) -> None:
    with door.database.write() as connection:
        connection.execute(update(people).values(tracking=False))
    led = door.get(f"/c/{token(door, Purpose.CLICK, somebody(door, 'b', language))}/{action_link(door, 'b', language)}")
    path = led.headers["location"].removeprefix("https://mail.example.org")
    signed = door.post(path, urlencode({"last_name": "Roy", "first_name": "Al"}).encode())
    assert signed.status == 303, signed.text
    (row,) = door.rows(signatures)
    assert row.delivery_id is None
    with door.database.read() as connection:
        counted = {one.arm: one.signed for one in arm_counts(connection, row.campaign_id)}
    assert counted == {"a": 0, "b": 1}


def test_the_archive_shows_the_version_that_won(door: Served, now: datetime) -> None:
    assert "Sewage" in door.get(f"/archive/{SLUG}").text, "the first, as long as none has"
    assert "Clean our river" in door.get("/archive").text
    decide(door, "b", now)
    page = door.get(f"/archive/{SLUG}").text
    assert "one name" in page
    assert "Sewage" not in page
    assert "Three weeks left" in door.get("/archive/feed.atom").text
    for arm in "ab":  # also from a page that somebody has had open since
        went = door.get(f"/archive/{SLUG}/go/{action_link(door, arm, 'fr')}")
        assert went.headers["location"] == f"https://mail.example.org/act/{SLUG}?lang=fr"
    assert door.get(f"/archive/{SLUG}/go/999").status == 404


def test_why_and_the_export_know_the_version(door: Served, workspace: Workspace, now: datetime) -> None:
    decide(door, "b", now)
    told: dict[str, str] = {}
    for arm in ("a", "b", "rest"):
        with door.database.read() as connection:
            query = select(people.c.id, people.c.address).join(deliveries, deliveries.c.person_id == people.c.id)
            person = connection.execute(query.where(deliveries.c.id == somebody(door, arm))).one()
            found = why(connection, workspace, person_id=person.id, slug=SLUG, now=now)
            told[arm] = found.steps[0].detail
            data = everything(connection, person.address, address_key=b"k" * 32)
        assert data["deliveries"][0]["version"] == told[arm]
        assert any(told[arm] in one["detail"] for one in data["story"])
    assert told == {"a": "version A", "b": "version B", "rest": "version B, which won its test"}


def test_a_proof_of_each_version(workspace: Workspace, database: Database, now: datetime) -> None:
    plan = prepare(database, read_source(two_versions(workspace))).plan
    reader = ProofRecipient("zoe@example.org", {"email": "zoe@example.org", "first_name": "Zoé", "language": "fr"})
    transport = Sorted(lambda _: ACCEPTED)
    send_proof(database, plan, reader, transport=transport, now=now)
    send_proof(database, plan.of_version("b"), reader, transport=transport, now=now)
    assert [subject(mailing) for mailing, _ in transport.sent] == [
        "[Proof] A: Nettoyons notre rivière", "[Proof] B: Plus que trois semaines",
        "[Proof] Plus que trois semaines",
    ]  # fmt: skip
    found = re.search(r"https://mail.example.org(/v/[\w-]+)", " ".join(transport.sent[1][1].values))
    assert found
    with serving(create_app(workspace, database, clock=lambda: now)) as port:
        served = Served(port, database, Signer(workspace.secrets.require_signing()))
        assert "Une minute" in served.get(found[1]).text


def test_an_approval_is_of_all_versions(workspace: Workspace, database: Database, now: datetime, door: Served) -> None:
    newsletter = two_versions(workspace)
    plan = prepare(database, read_source(newsletter)).plan
    before = read_content(newsletter, message=plan.message, audience=plan.audience)
    write(
        workspace, message=ORIGINAL.replace("action:", TEST.replace("50%", "30%"), 1), message_fr=FRENCH,
        message_b=SHORT.replace("Three", "Two"), message_b_fr=COURT, message_c="---\n---\nA third.\n\n::: ask\n:::\n",
        message_c_fr=COURT.replace("Une", "Cinq"), **{"message_pt-BR": ""},
    )  # fmt: skip
    plan = prepare(database, read_source(newsletter)).plan
    after = read_content(newsletter, message=plan.message, audience=plan.audience)
    assert after.digest != before.digest
    told = [str(one) for one in changes(before, after)]
    assert (
        "Test: “2 versions, 50%, 4 h, decided by signatures” is now “3 versions, 30%, 4 h, decided by signatures”"
        in told
    )
    assert "Subject (b): “Three weeks left” is now “Two weeks left”" in told
    assert "Version c: “Clean our river” is new" in told
    assert "Version c, fr: “Plus que trois semaines” is new" in told
    edited = edited_since(workspace, database, SLUG)
    assert edited is not None
    assert "b: subject: “Three weeks left” goes out, “Two weeks left” is in the files" in edited.differences
    assert "c: the version is only in the files" in edited.differences
    assert "test: its plan in what goes out is another than in the files" in edited.differences
