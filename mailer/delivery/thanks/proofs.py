"""Proofs of a thanks.md: by name, as somebody gets it who came by their own link, or as an address gets it that was
typed into the form by somebody who ticked the box for news. The button that confirms leads nowhere in either."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime

from mailer.compose.merge import NO_URLS
from mailer.compose.thank_you import CONFIRMATION
from mailer.delivery.campaigns.freeze import Plan, keep_images
from mailer.delivery.sending.envelopes import PROOF_MARK
from mailer.delivery.sending.proofs import why
from mailer.delivery.thanks.mails import mail_of
from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.transports.base import Envelope, Fate, Mailing, Transport


def proof_of_thanks(
    plan: Plan, supporter: Mapping[str, str] | None, *, to: str, now: datetime
) -> tuple[Mailing, Envelope]:
    """The mail. `supporter` is who it thanks by name, None for nobody."""
    seen = supporter or {CONFIRMATION: "proof"}
    mail = mail_of(plan.message, mark=PROOF_MARK)
    domain = mail.mailing.from_address.rpartition("@")[2]
    headers = (("Date", format_datetime(now)), ("Message-ID", f"<{secrets.token_hex(16)}@{domain}>"))
    return mail.mailing, Envelope(0, 1, to, "", mail.program.values(seen, NO_URLS), headers)


def prove_thanks(
    database: Database,
    plan: Plan,
    supporter: Mapping[str, str] | None,
    *,
    to: str,
    transport: Transport,
    now: datetime,
) -> None:
    """Mail a proof. Raises when it was not taken."""
    mailing, envelope = proof_of_thanks(plan, supporter, to=to, now=now)
    with database.write() as connection:
        keep_images(connection, plan.message, plan.newsletter)
    connection = transport.connect(mailing)
    try:
        (outcome,) = connection.hand_over([envelope])
    finally:
        connection.close()
    if outcome.fate is not Fate.ACCEPTED:
        raise MailerError(f"the proof to {to} was not taken: {why(outcome)}", remedy="Check: mailer doctor")
