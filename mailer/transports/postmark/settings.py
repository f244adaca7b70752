"""What mailer.toml can set of Postmark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mailer.settings.limits import CONNECTIONS, above_zero, between, limit
from mailer.settings.providers import Asked, Preset, ProviderSection

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


PRESET = Preset(
    "postmark",
    "Postmark",
    about="Sends by its own interface, and reports bounces by itself.",
    asks=(
        Asked("postmark_token", "Server API token", "On the server’s page, under API Tokens."),
        Asked("stream", "Message stream", "The ID of a stream for broadcasts, such as broadcast."),
        Asked("postmark_webhook_password", "Password of the webhook", "Make one up of 16 characters or more, for 3."),
    ),
    guide=(
        "Add your domain under Sender Signatures, and the two DNS records that it shows.",
        "Open your server, and copy its API token to here. Mass mail needs a stream of the type Broadcast.",
        "In that stream, under Webhooks, add the address below with the user mailer and the password. Choose delivery, "
        "bounce, spam complaint and subscription change.",
    ),
)
SECTION = ProviderSection(
    "postmark", "Postmark", Postmark, secrets=("postmark_token", "postmark_webhook_password"), presets=(PRESET,)
)
