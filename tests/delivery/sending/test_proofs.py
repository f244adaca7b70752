"""A proof: one mail to a colleague, kept as long as its links work, and said when it was not taken."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from mailer.audience.selection.spec import Audience
from mailer.delivery.campaigns.freeze import Plan
from mailer.delivery.sending.proofs import KEEP, ProofRecipient, send_proof
from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.store.tables.core import proofs
from mailer.transports.base import Fate, Outcome
from mailer.workspace import Newsletter, Workspace
from tests.delivery.scripted import Scripted
from tests.delivery.world import ACCEPTED, MESSAGE


def send(workspace: Workspace, database: Database, outcome: Outcome, at: datetime) -> Scripted:
    transport = Scripted(lambda envelope: outcome)
    plan = Plan(MESSAGE, Audience(("supporters",)), Newsletter(workspace, MESSAGE.slug), transport.name)
    send_proof(database, plan, ProofRecipient("zoe@example.org", {"first_name": "Ada"}), transport=transport, now=at)
    return transport


def kept(database: Database) -> list[datetime]:
    with database.read() as connection:
        return list(connection.execute(select(proofs.c.at).order_by(proofs.c.at)).scalars())


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome(Fate.REFUSED, "550", "5.1.1 no such user"), "was not taken: refused, 550 5.1.1 no such user"),
        (Outcome(Fate.DEFERRED, "451", "later"), "was not taken: deferred, 451 later"),
        (Outcome(Fate.UNCERTAIN), "was not taken: uncertain, no answer"),
    ],
)
def test_a_proof_that_was_not_taken_is_said_with_the_reply(
    workspace: Workspace, database: Database, now: datetime, outcome: Outcome, words: str
) -> None:
    with pytest.raises(MailerError, match=words):
        send(workspace, database, outcome, now)


def test_proofs_are_kept_as_long_as_their_links_work(workspace: Workspace, database: Database, now: datetime) -> None:
    for at in (now, now + timedelta(days=1), now + KEEP + timedelta(hours=1)):
        (envelope,) = send(workspace, database, ACCEPTED, at).given
        assert envelope.address == "zoe@example.org"
        assert kept(database)[-1] == at
    assert len(kept(database)) == 2, "the first is gone"
