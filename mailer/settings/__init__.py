"""The workspace's settings and secrets. `values` says what can be set; `reading` and `secret` read it."""

from mailer.settings.reading import SETTINGS_FILE, TRANSPORTS, read_settings
from mailer.settings.secret import SECRETS_FILE, Secrets, read_secrets
from mailer.settings.values import (
    Brand,
    Dns,
    Guard,
    Organisation,
    Outbox,
    Pace,
    Public,
    Sender,
    Sendgrid,
    Settings,
    Smtp,
)

__all__ = [
    "SECRETS_FILE",
    "SETTINGS_FILE",
    "TRANSPORTS",
    "Brand",
    "Dns",
    "Guard",
    "Organisation",
    "Outbox",
    "Pace",
    "Public",
    "Secrets",
    "Sender",
    "Sendgrid",
    "Settings",
    "Smtp",
    "read_secrets",
    "read_settings",
]
