"""What mailer.toml can set of Postmark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mailer.settings.providers import ProviderSection, SectionFault, connections_fault

MOST_PEOPLE = 500  # postmarkapp.com/developer/api/email-api: messages in one call


@dataclass(frozen=True, slots=True)
class Postmark:
    """Postmark's HTTP API. `stream`: the message stream, which must be one for broadcasts. `people_per_request`: what
    one unanswered request can leave uncertain.
    """

    base_url: str = "https://api.postmarkapp.com"
    stream: str = "broadcast"
    people_per_request: int = 100
    connections: int = 2
    timeout_seconds: float = 60.0
    webhook_user: str = "mailer"  # of the webhook's basic authentication, beside postmark_webhook_password


def _faults(given: Postmark) -> Iterator[SectionFault]:
    if not 1 <= given.people_per_request <= MOST_PEOPLE:
        yield SectionFault("people_per_request", f"postmark.people_per_request must be from 1 to {MOST_PEOPLE}")
    if not given.stream.strip():
        yield SectionFault("stream", "postmark.stream is empty", 'Such as "broadcast".')
    if not 0 < given.timeout_seconds <= 600:
        yield SectionFault("timeout_seconds", "postmark.timeout_seconds must be above 0 and at most 600")
    yield from connections_fault("postmark", given.connections)


SECTION = ProviderSection(
    "postmark", "Postmark", Postmark, faults=_faults, secrets=("postmark_token", "postmark_webhook_password")
)
