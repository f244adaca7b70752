"""What mailer.toml can set of SendGrid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mailer.settings.providers import ProviderSection, SectionFault, connections_fault


@dataclass(frozen=True, slots=True)
class Sendgrid:
    """SendGrid's v3 Mail Send. `people_per_request`: what one unanswered request can leave uncertain; 0 is as many as
    its limits allow. `merged_bytes_per_request`: 0 leaves only the limit of each person
    (docs/decisions/0009-bytes-a-person.md).
    """

    base_url: str = "https://api.sendgrid.com"
    people_per_request: int = 0
    merged_bytes_per_request: int = 50_000
    gzip: bool = False  # only for accounts where SendGrid's support enabled it
    connections: int = 2
    timeout_seconds: float = 30.0
    webhook_keys: tuple[str, ...] = ()  # public keys of its Event Webhook, base64; several while one is replaced
    webhook_unsigned: bool = False  # believe events without a signature: anybody who knows the address can forge them


def _faults(given: Sendgrid) -> Iterator[SectionFault]:
    if not 0 <= given.people_per_request <= 1000:
        yield SectionFault("people_per_request", "sendgrid.people_per_request must be from 1 to 1000, or 0")
    if given.merged_bytes_per_request < 0:
        yield SectionFault("merged_bytes_per_request", "sendgrid.merged_bytes_per_request can't be negative")
    yield from connections_fault("sendgrid", given.connections)


SECTION = ProviderSection("sendgrid", "SendGrid", Sendgrid, faults=_faults, secrets=("sendgrid_api_key",))
