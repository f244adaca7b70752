"""The mail of thanks, from the form to the mailbox: one for each person, through servers that share a database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from mailer.store.engine.database import Database, open_database
from mailer.store.tables.core import subscriptions
from mailer.store.tables.inbound import signatures
from mailer.store.tables.jobs import jobs
from mailer.web.public.app import create_app
from mailer.workspace import THANKS_FILE, Workspace
from tests.delivery.sending.test_troubled_transports import by_smtp
from tests.delivery.thanks.conftest import MAIL
from tests.patience import until
from tests.servers.relay import HangUp, Relay, Say, Step
from tests.web.client import serving
from tests.web.conftest import Served
from tests.web.notices import link_of
from tests.web.public.petition.test_action_page import BLANK, acting, post, token

__all__ = ["acting"]  # the fixture


@pytest.fixture
def relayed(acting: Served, workspace: Workspace, now: datetime) -> Iterator[tuple[list[Served], Relay]]:
    """Two servers at one database, whose mail goes to one relay."""
    (workspace.newsletters / "library" / THANKS_FILE).write_text(MAIL, encoding="utf-8")
    with Relay() as relay:
        behind = by_smtp(workspace, relay)
        first, other = (open_database(workspace.settings.database_url) for _ in range(2))
        try:
            with (
                serving(create_app(behind, first, clock=lambda: now)) as one,
                serving(create_app(behind, other, clock=lambda: now)) as two,
            ):
                yield [Served(port, acting.database, acting.signer) for port in (one, two)], relay
        finally:
            first.close()
            other.close()


def settled(database: Database) -> list[str]:
    """The states of the signatures' thanks, once no job waits."""

    def over() -> bool:
        with database.read() as connection:
            return not connection.execute(select(jobs.c.id).where(jobs.c.done_at.is_(None))).first()

    until(over)
    with database.read() as connection:
        return list(connection.execute(select(signatures.c.thanks).order_by(signatures.c.id)).scalars())


def mails(relay: Relay) -> list[tuple[str, EmailMessage]]:
    return [
        (one.recipient, message_from_bytes(one.content, policy=policy.default))  # pyright: ignore[reportReturnType]
        for one in relay.received
    ]


def test_two_presses_at_two_servers_bring_one_mail_that_confirms(
    relayed: tuple[list[Served], Relay], now: datetime
) -> None:
    servers, relay = relayed
    for served in (*servers, *servers):
        assert post(served, {**BLANK, "news": "1"}).status == 303
    assert settled(servers[0].database) == ["sent"]
    thanks = [mail for _, mail in mails(relay) if mail["Subject"] == "Thank you for signing"]
    assert len(thanks) == 1
    assert thanks[0]["List-Unsubscribe"] is None
    path = link_of(thanks[0])
    assert servers[1].get(path).status == 200
    before = len(servers[0].rows(subscriptions))
    assert servers[1].post(path).status in (200, 303)
    assert len(servers[0].rows(subscriptions)) == before + 1, "the mail's own button puts them on the list"


def test_somebody_by_their_own_link_is_thanked_by_name_and_a_stranger_is_not(
    relayed: tuple[list[Served], Relay], now: datetime
) -> None:
    servers, relay = relayed
    post(servers[0], {"country": "ie", "email": "ignored@example.org"}, f"?t={token(servers[0], now)}")
    post(servers[1], {**BLANK, "first_name": "Fake"})
    assert settled(servers[0].database) == ["sent", "sent"]
    said = {recipient: mail.get_body(("plain",)).get_content() for recipient, mail in mails(relay)}  # type: ignore[union-attr]
    known, typed = said.pop("mary1@example.org"), said.pop("ana@example.org")
    assert said == {}
    assert "Thank you, Marta" in known
    assert "Thank you, friend" in typed
    assert "Fake" not in typed


def test_a_test_mails_link_and_a_bot_bring_no_mail(relayed: tuple[list[Served], Relay], now: datetime) -> None:
    servers, relay = relayed
    post(servers[0], {"country": "ie"}, f"?t={token(servers[0], now, proof=True)}")
    assert settled(servers[0].database) == []
    assert relay.received == []


@pytest.mark.parametrize(("act", "state"), [(HangUp(recorded=True), "uncertain"), (Say("550 5.1.1 no"), "failed")])
def test_what_the_relay_does_is_what_is_noted(
    relayed: tuple[list[Served], Relay], act: HangUp | Say, state: str
) -> None:
    servers, relay = relayed
    relay.on(Step.END, act, times=1)
    post(servers[0], BLANK)
    assert settled(servers[0].database) == [state]
    post(servers[1], BLANK)
    assert settled(servers[0].database) == [state], "and it is not sent again"
