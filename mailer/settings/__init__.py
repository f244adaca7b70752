"""The workspace's settings and secrets. `values` says what can be set; `reading` and `secret` read it."""

from mailer.settings.constraints import TRANSPORTS
from mailer.settings.loader import SETTINGS_FILE, read_settings
from mailer.settings.schema import (
    Bounces,
    Brand,
    Check,
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
    Tracking,
    Webhook,
)
from mailer.settings.secrets import SECRETS_FILE, Secrets, environment_alone, read_secrets

__all__ = [
    "SECRETS_FILE",
    "SETTINGS_FILE",
    "TRANSPORTS",
    "Bounces",
    "Brand",
    "Check",
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
    "Tracking",
    "Webhook",
    "environment_alone",
    "read_secrets",
    "read_settings",
]
