"""What mailer.toml can set of Postmark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mailer.settings.limits import CONNECTIONS, above_zero, between, limit
from mailer.settings.providers import ProviderSection

MOST_PEOPLE = 500  # postmarkapp.com/developer/api/email-api: messages in one call


@dataclass(frozen=True, slots=True)
class Postmark:
    """Postmark's HTTP API. `stream`: the message stream, which must be one for broadcasts. `people_per_request`: what
    one unanswered request can leave uncertain.
    """

    base_url: str = "https://api.postmarkapp.com"
    stream: Annotated[str, limit(str.strip, "{name} is empty", 'Such as "broadcast".')] = "broadcast"
    people_per_request: Annotated[int, between(1, MOST_PEOPLE)] = 100
    connections: Annotated[int, CONNECTIONS] = 2
    timeout_seconds: Annotated[float, above_zero(at_most=600)] = 60.0
    webhook_user: str = "mailer"  # of the webhook's basic authentication, beside postmark_webhook_password


SECTION = ProviderSection("postmark", "Postmark", Postmark, secrets=("postmark_token", "postmark_webhook_password"))
