"""Postmark as a provider: an HTTP API, and events at /hooks/postmark behind a password."""

from __future__ import annotations

from pathlib import Path

from mailer.settings.schema import Settings
from mailer.settings.secrets import Secrets
from mailer.transports.base import Transport
from mailer.transports.events import EventSource
from mailer.transports.postmark.settings import SECTION, Postmark
from mailer.transports.provider import DnsExpectations, Provider


def _make(settings: Settings, secrets: Secrets, _root: Path) -> Transport:
    from mailer.transports.postmark.transport import PostmarkTransport

    return PostmarkTransport(settings.section(Postmark), token=secrets.of_provider("postmark_token"))


def _events() -> EventSource:
    from mailer.transports.postmark.webhook import PostmarkWebhook

    return PostmarkWebhook()


PROVIDER = Provider(
    SECTION,
    make=_make,
    where=lambda settings: f"{settings.section(Postmark).base_url}, stream {settings.section(Postmark).stream}",
    connections=lambda settings: settings.section(Postmark).connections,
    # It mails with a return path of its own, and each account's DKIM selector is made from a date, so it must be set.
    dns=DnsExpectations(own_return_path=True),
    events=_events,
)
