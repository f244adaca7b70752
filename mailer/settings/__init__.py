"""The workspace's settings and secrets: `schema` and `providers` say what can be set, and `limits` within what;
`tables`, `loader` and `secrets` read it."""

from mailer.settings.loader import SETTINGS_FILE, read_settings
from mailer.settings.schema import (
    Bounces,
    Brand,
    Check,
    Dns,
    Organisation,
    Public,
    Sender,
    Settings,
    StudioSettings,
    Tracking,
    Webhook,
)
from mailer.settings.secrets import SECRETS_FILE, SHORTEST_KEY, Secrets, environment_alone, read_secrets
from mailer.settings.sending import Caps, Guard, Pace, Run

__all__ = [
    "SECRETS_FILE",
    "SETTINGS_FILE",
    "SHORTEST_KEY",
    "Bounces",
    "Brand",
    "Caps",
    "Check",
    "Dns",
    "Guard",
    "Organisation",
    "Pace",
    "Public",
    "Run",
    "Secrets",
    "Sender",
    "Settings",
    "StudioSettings",
    "Tracking",
    "Webhook",
    "environment_alone",
    "read_secrets",
    "read_settings",
]
