"""The outbox as a provider: it needs no account, and no mail leaves this machine."""

from __future__ import annotations

from pathlib import Path

from mailer.settings.schema import Settings
from mailer.settings.secrets import Secrets
from mailer.transports.base import Transport
from mailer.transports.outbox.settings import SECTION, Outbox
from mailer.transports.provider import Provider


def _make(settings: Settings, _secrets: Secrets, root: Path) -> Transport:
    from mailer.transports.outbox.transport import OutboxTransport

    return OutboxTransport(root / settings.section(Outbox).path)


PROVIDER = Provider(
    SECTION,
    make=_make,
    where=lambda settings: f"{settings.section(Outbox).path}/, a folder on this machine",
    leaves=lambda _settings: False,
    mails_stay=True,
)
