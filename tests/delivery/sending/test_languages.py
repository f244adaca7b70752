"""One newsletter in several languages: everybody gets one mail, in the language that was theirs at the launch."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import pytest
from sqlalchemy import select, update

from mailer.compose.message import from_json, to_json
from mailer.compose.source.message_file import read_source
from mailer.delivery.campaigns.lifecycle import find_campaign, launch_due, launch_now, schedule
from mailer.delivery.campaigns.plan import prepare
from mailer.delivery.campaigns.retry_failed import resolve_uncertain
from mailer.delivery.ledger.mailed_message import version_of
from mailer.delivery.sending import sender
from mailer.delivery.sending.run import Runner
from mailer.delivery.sending.run_control import Stop
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns, deliveries, links, people
from mailer.store.tables.states import DeliveryState
from mailer.transports.base import Envelope, Fate, Mailing, Outcome, Transport
from mailer.workspace import Workspace
from tests.delivery.scripted import Scripted
from tests.delivery.world import ACCEPTED, Clock
from tests.languages import READERS, SLUG, SUBJECTS, add_readers, write


class Sorted(Scripted):
    """A transport that takes requests for several people, and knows which mailing each came with."""

    def __init__(self, answer: Callable[[Envelope], Outcome], *, batch: int = 1) -> None:
        super().__init__(answer, batch=batch)
        self.sent: list[tuple[Mailing, Envelope]] = []

    def connect(self, mailing: Mailing) -> Any:
        return Bound(self, mailing)


class Bound:
    """A connection for one mailing."""

    def __init__(self, transport: Sorted, mailing: Mailing) -> None:
        self.transport, self.mailing = transport, mailing

    def hand_over(self, envelopes: Sequence[Envelope]) -> Sequence[Outcome]:
        self.transport.sent += [(self.mailing, envelope) for envelope in envelopes]
        return self.transport.hand_over(envelopes)

    def close(self) -> None:
        pass


def launched(workspace: Workspace, database: Database, now: datetime, *, each: int = 3) -> dict[str, str]:
    known = add_readers(database, each=each, now=now)
    plan = prepare(database, read_source(write(workspace))).plan
    launch_now(database, plan, expected=len(known), now=now)
    return known


def run(workspace: Workspace, database: Database, transport: Transport, now: datetime, monkeypatch: Any) -> None:
    monkeypatch.setattr(sender, "make_transport", lambda *_, **__: transport)
    Runner(workspace, database, clock=Clock(now), stop=Stop()).run()


def subject(mailing: Mailing) -> str:
    return "".join(part for part in mailing.subject if isinstance(part, str))


def versions(database: Database) -> dict[str, str]:
    with database.read() as connection:
        rows = connection.execute(
            select(people.c.address, deliveries.c.language).join(people, people.c.id == deliveries.c.person_id)
        )
        return {row.address: row.language for row in rows}


@pytest.mark.parametrize("batch", [1, 7])
def test_everybody_gets_one_mail_in_their_language_and_no_request_mixes_two(
    workspace: Workspace, database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    known = launched(workspace, database, now)
    transport = Sorted(lambda _: ACCEPTED, batch=batch)
    run(workspace, database, transport, now, monkeypatch)
    got = {envelope.address: subject(mailing) for mailing, envelope in transport.sent}
    assert len(transport.sent) == len(known), "once each"
    assert got == {address: SUBJECTS[READERS[language]] for address, language in known.items()}
    with database.read() as connection:
        assert find_campaign(connection, SLUG).state == "finished"  # type: ignore[union-attr]
        assert set(connection.execute(select(deliveries.c.state)).scalars()) == {DeliveryState.SENT}


def test_what_they_get_is_decided_at_the_launch_and_never_again(
    workspace: Workspace, database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody changes their language, and staff the files, while half of it is on its way."""
    known = launched(workspace, database, now, each=1)
    before = versions(database)
    lost = Sorted(lambda envelope: Outcome(Fate.UNCERTAIN))
    run(workspace, database, lost, now, monkeypatch)
    write(workspace, message_fr="", action_fr="")
    with database.write() as connection:
        connection.execute(update(people).values(language="fr"))
        number = find_campaign(connection, SLUG).id  # type: ignore[union-attr]
    resolve_uncertain(database, number, resend=True, now=now)
    again = Sorted(lambda _: ACCEPTED)
    run(workspace, database, again, now, monkeypatch)
    assert versions(database) == before
    got = {envelope.address: subject(mailing) for mailing, envelope in again.sent}
    assert got == {address: SUBJECTS[READERS[language]] for address, language in known.items()}


def test_a_scheduled_one_decides_when_it_is_due(workspace: Workspace, database: Database, now: datetime) -> None:
    known = add_readers(database, each=1, now=now)
    plan = prepare(database, read_source(write(workspace))).plan
    schedule(database, plan, due_at=now, zone="UTC", late=now - now, now=now)
    with database.write() as connection:
        connection.execute(update(people).where(people.c.language == "de").values(language="fr-BE"))
    assert [row.slug for row in launch_due(database, now=now)] == [SLUG]
    assert versions(database) == {
        address: "fr" if language == "de" else READERS[language] for address, language in known.items()
    }


def test_neighbouring_numbers_for_those_who_get_the_same(
    workspace: Workspace, database: Database, now: datetime
) -> None:
    launched(workspace, database, now)
    with database.read() as connection:
        ordered = connection.execute(select(deliveries.c.language).order_by(deliveries.c.id)).scalars().all()
        numbers = connection.execute(select(deliveries.c.id).order_by(deliveries.c.id)).scalars().all()
    assert len(list(groupby(ordered))) == len(set(ordered)) == 3
    assert [number - numbers[0] for number in numbers] == list(range(len(numbers)))


def test_no_link_of_one_version_has_the_number_of_another(
    workspace: Workspace, database: Database, now: datetime
) -> None:
    launched(workspace, database, now, each=1)
    with database.read() as connection:
        message = from_json(connection.execute(select(campaigns.c.message)).scalar_one())
        rows = connection.execute(select(links.c.n, links.c.language, links.c.url).order_by(links.c.n)).all()
    assert [row.n for row in rows] == list(range(1, len(rows) + 1))
    assert {row.language for row in rows} == set(SUBJECTS) == set(message.versions)
    led = {row.language: row.url for row in rows if "/act/" in row.url}
    assert led["fr"].startswith(f"https://mail.example.org/act/{SLUG}?lang=fr")
    assert "lang=pt-BR" in led["pt-BR"], "it asks for its own, and gets the page's fallback"
    assert from_json(json.loads(json.dumps(to_json(message)))) == message


def test_a_delivery_knows_its_version(workspace: Workspace, database: Database, now: datetime) -> None:
    launched(workspace, database, now, each=1)
    with database.read() as connection:
        for number, language in connection.execute(select(deliveries.c.id, deliveries.c.language)):
            assert version_of(connection, number) == language
