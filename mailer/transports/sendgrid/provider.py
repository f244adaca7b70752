"""SendGrid as a provider: an HTTP API, and signed events at /hooks/sendgrid."""

from __future__ import annotations

from pathlib import Path

from mailer.settings.schema import Settings
from mailer.settings.secrets import Secrets
from mailer.transports.base import Transport
from mailer.transports.events import EventSource
from mailer.transports.provider import DnsExpectations, Provider
from mailer.transports.sendgrid.settings import SECTION, Sendgrid

# It mails with a return path of its own, and signs with keys that it keeps and changes itself
# (twilio.com/docs/sendgrid/ui/account-and-settings/how-to-set-up-domain-authentication).
DNS = DnsExpectations(own_return_path=True, selectors=("s1", "s2"), cname=True)


def _make(settings: Settings, secrets: Secrets, _root: Path) -> Transport:
    from mailer.transports.sendgrid.transport import SendgridTransport

    key = secrets.of_provider("sendgrid_api_key")
    return SendgridTransport(settings.section(Sendgrid), api_key=key, sender=settings.sender.from_)


def _events() -> EventSource:
    from mailer.transports.sendgrid.webhook import SendgridWebhook

    return SendgridWebhook()


PROVIDER = Provider(
    SECTION,
    make=_make,
    where=lambda settings: settings.section(Sendgrid).base_url,
    connections=lambda settings: settings.section(Sendgrid).connections,
    one_reply_to=True,
    dns=DNS,
    events=_events,
)
