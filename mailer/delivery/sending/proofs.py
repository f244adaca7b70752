"""Proofs: the very mail a person would get, sent to a colleague, marked as a proof, its links counting for nothing."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert

from mailer.compose.message import to_json
from mailer.delivery.campaigns.freeze import Plan, keep_images
from mailer.delivery.sending.cleanup import clock_is_believed
from mailer.delivery.sending.envelopes import EnvelopeBuilder
from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.store.tables.core import proofs
from mailer.tracking.tokens import Signer
from mailer.transports.base import Fate, Outcome, Transport

KEEP = timedelta(days=30)  # how long the links of a proof work


@dataclass(frozen=True, slots=True)
class ProofRecipient:
    """Who gets a proof, and which person it is merged as: `person_id` when that is somebody real."""

    to: str
    supporter: Mapping[str, object]
    person_id: int | None = None


def send_proof(
    database: Database, plan: Plan, proof: ProofRecipient, *, transport: Transport, now: datetime
) -> Outcome:
    """Mail a proof of a message that need not be sent yet. Raises when it was not taken."""
    message, workspace = plan.message, plan.newsletter.workspace
    signer = Signer(workspace.secrets.require_signing())
    proof_id = secrets.randbits(62)
    with database.write() as connection:
        if clock_is_believed(connection, now=now):
            connection.execute(delete(proofs).where(proofs.c.at < now - KEEP))
        connection.execute(
            insert(proofs).values(
                id=proof_id, slug=message.slug, message=to_json(message), person_id=proof.person_id, at=now
            )
        )
        keep_images(connection, message, plan.newsletter)
    builder = EnvelopeBuilder(message, settings=workspace.settings, signer=signer, proof=True)
    envelope = builder.envelope(proof_id, attempt=1, address=proof.to, supporter=proof.supporter, now=now)
    connection = transport.connect(builder.mailing())
    try:
        (outcome,) = connection.hand_over([envelope])
    finally:
        connection.close()
    if outcome.fate is not Fate.ACCEPTED:
        reply = f"{outcome.code} {outcome.detail}".strip() or "no answer"
        raise MailerError(
            f"the proof to {proof.to} was not taken: {outcome.fate}, {reply}", remedy="Check: mailer doctor"
        )
    return outcome
