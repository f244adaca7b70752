"""Amazon SES as a provider: its API v2, and events at /hooks/ses that Amazon SNS signs."""

from __future__ import annotations

from pathlib import Path

from mailer.settings.schema import Settings
from mailer.settings.secrets import Secrets
from mailer.transports.base import Transport
from mailer.transports.events import EventSource
from mailer.transports.provider import DnsExpectations, Provider
from mailer.transports.ses.settings import SECTION, Ses


def _make(settings: Settings, secrets: Secrets, _root: Path) -> Transport:
    from mailer.transports.ses.signature import AccessKey
    from mailer.transports.ses.transport import SesTransport

    key = AccessKey(
        secrets.of_provider("ses_access_key_id"),
        secrets.of_provider("ses_secret_access_key"),
        secrets.of_provider("ses_session_token"),
    )
    return SesTransport(settings.section(Ses), key=key, sender=settings.sender.from_)


def _events() -> EventSource:
    from mailer.transports.ses.webhook import SesWebhook

    return SesWebhook()


def _where(settings: Settings) -> str:
    given = settings.section(Ses)
    return given.endpoint or f"Amazon SES in {given.region or 'no region yet'}"


PROVIDER = Provider(
    SECTION,
    make=_make,
    where=_where,
    connections=lambda settings: settings.section(Ses).connections,
    # It mails with a return path of its own (the MAIL FROM domain, or amazonses.com), and keeps the keys that three
    # CNAME records lead to. Their selectors are random for each domain, so they must be set. The probe tells SES's own
    # verdict on both.
    dns=DnsExpectations(own_return_path=True, cname=True),
    events=_events,
)
