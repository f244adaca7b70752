"""An SMTP relay as a provider: any mail service speaks it, and bounces come back by mail."""

from __future__ import annotations

from pathlib import Path

from mailer.settings.schema import Settings
from mailer.settings.secrets import Secrets
from mailer.transports.base import Transport
from mailer.transports.loopback import on_this_machine
from mailer.transports.provider import DnsExpectations, Provider
from mailer.transports.smtp.settings import SECTION, Smtp


def _make(settings: Settings, secrets: Secrets, root: Path) -> Transport:
    from mailer.transports.smtp.transport import SmtpTransport

    return SmtpTransport(settings.section(Smtp), password=secrets.of_provider("smtp_password"), root=root)


def _where(settings: Settings) -> str:
    smtp = settings.section(Smtp)
    return f"{smtp.host}:{smtp.port}"


PROVIDER = Provider(
    SECTION,
    make=_make,
    where=_where,
    # A relay on this machine may be there for trying out, or may pass mails on: the settings don't tell.
    leaves=lambda settings: not on_this_machine(settings.section(Smtp).host),
    connections=lambda settings: settings.section(Smtp).connections,
    dns=DnsExpectations(relay_host=lambda settings: settings.section(Smtp).host),
)
