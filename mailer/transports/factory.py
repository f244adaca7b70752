"""Which transport the settings ask for. What each does is its own module's matter."""

from __future__ import annotations

from pathlib import Path

from mailer.errors import MailerError
from mailer.settings.schema import Settings
from mailer.settings.secrets import Secrets
from mailer.transports.base import Transport


def make_transport(settings: Settings, secrets: Secrets, *, root: Path) -> Transport:
    """The transport that `settings.transport` names; relative paths count from `root`. Opens nothing yet."""
    # Imported when chosen: each brings libraries that the others don't need.
    match settings.transport:
        case "outbox":
            from mailer.transports.outbox import OutboxTransport

            return OutboxTransport(root / settings.outbox.path)
        case "smtp":
            from mailer.transports.smtp.transport import SmtpTransport

            return SmtpTransport(settings.smtp, password=secrets.smtp_password, root=root)
        case "sendgrid":
            from mailer.transports.sendgrid.transport import SendgridTransport

            return SendgridTransport(settings.sendgrid, api_key=secrets.sendgrid_api_key, sender=settings.sender.from_)
        case other:
            raise MailerError(f"unknown transport {other!r}", hint="Choose outbox, smtp or sendgrid.")
