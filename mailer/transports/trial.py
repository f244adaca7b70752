"""A test mail to one address, by the mail service as it is set: whether mails leave, before anybody writes one.

It is no newsletter: it has no token, counts for nothing and is kept nowhere.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from email.utils import format_datetime
from html import escape

from mailer.errors import MailerError
from mailer.senders import split_sender
from mailer.transports.base import Envelope, Fate, Mailing, Outcome
from mailer.transports.provider import make_transport, provider_named
from mailer.workspace import Workspace

KEY = "test"  # takes the place of a campaign's slug
SUBJECT = "A test mail from {organisation}"
TEXT = """\
This is a test mail from {organisation}. It left by {service}, so newsletters can leave by it too.

Is it in the folder for spam? Then open Settings, Check everything, in the studio: it says what your domain lacks.
"""


def send_trial(
    workspace: Workspace, to: str, *, at: datetime, subject: str = "", return_path: str = ""
) -> Outcome:  # fmt: skip
    """Hand a test mail over. `return_path`: where it goes if it comes back, instead of to the sender.

    Raises `MailerError`, with what the other side said, unless it was taken.
    """
    settings = workspace.settings
    if not settings.sender.from_:
        raise MailerError("there is no sender yet", remedy="Choose one first, under Senders.")
    name, address = split_sender(settings.sender.from_)
    words = {
        "organisation": settings.organisation.name or name or address,
        "service": provider_named(settings.transport).title,
    }
    text = TEXT.format(**words)
    html = "".join(f"<p>{escape(part)}</p>" for part in text.strip().split("\n\n"))
    mailing = Mailing(
        KEY, name, address, settings.sender.reply_to, (subject or SUBJECT.format(**words),), (text,),
        (f'<!doctype html><html lang="en"><body>{html}</body></html>',), (("Auto-Submitted", "auto-generated"),),
    )  # fmt: skip
    number = f"<{secrets.token_hex(16)}@{address.rpartition('@')[2]}>"
    headers = (("Date", format_datetime(at)), ("Message-ID", number))
    connection = make_transport(settings, workspace.secrets, root=workspace.root).connect(mailing)
    try:
        (outcome,) = connection.hand_over([Envelope(1, 1, to, "", (), headers, return_path)])
    finally:
        connection.close()
    if outcome.fate is not Fate.ACCEPTED:
        said = f"{outcome.code} {outcome.detail}".strip() or "no answer came"
        uncertain = "it may or may not have been taken" if outcome.fate is Fate.UNCERTAIN else "it was not taken"
        raise MailerError(f"{uncertain}: {said}", remedy="See what “Check everything” finds.")
    return outcome
