"""What mailer.toml can set of SendGrid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mailer.settings.limits import CONNECTIONS, above_zero, at_least, between
from mailer.settings.providers import Asked, Preset, ProviderSection


@dataclass(frozen=True, slots=True)
class Sendgrid:
    """SendGrid's v3 Mail Send. `people_per_request`: what one unanswered request can leave uncertain; 0 is as many as
    its limits allow. `merged_bytes_per_request`: 0 leaves only the limit of each person
    (docs/decisions/0009-bytes-a-person.md).
    """

    base_url: str = "https://api.sendgrid.com"
    people_per_request: Annotated[int, between(0, 1000)] = 0
    merged_bytes_per_request: Annotated[int, at_least(0)] = 50_000
    gzip: bool = False  # only for accounts where SendGrid's support enabled it
    connections: Annotated[int, CONNECTIONS] = 2
    timeout_seconds: Annotated[float, above_zero(at_most=600)] = 30.0
    webhook_keys: tuple[str, ...] = ()  # public keys of its Event Webhook, base64; several while one is replaced
    webhook_unsigned: bool = False  # believe events without a signature: anybody who knows the address can forge them


PRESET = Preset(
    "sendgrid",
    "SendGrid",
    about="Sends by its own interface, and reports bounces by itself.",
    asks=(
        Asked("sendgrid_api_key", "API key", "It begins with SG. and is shown once."),
        Asked("webhook_keys", "Verification key of the Event Webhook", "Begins with MFkw. Empty until you did 3."),
    ),
    guide=(
        "Settings, Sender Authentication: authenticate your domain, and add the DNS records that it shows.",
        "Settings, API Keys: make a key with Restricted Access and Mail Send alone, and copy it to here.",
        "Settings, Mail Settings, Event Webhook: add the address below, switch Signature Verification on, and copy the "
        "Verification Key to here.",
    ),
)
SECTION = ProviderSection("sendgrid", "SendGrid", Sendgrid, secrets=("sendgrid_api_key",), presets=(PRESET,))
