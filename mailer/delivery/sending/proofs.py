"""Proofs: the very mail a person would get, sent to a colleague, marked as a proof, its links counting for nothing.

Where colleagues reach the studio, the proof ends with the address of the newsletter's review. It is below everything
else, so that the line in the inbox and the mail itself are as a reader gets them. It opens a page: nothing is approved
by following it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from html import escape

from sqlalchemy import delete, insert

from mailer.compose.message import Message, to_json
from mailer.compose.open_pixel import before_end
from mailer.delivery.campaigns.freeze import Plan, keep_images
from mailer.delivery.sending.cleanup import clock_is_believed
from mailer.delivery.sending.envelopes import EnvelopeBuilder
from mailer.errors import MailerError
from mailer.experiments.words import named
from mailer.review.approvals import review_path
from mailer.store.engine.database import Database
from mailer.store.tables.core import proofs
from mailer.tracking.tokens import Signer
from mailer.transports.base import Fate, Outcome, Transport

KEEP = timedelta(days=30)  # how long the links of a proof work
INVITED = "This is a proof. Say what you think of it, or approve it:"


@dataclass(frozen=True, slots=True)
class ProofRecipient:
    """Who gets a proof, and which person it is merged as: `person_id` when that is somebody real."""

    to: str
    supporter: Mapping[str, object]
    person_id: int | None = None


def send_proof(database: Database, plan: Plan, proof: ProofRecipient, *, transport: Transport, now: datetime) -> None:
    """Mail a proof of a message that need not be sent yet, of each version of a test. Raises when it was not taken."""
    for _, outcome in send_proofs(database, plan, [proof], transport=transport, now=now):
        if outcome.fate is not Fate.ACCEPTED:
            raise MailerError(f"the proof to {proof.to} was not taken: {why(outcome)}", remedy="Check: mailer doctor")


def send_proofs(
    database: Database, plan: Plan, wanted: Sequence[ProofRecipient], *, transport: Transport, now: datetime
) -> Iterator[tuple[ProofRecipient, Outcome]]:
    """Mail several proofs, each in its reader's language and in all versions of a test, and tell of each as it was
    handed over. Raises when the other side can't be reached: then the rest was not sent."""
    workspace = plan.newsletter.workspace
    settings = workspace.settings
    signer = Signer(workspace.secrets.require_signing())
    numbered = [
        (secrets.randbits(62), proof, _of_version(plan, arm, proof)) for arm in plan.message.arms for proof in wanted
    ]
    with database.write() as connection:
        if clock_is_believed(connection, now=now):
            connection.execute(delete(proofs).where(proofs.c.at < now - KEEP))
        for number, proof, message in numbered:
            row = {"id": number, "slug": message.slug, "message": to_json(message)}
            connection.execute(insert(proofs).values(**row, person_id=proof.person_id, at=now))
        keep_images(connection, plan.message, plan.newsletter)
    for mail in dict.fromkeys(message.digest for _, _, message in numbered):  # one connection mails one version
        alike = [one for one in numbered if one[2].digest == mail]
        inviting = _inviting(alike[0][2], settings.studio.url)
        builder = EnvelopeBuilder(inviting, settings=settings, signer=signer, proof=True, cells=plan.cells)
        connection = transport.connect(builder.mailing())
        try:
            for number, proof, _ in alike:
                envelope = builder.envelope(number, attempt=1, address=proof.to, supporter=proof.supporter, now=now)
                (outcome,) = connection.hand_over([envelope])
                yield proof, outcome
        finally:
            connection.close()


def _of_version(plan: Plan, arm: str, proof: ProofRecipient) -> Message:
    """The mail of one version of a test, which its subject names; "" where nothing is tested."""
    if not arm:
        return plan.read_by(proof.supporter).message
    message = plan.of_version(arm).read_by(proof.supporter).message
    return replace(message, subject=(f"{named(arm)}: ", *message.subject))


def why(outcome: Outcome) -> str:
    """Why a proof was not taken."""
    return f"{outcome.fate}, {f'{outcome.code} {outcome.detail}'.strip() or 'no answer'}"


def _inviting(message: Message, studio_url: str) -> Message:
    """The message with the way to its review below everything else; as it is where the studio has no address."""
    if not studio_url:
        return message
    address = f"{studio_url}{review_path(message.slug)}"
    line = (
        '<p style="margin:0;padding:16px;background:#fcf2dc;color:#1b1e20;font:15px/1.5 Arial,sans-serif;'
        f'text-align:center">{INVITED}<br><a href="{escape(address)}" style="color:#0b6069">{escape(address)}</a></p>'
    )
    return replace(
        message, html=before_end(message.html, line), text=(*message.text, f"\n\n--\n{INVITED}\n{address}\n")
    )
